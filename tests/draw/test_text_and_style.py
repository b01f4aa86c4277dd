"""Neither what a text says nor the reader's own style of matplotlib upsets a figure."""

import json
from collections.abc import Iterator

import matplotlib as mpl

from sagakit import Run, Scenario, run

MATHEMATICS = "cost $\\frac{$"
VIEWS = ("sequence", "timeline", "balances", "latency", "breaker")


def drawn(finished: Run) -> Iterator[str]:
    return (getattr(finished, view)().svg() for view in VIEWS)


def test_a_saga_may_be_called_like_mathematics() -> None:
    """matplotlib would set what stands between dollars, and refuse what it cannot set."""
    header = {
        "event_id": "e",
        "correlation_id": MATHEMATICS,
        "causation_id": "c",
        "event_type": "PaymentInit",
    }
    payload = {"payment_id": MATHEMATICS, "transaction_id": "t", "user_id": "$x$", "amount": 1}
    event = {"header": {**header, "timestamp": 0, "version": 1}, "payload": payload}
    finished = run(
        Scenario(
            name="dollars",
            title=MATHEMATICS,
            wallets=[{"user_id": "ana", "balance": 100}],
            payments=[{"user_id": "ana", "amount": 1}],
            texts=[{"at": 1, "queue": "Wallet SQS", "text": json.dumps(event)}],
        )
    )
    assert all(drawn(finished))


def test_the_reader_s_own_style_changes_no_figure() -> None:
    finished = run("circuit_breaker")
    before = list(drawn(finished))
    own = {
        "axes.facecolor": "black", "figure.frameon": False, "font.size": 30, "lines.linewidth": 9,
        "text.usetex": True, "xaxis.labellocation": "left", "savefig.pad_inches": 3,
    }  # fmt: skip
    with mpl.rc_context(own):
        assert list(drawn(finished)) == before
