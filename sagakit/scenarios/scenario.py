"""A scenario: what happens in a run, as data.

Wallets, payments, what the provider does, what goes wrong, and how the services are set. A
scenario is validated when it is made, and can be saved to JSON and loaded again.
"""

from pathlib import Path
from typing import Annotated, Any, Self, get_origin

from pydantic import Field, StrictInt, model_validator

from sagakit.contract.events import NotUnderstood, encode, loads
from sagakit.contract.external import Behaviour
from sagakit.contract.faults import Fault
from sagakit.contract.suggest import suggest
from sagakit.contract.timing import Count, Milliseconds, Timing, must_end_later
from sagakit.contract.validation import BadScenario, Validated
from sagakit.payments.api import IDENTIFIER, Post, payment_id_of
from sagakit.payments.money import Amount, Balance
from sagakit.payments.topology import Settings

LARGEST_FILE = 100_000_000  # bytes: a million payments
LONGEST_LINE = 88  # characters of a scenario's text, as wide as a page shows a line

Name = Annotated[str, Field(pattern=rf"^{IDENTIFIER.pattern}$")]


class OpeningWallet(Validated):
    """The balance that a user has at the start."""

    user_id: Name
    balance: Balance


class PaymentRequest(Validated):
    """A user's POST at a time, and again `repeats` ms later each, with the same Idempotency-Key."""

    user_id: Name
    amount: Amount
    at: Milliseconds = 0
    idempotency_key: Name
    repeats: tuple[Milliseconds, ...] = ()

    @property
    def payment_id(self) -> str:
        return payment_id_of(self.user_id, self.idempotency_key)

    @property
    def times(self) -> tuple[int, ...]:
        """The times (ms) at which it is sent."""
        return (self.at, *(self.at + later for later in self.repeats))

    def post(self) -> Post:
        """Return the request to the API."""
        body = encode({"user_id": self.user_id, "amount": self.amount})
        return Post(body, self.idempotency_key)


class ProviderRule(Validated):
    """The provider's reaction to some requests; the first rule that matches counts.

    calls        which requests about one payment, counted from 1; all if not given
    payment_id   for which payment; all if not given
    start, end   when (ms); always if not given
    delay        ms that it takes longer than usual
    """

    behaviour: Behaviour
    calls: Annotated[tuple[Count, ...], Field(min_length=1)] | None = None
    payment_id: str | None = None
    start: Milliseconds = 0
    end: Milliseconds | None = None
    delay: Milliseconds = 0

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.end is not None:
            must_end_later(self.start, self.end)
        if self.behaviour == "slow" and not self.delay:
            raise ValueError("slow by how much? Give a delay in ms, for instance delay=8000")
        return self

    def matches(self, payment_id: str, call: int, now: int) -> bool:
        """Return whether the rule is for this request: the `call`-th about the payment."""
        return (
            (self.calls is None or call in self.calls)
            and self.payment_id in (None, payment_id)
            and self.start <= now
            and (self.end is None or now < self.end)
        )


class QueuedText(Validated):
    """A text that somebody puts in a queue, whatever it says."""

    at: Milliseconds
    queue: str
    text: str


class Redrive(Validated):
    """The dead letters of a queue are sent back into it."""

    at: Milliseconds
    queue: str


class Recovery(Validated):
    """The times (ms) of the wallet store's snapshot and of the operator's start of the recovery."""

    snapshot_at: Milliseconds
    start_at: Milliseconds

    @model_validator(mode="after")
    def _has_a_snapshot(self) -> Self:
        if self.start_at <= self.snapshot_at:
            raise ValueError(
                f"start_at ({self.start_at} ms) must be later than snapshot_at "
                f"({self.snapshot_at} ms): it starts from the snapshot"
            )
        return self


