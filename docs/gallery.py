"""Write the gallery, a page with the figures of every scenario, and of what `explore` finds.

python -m docs.gallery             to out/index.html, with the figures beside it
python -m docs.gallery --out DIR   to another folder
"""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from html import escape
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from notebooks.exercises.every_order import at_once
from notebooks.exercises.unknown_outcome import ENDS, SILENCE, moves_in
from notebooks.exercises.what_if import DELAY, GIVEN, LONGER, OUTAGE_END, THRESHOLD
from sagakit.contract.terminal import show_lines, tell
from sagakit.draw.counts import counts
from sagakit.draw.deployment import deployment_diagram
from sagakit.draw.states import Move, states
from sagakit.draw.svg import Picture
from sagakit.draw.sweeps import distributions, heatmap
from sagakit.explore import Counterexample, explore
from sagakit.laws import Verdict
from sagakit.payments.provider import ProviderGateway
from sagakit.payments.topology import payment_system
from sagakit.report import events, summary, virtual_time
from sagakit.run import Run, run
from sagakit.scenarios import ALL
from sagakit.sweeps import sweep
from sagakit.zoo import flaw
from sagakit.zoo.matrix import kill_figure

OUT = Path(__file__).resolve().parents[1] / "out"

Outcome = tuple[Run, list[Verdict]]


class Shown(NamedTuple):
    """A figure that was written: the file's name, the caption, and what it shows in words."""

    file: str
    caption: str
    alt: str


class Section(NamedTuple):
    """Figures that belong together. `told` are paragraphs, `command` is what shows it again."""

    name: str
    title: str
    told: Sequence[str]
    command: str
    figures: Sequence[Shown]


class Figure(NamedTuple):
    """A view of a run, worth showing: a method of `Run` with what it is to show, and why."""

    view: str
    caption: str
    choice: Mapping[str, Any] = MappingProxyType({})


WALLET_SIDE = (
    "Operator",
    "Wallet SQS",
    "Wallet Service",
    "Wallet DB",
    "Snapshot Store",
    "Event Store",
)

FIGURES: dict[str, tuple[Figure, ...]] = {
    "happy_path": (
        Figure("sequence", "From the POST to three notifications, each arrow as it happened."),
        Figure("timeline", "The same run against virtual time: most of it is the provider's."),
    ),
    "provider_error": (
        Figure("sequence", "Two attempts with one Idempotency-Key, then the void and the refund."),
        Figure("timeline", "The minute between the attempts is spent in the retry queue."),
        Figure("balances", "The debit stands until the charge is known not to be."),
    ),
    "insufficient_funds": (
        Figure("sequence", "Nothing is debited, so there is nothing to undo."),
        Figure("timeline", "The saga ends without the provider."),
    ),
    "circuit_breaker": (
        Figure("breaker", "Closed, open, one probe half-open, and closed again."),
        Figure("timeline", "Every payment ends, at once or after the outage."),
        Figure(
            "sequence",
            "A payment while the breaker is open: the provider is not asked, the debit undone.",
            {"saga": "user-15:1"},
        ),
        Figure("latency", "Fail-fast sagas are quick; those in the outage wait for a retry."),
    ),
    "concurrent_payments": (
        Figure("sequence", "Both read version 1; the second write is refused and reads again."),
        Figure("timeline", "The two sagas overlap at the wallet."),
        Figure("balances", "One debit, and no overdraft at any step."),
    ),
    "disaster_recovery": (
        Figure("timeline", "Live events wait in the queue while the store is rebuilt."),
        Figure("balances", "The balances before the loss and after the recovery."),
        Figure(
            "sequence",
            "The recovery at the wallet: the snapshot, the events since, and what went unanswered.",
            {"participants": WALLET_SIDE, "start": 3_000, "end": 3_600},
        ),
    ),
}


def lost_update() -> Counterexample:
    """Return the shortest run in which a blind write costs money."""
    return flaw("blind_write").explore().broken[0]


def blind_write() -> Picture:
    """Draw the lost update, at the wallet."""
    return lost_update().run.sequence(
        participants=("Wallet SQS", "Wallet Service", "Wallet DB"),
        outside=False,
        title="A blind write, found by explore",
    )


def kill_matrix() -> Picture:
    """Draw all flaws of the zoo against all laws."""
    return kill_figure()


def orders() -> Picture:
    """Draw how many orders there are of the steps of payments at once, and how many states."""
    amounts = (70, 80, 20)
    whole, mattering = "states, every order", "states, orders that matter"
    found: dict[str, dict[int, int]] = {"orders of all steps": {}, whole: {}, mattering: {}}
    for many in range(1, len(amounts) + 1):
        every = explore(at_once(*amounts[:many]), reduced=False)
        found["orders of all steps"][many] = every.schedules or 0  # counted, as none is left out
        found[whole][many] = every.states
        found[mattering][many] = explore(at_once(*amounts[:many])).states
    title = "Orders, and the states that they lead through"
    return counts(found, over="payments at once", title=title)


