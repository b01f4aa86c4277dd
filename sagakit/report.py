"""How a run or an exploration ended, told in text: for people as tables, for programs as JSON."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from sagakit.contract.events import encode
from sagakit.contract.terminal import WIDTH
from sagakit.laws.verdict import Verdict
from sagakit.run import Run
from sagakit.trace import activity
from sagakit.trace.trace import duration

if TYPE_CHECKING:
    from sagakit.explore import Counterexample, Exploration

PAYMENT = ("payment_id", "user_id", "amount", "status", "reason")
WALLET = ("user_id", "balance", "version")
ARROW = ("t", "kind", "source", "target", "text", "event", "correlation_id")
ARROW_KEYS = ("t", "kind", "source", "target", "label", *ARROW[5:])
CHOICE = ("service", "subject", "arrival", "act")


def for_people(run: Run, verdicts: Sequence[Verdict]) -> Iterator[str]:
    """What happened and how it ended, line by line."""
    title, *outcome = run.summary(verdicts).lines()
    yield title
    yield from wrap(getattr(run.scenario, "about", ""), WIDTH)
    yield from ("", *run.text().split("\n"), "", *outcome)


def laws(verdicts: Sequence[Verdict]) -> Iterator[str]:
    """A line a law."""
    yield from table(
        ("law", "", ""),
        [(law, "held" if held else "BROKEN", detail) for law, held, detail, _ in verdicts],
    )


def as_json(run: Run, verdicts: Sequence[Verdict]) -> Iterator[str]:
    """One JSON object, a line for each payment, wallet, law and arrow; amounts are exact."""
    stores = run.records.stores()
    payments = [_fields(payment, PAYMENT) for payment in stores["Payments DB"].values()]
    wallets = [_fields(wallet, WALLET) for wallet in stores["Wallet DB"].values()]
    invariants = [verdict[:3] for verdict in verdicts]
    arrows = [_fields(record, ARROW) for record in run.records]
    yield "{"
    yield f'"scenario": {encode(run.scenario.name)},'
    yield f'"seed": {encode(run.seed)},'
    yield from _list("payments", PAYMENT, payments, ",")
    yield from _list("wallets", WALLET, wallets, ",")
    yield from _list("invariants", ("name", "held", "detail"), invariants, ",")
    yield from _list("trace", ARROW_KEYS, arrows, "")
    yield "}"


def exploration(answer: "Exploration") -> Iterator[str]:
    """What came of an exploration, line by line: what was covered, and the schedule of the first
    counterexample."""
    yield answer.scenario.title
    yield from str(answer).split("\n")
    rate = f"{answer.states_per_second:,.0f} states/s" if answer.states else ""
    yield ", ".join(filter(None, [f"It took {answer.seconds:.2f} s", rate]))
    if not answer.broken:
        return
    first = answer.broken[0]
    events = {
        record.event_id: f"{record.event} of {record.correlation_id}"
        for record in first.run.records
        if record.event_id and record.event
    }
    yield ""
    yield from table(
        ("choice", "service", "at work on", "arrival", "act"),
        [
            (place, one.service, events.get(one.subject, one.subject), one.arrival, one.act)
            for place, one in enumerate((first.schedule or ())[: first.decisive], start=1)
        ],
    )
    after = first.steps - first.decisive
    if not first.schedule:
        yield "a run by the clock"
    elif after:
        yield f"and {after} more step{'s'[: after > 1]}, each in its turn"


def exploration_as_json(answer: "Exploration") -> Iterator[str]:
    """One JSON object; for each counterexample its schedule, and its trace as a run has it."""
    numbers = {
        "states": answer.states,
        "transitions": answer.transitions,
        "at_rest": answer.ends,
        "runs": answer.runs,
        "judged": answer.judged,
        "schedules": answer.schedules,
        "seconds": round(answer.seconds, 3),
    }
    budget = {name: many for name, many in answer.budget.items() if many}
    yield "{"
    yield f'"scenario": {encode(answer.scenario.name)},'
    yield f'"budget": {encode(budget)},'
    yield f'"complete": {encode(answer.complete)},'
    yield f'"proved": {encode(answer.proved)},'
    yield f'"cut_by": {encode(answer.cut_by)},'
    yield from (f'"{name}": {encode(number)},' for name, number in numbers.items())
    yield f'"held": {encode(answer.held)},'
    yield '"broken": ['
    for place, one in enumerate(answer.broken, start=1):
        yield from _counterexample(one)
        yield "}" + "," * (place < len(answer.broken))
    yield "]"
    yield "}"


def _counterexample(one: "Counterexample") -> Iterator[str]:
    yield f'{{"law": {encode(one.verdict.law)},'
    yield f'"detail": {encode(one.verdict.detail)},'
    yield f'"sentence": {encode(one.sentence)},'
    yield f'"steps": {encode(one.steps)},'
    yield f'"decisive": {encode(one.decisive)},'
    yield from _list("schedule", CHOICE, list(one.schedule or ()), ",")
    yield from _list("trace", ARROW_KEYS, [_fields(each, ARROW) for each in one.run.records], "")


def exploration_as_mermaid(answer: "Exploration") -> Iterator[str]:
    """The sequence diagram of the first counterexample; where there is none, an empty one. What
    was explored stands beside it as comments."""
    drawn = answer.broken[0].run.mermaid() if answer.broken else "sequenceDiagram"
    yield from drawn.splitlines()
    yield from (f"%% {line}" for line in answer.told())


def summary(runs: Iterable[tuple[Run, Sequence[Verdict]]]) -> Iterator[str]:
    """One row a scenario: how its payments ended, how much happened, how many laws held."""
    rows = []
    for run, verdicts in runs:
        statuses = Counter(one.status for one in run.records.stores()["Payments DB"].values())
        ended = ", ".join(f"{number} {status}" for status, number in sorted(statuses.items()))
        held = sum(verdict.held for verdict in verdicts)
        laws = f"{held} of {len(verdicts)}"
        rows.append((run.scenario.name, ended, events(run), virtual_time(run), laws))
    return table(("scenario", "payments", "events", "virtual time", "laws held"), rows)


def events(run: Run) -> int:
    """How many events there were; what a rule makes of one is another."""
    return len(activity.events(run.records))


def virtual_time(run: Run) -> str:
    """When the last thing happened."""
    return duration(max((record.t for record in run.records), default=0))


def table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> Iterator[str]:
    """Columns of text; numbers stand on the right."""
    if not rows:
        yield f"no {header[0]}"
        return
    columns = range(len(header))
    on_the_right = [isinstance(rows[0][column], int | Decimal) for column in columns]
    texts = [[str(cell) for cell in row] for row in (header, *rows)]
    widths = [max(len(text[column]) for text in texts) for column in columns]
    for text in texts:
        cells = [
            text[column].rjust(widths[column])
            if on_the_right[column]
            else text[column].ljust(widths[column])
            for column in columns
        ]
        yield "  ".join(cells).rstrip()


def _fields(item: object, names: Sequence[str]) -> tuple[Any, ...]:
    return tuple(getattr(item, name) for name in names)


def _list(name: str, keys: Sequence[str], rows: Sequence[Sequence[Any]], end: str) -> Iterator[str]:
    yield f'"{name}": ['
    for place, row in enumerate(rows, start=1):
        yield encode(dict(zip(keys, row, strict=True))) + ("," if place < len(rows) else "")
    yield "]" + end