class Scenario(Validated):
    """A run as data. Raises `BadScenario` for what makes no sense.

    name       one word
    title      one line, for people
    about      what it shows
    wallets    what each user has at the start
    payments   who pays how much, and when (ms)
    provider   how the provider reacts; the first rule that matches counts, else it approves
    faults     what goes wrong: duplicates, drops, delays, crashes, outages
    texts      what somebody puts in a queue, whatever it says
    redrives   when a queue's dead letters are sent back into it
    recovery   when the wallet store's snapshot is taken, and when it is rebuilt
    settings   how the services are set: attempts, delays, the breaker
    timing     how long things take
    seed       the same scenario and seed give the same trace, byte for byte

    >>> from sagakit import scenarios
    >>> from sagakit.run import run
    >>> poor = scenarios.happy_path.but(name="poor", wallets=[{"user_id": "ana", "balance": 50}])
    >>> run(poor)
    <Run of poor, seed 0: 1 payment FAILED in 128 ms>
    >>> Scenario.from_json(poor.to_json()) == poor
    True
    """

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
    timing: Timing = Timing()
    seed: StrictInt = 0

    @model_validator(mode="before")
    @classmethod
    def _refuse_part_for_list(cls, values: Any) -> Any:
        # A comma is soon forgotten, and pydantic would take a part for a list of its fields.
        for name, value in values.items() if isinstance(values, dict) else ():
            field = cls.model_fields.get(name)
            if isinstance(value, Validated) and field and get_origin(field.annotation) is tuple:
                written = f"{name}=({type(value).__name__}(...),)"
                raise ValueError(f"{name}: must be a list or a tuple: write {written}")
        return values

    @model_validator(mode="before")
    @classmethod
    def _number_the_keys(cls, values: Any) -> Any:
        """Give a payment without an Idempotency-Key its number as the key."""
        if isinstance(values, dict) and isinstance(values.get("payments"), list | tuple):
            payments = [
                {"idempotency_key": str(number), **payment}
                if isinstance(payment, dict)
                else payment
                for number, payment in enumerate(values["payments"], start=1)
            ]
            values = {**values, "payments": payments}
        return values

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if not self.payments and not self.texts:
            raise ValueError("payments: nothing happens without one: give at least one, or a text")
        users = set()
        for index, wallet in enumerate(self.wallets):
            if wallet.user_id in users:
                raise ValueError(
                    f"wallets[{index}].user_id: {wallet.user_id!r} has a wallet already: keep one"
                )
            users.add(wallet.user_id)
        if self.provider or self.faults:
            self._check_payment_ids()
        return self

    def _check_payment_ids(self) -> None:
        """Refuse a rule or fault for a payment that is not made, since it would say nothing."""
        known = {payment.payment_id for payment in self.payments}
        named = [
            (f"provider[{index}].payment_id", rule.payment_id)
            for index, rule in enumerate(self.provider)
        ]
        if not self.texts:  # a text may bring a saga of its own
            named += [
                (f"faults[{index}].correlation_id", getattr(fault, "correlation_id", None))
                for index, fault in enumerate(self.faults)
            ]
        for field, name in named:
            if name is not None and name not in known:
                raise ValueError(f"{field}: there is no payment {name!r}: {suggest(name, known)}")

    def but(self, **changes: Any) -> Self:
        """Return the same scenario with some fields changed. Raises `BadScenario`.

        >>> from sagakit import scenarios
        >>> scenarios.happy_path.but(wallets=[{"user_id": "ana", "balance": "much"}])
        Traceback (most recent call last):
        sagakit.contract.validation.BadScenario: wallets[0].balance: ...
        """
        __tracebackhide__ = True
        return self.from_values({**dict(self), **changes})

    def to_json(self) -> str:
        """Return the scenario as JSON text: an item begins a line, amounts are exact numbers."""
        fields = []
        for name, value in self.model_dump().items():
            if value and isinstance(value, tuple):
                items = ",\n    ".join(_object(item, 4) for item in value)
                fields.append(f'"{name}": [\n    {items}\n  ]')
            elif isinstance(value, dict):
                fields.append(f'"{name}": {_object(value, len(name) + 6)}')
            else:
                fields.append(f'"{name}": {encode(value)}')
        return "{\n  " + ",\n  ".join(fields) + "\n}"

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read a scenario. Raises `BadScenario` with each field that is wrong, a line each."""
        try:
            values = loads(text, once=True)
        except NotUnderstood as error:
            raise BadScenario(str(error)) from None
        return cls.from_values(values)

    def save(self, path: str | Path) -> None:
        Path(path).write_text(self.to_json() + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a scenario from a file. Raises `BadScenario` with the file's name."""
        try:
            with Path(path).open("rb") as file:
                text = file.read(LARGEST_FILE + 1)
            if len(text) > LARGEST_FILE:
                raise BadScenario(f"it is larger than {LARGEST_FILE:,} bytes: is it a scenario?")
            return cls.from_json(text)
        except FileNotFoundError:
            raise BadScenario(f"{path}: there is no such file") from None
        except OSError as error:
            raise BadScenario(f"{path}: cannot be read: {error.strerror}") from None
        except BadScenario as error:
            raise BadScenario(f"{path}: {error}") from None


def _object(fields: dict[str, Any], column: int) -> str:
    """Return an object as JSON text that begins at a column, as many fields on a line as fit."""
    lines = [""]
    for name, value in fields.items():
        field = f'"{name}": {encode(value)},'
        if lines[-1] and column + len(f"{{{lines[-1]} {field}") > LONGEST_LINE:
            lines.append("")
        lines[-1] += f" {field}" if lines[-1] else field
    return "{" + ("\n" + " " * (column + 1)).join(lines).removesuffix(",") + "}"
