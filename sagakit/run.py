"""Run a scenario once: `run(scenario) -> Run`, a finished trace with its views.

The facade: each method of a `Run` imports its view when it is called, so that `import sagakit`
loads neither pandas nor matplotlib.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sagakit.contract.imports import make_callable

if TYPE_CHECKING:
    import pandas as pd

    from sagakit.contract.deployment import Deployment
    from sagakit.contract.ports import Service
    from sagakit.draw.mermaid import Mermaid
    from sagakit.draw.story import Names
    from sagakit.draw.summary import Summary
    from sagakit.draw.svg import Picture
    from sagakit.lab.player import Player
    from sagakit.laws import Verdict
    from sagakit.scenarios import Scenario, System
    from sagakit.sim.schedule import Choice
    from sagakit.trace.spans import Span
    from sagakit.trace.trace import Trace

Invariant = Callable[["Run"], "str | None"]
"""A law of one's own: what is broken in a run at rest, in words, or None."""


def run(
    scenario: "Scenario | System | str",
    *,
    seed: int | None = None,
    services: "Mapping[str, Service] | None" = None,
    schedule: "Iterable[Choice] | None" = None,
    deployment: "Deployment | None" = None,
) -> "Run":
    """Run a scenario, or the one of that name, to its end in virtual time.

    `seed` takes the place of the scenario's; the same scenario and seed give the same trace, byte
    for byte. `services` puts others in the place of the sound services, for instance
    `{"Wallet Service": MyWalletService}`: a class, or a function that builds it from its ports.
    `deployment` takes the place of the one that the scenario's settings and the services make.
    `schedule` gives the order of the steps in the place of the clock, as a counterexample of
    `explore` does. Raises `BadScenario` for what is no scenario and for what makes no sense of the
    rest, `ScheduleMismatch` for a schedule of something else.

    >>> late = run("provider_error")
    >>> late
    <Run of provider_error, seed 0: 1 payment FAILED in 70.5 s>
    >>> list(late.records.jsonl()) == list(run("provider_error").records.jsonl())
    True
    """
    from sagakit.contract.validation import whole_number
    from sagakit.scenarios import resolve
    from sagakit.scenarios.build import build_world
    from sagakit.sim.schedule import choices

    scenario = resolve(scenario)
    seed = scenario.seed if seed is None else whole_number("seed", seed)
    given = None if schedule is None else choices(schedule)
    world = build_world(
        scenario, seed=seed, services=services, schedule=given, deployment=deployment
    )
    return Run(
        scenario, seed, world.run(), services=services, schedule=given, deployment=deployment
    )