def charge_states() -> Picture:
    """Draw every move that a charge makes in any order, at the sound gateway."""
    moves = moves_in(ProviderGateway, duplicates=1, provider=SILENCE)
    title = "The states of a charge: one duplicate, two silences"
    return states([Move(*move) for move in moves], ends=ENDS, title=title)


def failed() -> Picture:
    """Draw the payments that fail, over the breaker's threshold and the length of an outage."""
    ends = [11_000, 20_000, 40_000, 80_000]  # ms; the outage begins at 10 s
    rows = sweep(GIVEN, over={THRESHOLD: [1, 2, 3, 5, 8], OUTAGE_END: ends}, seeds=5)
    rows["threshold"] = rows[THRESHOLD]
    rows["outage (s)"] = rows[OUTAGE_END] // 1000 - 10
    title = "Payments that fail, of 20: threshold against outage"
    return heatmap(rows, x="outage (s)", y="threshold", value="failed", title=title)


def delays() -> Picture:
    """Draw what users wait for, and how many payments fail, over the delay before a retry."""
    rows = sweep(LONGER, over={DELAY: [1_000, 10_000, 20_000, 40_000, 80_000]}, seeds=10)
    rows["delay (s)"] = rows[DELAY] // 1000
    rows["p95 (s)"] = rows["p95"] / 1000
    title = "Retry delay, in an outage of 30 s"
    return distributions(rows, by="delay (s)", values=["p95 (s)", "failed"], title=title)


ABOUT_EXPLORE = (
    "A run is one order of the steps. explore goes through every order that matters, with the "
    "faults that a budget allows: a proof, or the shortest run that breaks a law. What it finds "
    "when the wallet asks for the version just before it writes:"
)
EXPLORED: dict[Callable[[], Picture], str] = {
    blind_write: "A flaw, and the shortest run that shows it: the debit of 40.00 is written over.",
    kill_matrix: "Each flaw breaks the law that it is about; the sound services break none.",
    orders: "Orders grow beyond all bounds; the states that they lead through can be visited.",
    charge_states: "No move leaves an end, whatever comes twice and whoever stays silent.",
}

ABOUT_SWEEP = (
    "One run is one draw of the latencies. sweep runs a scenario over settings and seeds, in "
    "parallel, and gives one row a run: what would be different, and how sure is that?"
)
SWEPT: dict[Callable[[], Picture], str] = {
    failed: "The mean of five runs in each cell: a breaker that opens at once costs payments, and "
    "in a long outage none helps.",
    delays: "Each dot is a run, each diamond a mean: whoever tries again after the outage gets "
    "through, and waits longer for it.",
}


ABOUT_PARTS = (
    "The parts between the services, drawn from the data that they are wired by. The template of a "
    "cloud's resources is made from the same data."
)


def write(out: Path) -> list[Outcome]:
    """Run every scenario, and write the page with all figures to `out`. Tell how far it is."""
    out.mkdir(parents=True, exist_ok=True)
    outcomes: list[Outcome] = []
    sections: list[Section] = []
    others = {
        "the deployment": _of_the_deployment,
        "every order": _of_every_order,
        "what if": _of_what_if,
    }
    steps = len(ALL) + len(others)
    for step, scenario in enumerate(ALL, start=1):
        tell(f"[{step}/{steps}] {scenario.name}")
        done = run(scenario)
        outcomes.append((done, done.verdicts()))
        sections.append(_of_a_run(*outcomes[-1], out))
    for step, (name, section_of) in enumerate(others.items(), start=len(ALL) + 1):
        tell(f"[{step}/{steps}] {name}")
        sections.append(section_of(out))
    text = page("\n".join(summary(outcomes)), sections)
    (out / "index.html").write_text(text, encoding="utf-8")
    return outcomes


def _of_a_run(done: Run, verdicts: Sequence[Verdict], out: Path) -> Section:
    scenario = done.scenario
    broken = [f"{verdict.law}: {verdict.detail}" for verdict in verdicts if not verdict.held]
    laws = f"All {len(verdicts)} laws held." if not broken else "Broken: " + "; ".join(broken)
    return Section(
        name=scenario.name,
        title=scenario.title,
        told=(
            scenario.about,
            f"{events(done)} events in {virtual_time(done)} of virtual time. {laws}",
        ),
        command=f"sagakit run {scenario.name}",
        figures=[
            _draw(
                f"{scenario.name}-{figure.view}",
                getattr(done, figure.view)(**figure.choice),
                figure.caption,
                out,
            )
            for figure in FIGURES[scenario.name]
        ],
    )


