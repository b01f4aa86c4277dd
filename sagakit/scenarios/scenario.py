"""A scenario: what happens in a run, as data.

Wallets, payments, what the provider does, what goes wrong, and how the services are set. A
scenario is checked when it is made, and can be saved to JSON and loaded again.
"""

from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sagakit.deployment import Timing
from sagakit.events import NotUnderstood, explain, loads
from sagakit.payments.api import IDENTIFIER, payment_id_of
from sagakit.payments.money import Amount, Balance
from sagakit.payments.topology import Settings
from sagakit.sim.external import Behaviour
from sagakit.sim.faults import Fault, Milliseconds

Name = Annotated[str, Field(pattern=rf"^{IDENTIFIER.pattern}$")]


class BadScenario(ValueError):
    """A scenario that cannot be run: the text says which field is wrong and what is expected."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class OpeningWallet(_Part):
    """What a user has at the start."""

    user_id: Name
    balance: Balance


class PaymentRequest(_Part):
    """A user's POST at a time, and again `repeats` ms later each, with the same Idempotency-Key."""

    user_id: Name
    amount: Amount
    at: Milliseconds = 0
    idempotency_key: Name
    repeats: tuple[Milliseconds, ...] = ()

    @property
    def payment_id(self) -> str:
        return payment_id_of(self.user_id, self.idempotency_key)


class ProviderRule(_Part):
    """How the provider reacts to some requests; the first rule that matches counts.

    calls        which requests about one payment, counted from 1; all if not given
    payment_id   for which payment; all if not given
    start, end   when (ms); always if not given
    delay        ms that it takes longer than usual
    """

    behaviour: Behaviour
    calls: tuple[int, ...] | None = None
    payment_id: str | None = None
    start: Milliseconds = 0
    end: Milliseconds | None = None
    delay: Milliseconds = 0

    def matches(self, payment_id: str, call: int, now: int) -> bool:
        return (
            (self.calls is None or call in self.calls)
            and self.payment_id in (None, payment_id)
            and self.start <= now
            and (self.end is None or now < self.end)
        )


class QueuedText(_Part):
    """A text that somebody puts in a queue, whatever it says."""

    at: Milliseconds
    queue: str
    text: str


class Redrive(_Part):
    """The dead letters of a queue are sent back into it."""

    at: Milliseconds
    queue: str


class Recovery(_Part):
    """When the wallet store's snapshot is taken, and when the operator starts the recovery (ms)."""

    snapshot_at: Milliseconds
    start_at: Milliseconds


class Scenario(_Part):
    """What happens in a run. Raises pydantic's `ValidationError` for what makes no sense."""

    name: Name
    title: str
    about: str = ""
    wallets: tuple[OpeningWallet, ...]
    payments: tuple[PaymentRequest, ...]
    provider: tuple[ProviderRule, ...] = ()
    faults: tuple[Fault, ...] = ()
    texts: tuple[QueuedText, ...] = ()
    redrives: tuple[Redrive, ...] = ()
    recovery: Recovery | None = None
    settings: Settings = Settings()
    timing: Timing = Field(default_factory=Timing)
    seed: int = 0

    @model_validator(mode="before")
    @classmethod
    def _number_the_keys(cls, values: Any) -> Any:
        """A payment without an Idempotency-Key gets its place as the key."""
        if isinstance(values, dict) and isinstance(values.get("payments"), list | tuple):
            payments = [
                {"idempotency_key": str(place), **one} if isinstance(one, dict) else one
                for place, one in enumerate(values["payments"], start=1)
            ]
            values = {**values, "payments": payments}
        return values

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        users = [wallet.user_id for wallet in self.wallets]
        for user in users:
            if users.count(user) > 1:
                raise ValueError(f"wallets: {user!r} has two wallets: keep one")
        return self

    def but(self, **changes: Any) -> Self:
        """The same scenario with some fields changed, checked again."""
        unknown = set(changes) - set(type(self).model_fields)
        if unknown:
            raise BadScenario(f"a scenario has no {', '.join(sorted(unknown))}")
        return type(self).model_validate({**dict(self), **changes})

    def to_json(self) -> str:
        """The scenario as JSON text; `from_json` reads it."""
        return self.model_dump_json(indent=2)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read a scenario. Raises `BadScenario` with each field that is wrong."""
        try:
            return cls.model_validate(loads(text))
        except ValidationError as error:
            raise BadScenario(explain(error)) from None
        except NotUnderstood as error:
            raise BadScenario(str(error)) from None

    def save(self, path: str | Path) -> None:
        Path(path).write_text(self.to_json() + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a scenario from a file. Raises `BadScenario` with the file's name."""
        try:
            return cls.from_json(Path(path).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise BadScenario(f"{path}: cannot be read: {error}") from None
        except BadScenario as error:
            raise BadScenario(f"{path}: {error}") from None