class Run:
    """A run of a scenario. All its views are made from the one trace, when they are asked for.

    `services`, `schedule` and `deployment` are what it was run with, so that it can be run again.

    >>> late = run("provider_error")
    >>> late.payments[["payment_id", "status", "reason"]].values.tolist()
    [['ana:A', 'FAILED', 'PROVIDER_TIMEOUT']]
    >>> late.wallets.balance.astype(str).tolist()
    ['100.00']
    """

    def __init__(
        self,
        scenario: "Scenario | System",
        seed: int,
        records: "Trace",
        *,
        services: "Mapping[str, Service] | None" = None,
        schedule: "Sequence[Choice] | None" = None,
        deployment: "Deployment | None" = None,
    ) -> None:
        self.scenario: Any = scenario  # what has wallets and settings, say, is a Scenario
        self.seed = seed
        self.records = records
        self.services = services
        self.schedule = schedule
        self.deployment = deployment

    def __repr__(self) -> str:
        return self.summary().line()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """Show how it ended, at the end of a notebook's cell."""
        short = len(self.records) <= 20_000  # judging a longer one would keep the reader waiting
        return self.summary(self.verdicts() if short else None).bundle()

    def summary(self, verdicts: "Iterable[Verdict] | None" = None) -> "Summary":
        """Return how it ended, with these verdicts."""
        from sagakit.draw.summary import Summary

        laws = None if verdicts is None else [verdict[:3] for verdict in verdicts]

        return Summary.of(
            self.records,
            name=self.scenario.name,
            title=self.scenario.title,
            seed=self.seed,
            payments="Payments DB",
            wallets="Wallet DB",
            laws=laws,
        )

    # What it looks like.

    def sequence(
        self,
        *,
        saga: "Names" = None,
        participants: "Names" = None,
        outside: bool = True,
        start: int | None = None,
        end: int | None = None,
        notes: bool = True,
        acknowledgements: bool = False,
        limit: int = 80,
        gap: int = 1_000,
        title: str | None = None,
        compact: bool = True,
        legend: bool = True,
    ) -> "Picture":
        """Draw the sequence diagram of this run; `sagakit.draw.story.View` says what to choose.

        >>> picture = run("provider_error").sequence(saga="ana:A", start=60_000)
        >>> print(picture.alt.splitlines()[0])
        Sequence diagram of saga ana:A, 65.129 s to 70.493 s.
        """
        from sagakit.draw.sequence import sequence
        from sagakit.draw.story import View

        view = View(
            saga=saga, participants=participants, outside=outside, start=start,
            end=end, notes=notes, acknowledgements=acknowledgements, limit=limit,
            gap=gap, title=title, compact=compact, legend=legend,
        )  # fmt: skip
        return sequence(self.records, view)

    def timeline(
        self,
        *,
        saga: str | None = None,
        start: int | None = None,
        end: int | None = None,
        most: int = 40,
        legend: bool = True,
    ) -> "Picture":
        """Draw the run against virtual time, a lane a service: one saga of it, a stretch of its
        time from `start` to `end` (ms), or the first `most` sagas.
        """
        from sagakit.draw.timeline import timeline

        return timeline(self.records, saga=saga, start=start, end=end, most=most, legend=legend)

    def balances(
        self,
        *,
        user: str | None = None,
        most: int = 40,
        title: str | None = None,
        until: int | None = None,
    ) -> "Picture":
        """Draw the balance of each wallet against virtual time: of one user, or the first `most`;
        up to the same `until` (ms) where two runs are to be compared.

        >>> print(run("provider_error").balances().alt)
        Balance of ana.
        ana: 100.00; ...70.00 ana:A at 59 ms; +70.00 ana:A at 70.441 s; at the end 100.00.
        """
        from sagakit.draw.balances import balances

        return balances(self.records, user=user, most=most, title=title, until=until)

    def breaker(self) -> "Picture":
        """Draw the breaker's state against virtual time, with calls, rejections and probes."""
        from sagakit.draw.breaker import breaker

        return breaker(self.records)

    def latency(self) -> "Picture":
        """Draw how long the sagas took, by outcome."""
        from sagakit.draw.latency import latency

        return latency(self.records)

    def mermaid(
        self,
        *,
        saga: "Names" = None,
        participants: "Names" = None,
        outside: bool = True,
        start: int | None = None,
        end: int | None = None,
        notes: bool = True,
        acknowledgements: bool = False,
        limit: int = 80,
        gap: int = 1_000,
        title: str | None = None,
    ) -> "Mermaid":
        """Write the sequence diagram as Mermaid text, with the choices of `sequence`.

        >>> run("happy_path").mermaid().splitlines()[0]
        'sequenceDiagram'
        """
        from sagakit.draw.mermaid import mermaid
        from sagakit.draw.story import View

        view = View(
            saga=saga, participants=participants, outside=outside, start=start,
            end=end, notes=notes, acknowledgements=acknowledgements, limit=limit,
            gap=gap, title=title,
        )  # fmt: skip
        return mermaid(self.records, view)

    def text(self, *, saga: str | None = None) -> str:
        """Draw the run in text, for `print`: one saga of it if there are many.

        >>> print(run("happy_path").text().splitlines()[5])
            83 ms    |           |           |---------->| ProviderPaymentInit   |
        """
        from sagakit.draw.text import text

        return text(self.records, saga=saga)

    def play(self) -> "Player":
        """Step through the run arrow by arrow, in a notebook (needs the extra `lab`)."""
        from sagakit.lab import play

        return play(self)

    # What happened, as tables.

    @property
    def trace(self) -> "pd.DataFrame":
        """One row a record."""
        from sagakit.trace.tables import trace

        return trace(self.records)

    @property
    def events(self) -> "pd.DataFrame":
        """One row an event.

        >>> run("insufficient_funds").events.event.tolist()
        ['PaymentInit', 'InsufficientBalance', 'PaymentFailed']
        """
        from sagakit.trace.tables import events

        return events(self.records)

    @property
    def payments(self) -> "pd.DataFrame":
        """One row a payment, as it ended."""
        return self.items("Payments DB")

    @property
    def wallets(self) -> "pd.DataFrame":
        """One row a wallet, as it ended."""
        return self.items("Wallet DB")

    def items(self, store: str) -> "pd.DataFrame":
        """Return one row an item of a store, as it ended.

        >>> run("circuit_breaker").items("Breaker DB").state.tolist()
        ['CLOSED']
        """
        from sagakit.trace.tables import items

        return items(self.records, store)

    @property
    def queues(self) -> "pd.DataFrame":
        """One row a queue: messages sent, done, waiting and dead, receives, greatest depth."""
        from sagakit.trace.tables import queues

        return queues(self.records)

    def spans(self) -> "list[Span]":
        """Return a span a handler with its steps, one trace a saga; `sagakit.trace.spans.export`
        hands them to OpenTelemetry."""
        from sagakit.trace.spans import spans

        return spans(self.records)

    @property
    def metrics(self) -> "pd.DataFrame":
        """Counts, latencies, breaker state and queue depth, as an operator watches them."""
        from sagakit.payments.metrics import measured
        from sagakit.trace.observed import observed
        from sagakit.trace.tables import metrics

        return metrics(measured(*observed(self.records)))

    # Is it right?

    def verdicts(self) -> "list[Verdict]":
        """Judge the run: one verdict a law, held or with the record that broke it, in words."""
        from sagakit.laws.laws import verdicts_of

        return verdicts_of(self)

    def check(self) -> "pd.DataFrame":
        """Return the verdicts as a table, one row a law.

        >>> run("disaster_recovery").check().held.all().item()
        True
        """
        from sagakit.trace.tables import verdicts

        return verdicts(self.verdicts())


make_callable(__name__, run)
