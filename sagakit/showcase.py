"""All scenarios at once: their runs, their figures, and a gallery to look at them."""

from collections.abc import Callable, Mapping, Sequence
from html import escape
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from sagakit.check import Verdict
from sagakit.report import events, summary, virtual_time
from sagakit.run import Run, run
from sagakit.scenarios import ALL

Tell = Callable[[str], None]
Outcome = tuple[Run, list[Verdict]]


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


def run_all(out: Path | None, tell: Tell) -> list[Outcome]:
    """Run every scenario; with `out`, write figures and a gallery there. Tells how far it is."""
    outcomes: list[Outcome] = []
    sections: list[str] = []
    if out:
        out.mkdir(parents=True, exist_ok=True)
    for place, scenario in enumerate(ALL, start=1):
        tell(f"[{place}/{len(ALL)}] {scenario.name}")
        done = run(scenario)
        outcomes.append((done, done.verdicts()))
        if out:
            drawn = [_draw(done, figure, out, tell) for figure in FIGURES[scenario.name]]
            sections.append(_section(*outcomes[-1], drawn))
    if out:
        text = _page("\n".join(summary(outcomes)), "\n".join(sections))
        (out / "index.html").write_text(text, encoding="utf-8")
        tell(f"open {out / 'index.html'}")
    return outcomes


class Drawn(NamedTuple):
    """A figure that was written: the file's name, the caption, and what it shows in words."""

    file: str
    caption: str
    alt: str


def _draw(done: Run, figure: Figure, out: Path, tell: Tell) -> Drawn:
    file = f"{done.scenario.name}-{figure.view}.svg"
    tell(f"      {file}")
    picture = getattr(done, figure.view)(**figure.choice)
    (out / file).write_text(picture.svg(), encoding="utf-8")
    return Drawn(file, figure.caption, picture.alt)


def _section(done: Run, verdicts: Sequence[Verdict], drawn: Sequence[Drawn]) -> str:
    scenario = done.scenario
    broken = [f"{verdict.law}: {verdict.detail}" for verdict in verdicts if not verdict.held]
    laws = f"All {len(verdicts)} laws held." if not broken else "Broken: " + "; ".join(broken)
    figures = "\n".join(
        FIGURE.format(file=escape(one.file), caption=escape(one.caption), alt=escape(one.alt))
        for one in drawn
    )
    return SECTION.format(
        name=escape(scenario.name),
        title=escape(scenario.title),
        about=escape(scenario.about),
        facts=escape(f"{events(done)} events in {virtual_time(done)} of virtual time. {laws}"),
        figures=figures,
    )


def _page(outcome: str, sections: str) -> str:
    links = "\n".join(
        f'<li><a href="#{escape(one.name)}">{escape(one.title)}</a></li>' for one in ALL
    )
    return PAGE.format(outcome=escape(outcome), links=links, sections=sections)


PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>sagakit: six runs of a payment system</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; color: #222; background: #fff;
       max-width: 62rem; margin: 0 auto; padding: 1rem; }}
pre {{ overflow-x: auto; padding: 0.75rem 1rem; background: #f5f5f5; }}
section {{ border-top: 1px solid #d9d9d9; margin-top: 2.5rem; }}
figure {{ margin: 1.5rem 0 2.5rem; }}
img {{ max-width: 100%; height: auto; }}
figcaption {{ color: #444; }}
details p {{ white-space: pre-line; }}
</style>
</head>
<body>
<h1>Six runs of a payment system</h1>
<p>Every picture is drawn from the trace of a run, and so are its words.</p>
<pre>{outcome}</pre>
<nav><ol>
{links}
</ol></nav>
{sections}
</body>
</html>
"""

SECTION = """\
<section id="{name}">
<h2>{title}</h2>
<p>{about}</p>
<p>{facts}</p>
<p><code>python -m sagakit run {name}</code></p>
{figures}
</section>
"""

FIGURE = """\
<figure>
<a href="{file}"><img src="{file}" alt="{alt}"></a>
<figcaption>{caption}</figcaption>
<details><summary>The same in words</summary><p>{alt}</p></details>
</figure>
"""
