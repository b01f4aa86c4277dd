"""Tell how a run or an exploration ended: for people as tables, for programs as JSON."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from sagakit.contract.events import encode_lines
from sagakit.contract.terminal import WIDTH, text_table
from sagakit.contract.timing import duration
from sagakit.laws.evidence import Verdict
from sagakit.run import Run
from sagakit.trace import activity

if TYPE_CHECKING:
    from sagakit.explore import Exploration

PAYMENT = ("payment_id", "user_id", "amount", "status", "reason")
WALLET = ("user_id", "balance", "version")


def for_people(run: Run, verdicts: Sequence[Verdict]) -> Iterator[str]:
    """Tell what happened and how it ended, line by line."""
    title, *outcome = run.summary(verdicts).lines()
    yield title
    yield from wrap(getattr(run.scenario, "about", ""), WIDTH)
    yield from ("", *run.text().split("\n"), "", *outcome)


def laws(verdicts: Sequence[Verdict]) -> Iterator[str]:
    """Tell of each law in a line."""
    yield from text_table(
        ("law", "", ""),
        [(law, "held" if held else "BROKEN", detail) for law, held, detail, _ in verdicts],
    )


def as_json(run: Run, verdicts: Sequence[Verdict]) -> Iterator[str]:
    """Write one JSON object, a line for each payment, wallet, law and arrow; amounts are exact."""
    stores = run.records.stores()
    return encode_lines(
        {
            "scenario": run.scenario.name,
            "seed": run.seed,
            "payments": [_fields(item, PAYMENT) for item in stores["Payments DB"].values()],
            "wallets": [_fields(item, WALLET) for item in stores["Wallet DB"].values()],
            "invariants": [
                {"name": law, "held": held, "detail": detail} for law, held, detail, _ in verdicts
            ],
            "trace": _arrows(run),
        }
    )


def exploration(answer: "Exploration") -> Iterator[str]:
    """Tell what an exploration covered, and the schedule of its first counterexample."""
    yield answer.scenario.title
    yield from str(answer).split("\n")
    rate = f"{answer.states_per_second:,.0f} states/s" if answer.states else ""
    yield ", ".join(filter(None, [f"It took {answer.seconds:.2f} s", rate]))
    if not answer.broken:
        return
    first = answer.broken[0]
    events = {
        arrow.event_id: f"{arrow.event} of {arrow.correlation_id}"
        for arrow in first.run.records.arrows()
        if arrow.event_id and arrow.event
    }
    yield ""
    yield from text_table(
        ("choice", "service", "at work on", "arrival", "act"),
        [
            (number, step.service, events.get(step.subject, step.subject), step.arrival, step.act)
            for number, step in enumerate((first.schedule or ())[: first.decisive], start=1)
        ],
    )
    after = first.steps - first.decisive
    if not first.schedule:
        yield "a run by the clock"
    elif after:
        yield f"and {after} more step{'s'[: after > 1]}, each in its turn"


def exploration_as_json(answer: "Exploration") -> Iterator[str]:
    """Write one JSON object; each counterexample has its schedule and the trace of its run."""
    return encode_lines(
        {
            "scenario": answer.scenario.name,
            "budget": {name: many for name, many in answer.budget.items() if many},
            "complete": answer.complete,
            "proved": answer.proved,
            "cut_by": answer.cut_by,
            "states": answer.states,
            "transitions": answer.transitions,
            "at_rest": answer.ends,
            "runs": answer.runs,
            "judged": answer.judged,
            "schedules": answer.schedules,
            "seconds": round(answer.seconds, 3),
            "held": answer.held,
            "broken": [
                {
                    "law": found.verdict.law,
                    "detail": found.verdict.detail,
                    "sentence": found.sentence,
                    "steps": found.steps,
                    "decisive": found.decisive,
                    "schedule": [choice._asdict() for choice in found.schedule or ()],
                    "trace": _arrows(found.run),
                }
                for found in answer.broken
            ],
        }
    )


def exploration_as_mermaid(answer: "Exploration") -> Iterator[str]:
    """Draw the first counterexample, if there is one; what was explored stands in comments."""
    drawn = answer.broken[0].run.mermaid() if answer.broken else "sequenceDiagram"
    yield from drawn.splitlines()
    yield from (f"%% {line}" for line in answer.told())


def summary(runs: Iterable[tuple[Run, Sequence[Verdict]]]) -> Iterator[str]:
    """Tell of each run in a row: how its payments ended, how much happened, how many laws held."""
    rows = []
    for run, verdicts in runs:
        statuses = Counter(
            payment.status for payment in run.records.stores()["Payments DB"].values()
        )
        ended = ", ".join(f"{number} {status}" for status, number in sorted(statuses.items()))
        held = sum(verdict.held for verdict in verdicts)
        laws = f"{held} of {len(verdicts)}"
        rows.append((run.scenario.name, ended, events(run), virtual_time(run), laws))
    return text_table(("scenario", "payments", "events", "virtual time", "laws held"), rows)


def events(run: Run) -> int:
    """Return how many events there were; what a rule makes of one is another."""
    return len(activity.events(run.records))


def virtual_time(run: Run) -> str:
    """Return when the last thing happened, for people."""
    return duration(max((record.t for record in run.records), default=0))


def _fields(item: object, names: Sequence[str]) -> dict[str, Any]:
    return {name: getattr(item, name) for name in names}


def _arrows(run: Run) -> list[dict[str, Any]]:
    return [
        {
            "t": arrow.t, "kind": arrow.kind, "source": arrow.source, "target": arrow.target,
            "label": arrow.text, "event": arrow.event, "correlation_id": arrow.correlation_id,
        }
        for arrow in run.records.arrows()
    ]  # fmt: skip