def _of_the_deployment(out: Path) -> Section:
    caption = "Events leave by an outbox; a rule of the bus takes each to whoever handles it."
    return Section(
        name="deployment",
        title="The deployment",
        told=(ABOUT_PARTS,),
        command="sagakit template",
        figures=[_draw("deployment", deployment_diagram(payment_system()), caption, out)],
    )


def _of_every_order(out: Path) -> Section:
    return Section(
        name="every_order",
        title="Every order",
        told=(ABOUT_EXPLORE, lost_update().sentence),
        command="sagakit zoo",
        figures=[_draw(draw.__name__, draw(), caption, out) for draw, caption in EXPLORED.items()],
    )


def _of_what_if(out: Path) -> Section:
    return Section(
        name="what_if",
        title="What if",
        told=(ABOUT_SWEEP,),
        command="make lab, and notebook 11_what_if",
        figures=[_draw(draw.__name__, draw(), caption, out) for draw, caption in SWEPT.items()],
    )


def _draw(name: str, picture: Picture, caption: str, out: Path) -> Shown:
    file = f"{name}.svg"
    (out / file).write_text(picture.svg(), encoding="utf-8", newline="\n")
    return Shown(file, caption, picture.alt)


def page(outcome: str, sections: Sequence[Section]) -> str:
    """Return the page as HTML that needs nothing but the figures beside it."""
    links = "\n".join(
        f'<li><a href="#{escape(section.name)}">{escape(section.title)}</a></li>'
        for section in sections
    )
    body = "\n".join(map(_section, sections))
    return PAGE.format(outcome=escape(outcome), links=links, sections=body)


def _section(section: Section) -> str:
    return SECTION.format(
        name=escape(section.name),
        title=escape(section.title),
        told="\n".join(f"<p>{escape(text)}</p>" for text in section.told),
        command=escape(section.command),
        figures="\n".join(map(_figure, section.figures)),
    )


def _figure(shown: Shown) -> str:
    return FIGURE.format(
        file=escape(shown.file), caption=escape(shown.caption), alt=escape(shown.alt)
    )


PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>sagakit: the gallery</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; color: #222; background: #fff;
       max-width: 54rem; margin: 0 auto; padding: 1rem; }}
h1 {{ font-size: 1.75rem; margin: 0.5rem 0; }}
a {{ color: #0072b2; }}
nav ol {{ margin: 0; padding-left: 1.5rem; }}
pre {{ overflow-x: auto; padding: 0.75rem 1rem; background: #f5f5f5; font-size: 0.9rem; }}
section {{ border-top: 1px solid #d9d9d9; margin-top: 2.5rem; }}
figure {{ margin: 1.5rem 0 2.5rem; }}
figure > a {{ display: block; overflow-x: auto; }}
figcaption {{ color: #444; }}
details p {{ white-space: pre-line; }}
.top {{ text-align: right; margin: 0; }}
@media (min-width: 75rem) {{
  body {{ max-width: 72rem; display: grid; grid-template-columns: 15rem 54rem; gap: 0 2rem; }}
  header {{ grid-column: 1 / -1; }}
  nav {{ position: sticky; top: 1rem; align-self: start; padding-top: 1rem; }}
}}
</style>
</head>
<body id="top">
<header>
<h1>A payment system in pictures</h1>
<p>Each picture, and what it says in words, is made from runs or from the data behind them.</p>
</header>
<nav aria-label="Contents"><ol>
{links}
</ol></nav>
<main>
<pre>{outcome}</pre>
{sections}
</main>
</body>
</html>
"""

SECTION = """\
<section id="{name}">
<h2>{title}</h2>
{told}
<p><code>{command}</code></p>
{figures}
<p class="top"><a href="#top">Back to the top</a></p>
</section>
"""

FIGURE = """\
<figure>
<a href="{file}"><img src="{file}" alt="{alt}"></a>
<figcaption>{caption}</figcaption>
<details><summary>The same in words</summary><p>{alt}</p></details>
</figure>
"""


def main(arguments: list[str] | None = None) -> int:
    """Return the exit status: 0, or 1 if a law was broken."""
    parser = argparse.ArgumentParser(description="Write the gallery: figures of every scenario.")
    parser.add_argument("--out", type=Path, metavar="DIR", default=OUT, help="default: out")
    out = parser.parse_args(arguments).out
    outcomes = write(out)
    show_lines(summary(outcomes))
    tell(f"The figures: open {out / 'index.html'} in a browser.")
    return 0 if all(verdict.held for _, verdicts in outcomes for verdict in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
