"""How a run shows itself at the end of a cell."""

import subprocess
import sys
from html.parser import HTMLParser

import pytest

from sagakit import Run, Scenario, run, scenarios
from sagakit.contract.faults import Crash
from sagakit.draw.summary import FEW, Summary
from sagakit.trace.trace import Trace


class Outline(HTMLParser):
    """The tags in order, what they hold, and that each is closed where it should be."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def bundle(done: Run) -> dict[str, str]:
    return done._repr_mimebundle_()


def test_it_says_how_the_run_ended() -> None:
    assert bundle(run(scenarios.happy_path))["text/plain"].splitlines() == [
        "A payment that goes well",
        "happy_path, seed 0: 1 payment COMPLETED; 5 events in 392 ms of virtual time",
        "",
        "payment  user  amount  status       reason",
        "ana:A    ana    70.00  ✓ COMPLETED",
        "",
        "wallet  at the start  at the end  version",
        "ana           100.00       30.00        2",
        "",
        "Dead letters: none",
        f"Laws: {len(run(scenarios.happy_path).verdicts())} of 15 held",
    ]


@pytest.mark.parametrize("name", scenarios.NAMES)
def test_text_and_html_say_the_same(name: str) -> None:
    shown = bundle(run(name))
    outline = Outline(shown["text/html"])
    plain = " ".join(shown["text/plain"].split())
    for text in outline.texts:
        assert text in plain or text in ("Payments", "Wallets")
    for word in shown["text/plain"].split():
        assert any(word in text for text in outline.texts)


def test_the_html_is_accessible_and_loads_nothing() -> None:
    outline = Outline(bundle(run(scenarios.concurrent_payments))["text/html"])
    names = [tag for tag, _ in outline.tags]
    assert names.count("caption") == names.count("table") == 2
    assert all(
        attributes["scope"] in ("col", "row") for tag, attributes in outline.tags if tag == "th"
    )
    assert not {"script", "style", "img", "link"} & set(names)
    assert not any({"src", "href", "class"} & set(attributes) for _, attributes in outline.tags)
    styles = {attributes.get("style") for _, attributes in outline.tags} - {None}
    assert styles == {"text-align:left", "text-align:right"}  # no colour: light and dark alike


def test_what_a_scenario_says_is_escaped() -> None:
    sly = scenarios.happy_path.but(title="<b>Tom & Ann</b>")
    shown = bundle(run(sly))
    assert "&lt;b&gt;Tom &amp; Ann&lt;/b&gt;" in shown["text/html"]
    assert shown["text/plain"].startswith("<b>Tom & Ann</b>\n")


def test_of_many_payments_the_first_are_shown_and_all_are_counted() -> None:
    text = bundle(run(scenarios.circuit_breaker))["text/plain"]
    assert "36 payments, 21 COMPLETED, 15 FAILED" in text
    assert f"... and {36 - FEW} more payments" in text
    assert f"... and {36 - FEW} more wallets" in text
    assert "user-09:1" not in text


def test_dead_letters_and_broken_laws_are_told() -> None:
    crashes = [Crash(service="Wallet Service", step=1, nth=nth) for nth in range(1, 6)]
    text = bundle(run(scenarios.happy_path.but(faults=crashes)))["text/plain"]
    assert "… PENDING" in text
    assert "Dead letters: 1 PaymentInit of Wallet SQS: crash after step 1" in text

    summary = Summary.of(
        Trace([]), name="n", title="T", seed=3, payments="P", wallets="W",
        laws=[("one", True, "fine"), ("two", False, "2 debits of a (record 7)")],
    )  # fmt: skip
    assert summary.lines() == [
        "T",
        "n, seed 3: no payments; 0 events in 0 ms of virtual time",
        "",
        "Dead letters: none",
        "Laws: 1 of 2 held",
        "✗ two: 2 debits of a (record 7)",
    ]
    assert Outline(summary.html()).texts[-1] == "✗ two: 2 debits of a (record 7)"


def test_a_long_run_is_shown_without_judging_it() -> None:
    many = Scenario(
        name="many",
        title="Many",
        wallets=[{"user_id": "ana", "balance": 1_000}],
        payments=[{"user_id": "ana", "amount": 1, "at": 500 * at} for at in range(400)],
    )
    text = bundle(run(many))["text/plain"]
    assert "400 payments, 400 COMPLETED" in text
    assert "Laws" not in text


def test_the_repr_is_one_line() -> None:
    assert repr(run(scenarios.happy_path, seed=7)).startswith(
        "<Run of happy_path, seed 7: 1 payment COMPLETED in "
    )
    assert repr(run(scenarios.circuit_breaker)) == (
        "<Run of circuit_breaker, seed 0: 36 payments, 21 COMPLETED, 15 FAILED in 87.3 s>"
    )


def test_showing_a_run_loads_neither_pandas_nor_matplotlib() -> None:
    code = (
        "import sys; from sagakit import run; run('happy_path')._repr_mimebundle_(); "
        "print({'pandas', 'matplotlib', 'numpy'} & set(sys.modules))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout == "set()\n"
