"""The balances: each debit and refund of a wallet, and the loss of its store."""

from decimal import Decimal
from typing import NamedTuple

import pytest

from sagakit import Scenario, run, scenarios
from sagakit.contract.deployment import Participant
from sagakit.draw.balances import balances
from sagakit.draw.chart import Chart
from sagakit.trace import facts
from sagakit.trace.facts import Record
from sagakit.trace.observed import Loss, wallet_history
from sagakit.trace.trace import Trace
from tests.draw.looking import FINE, complaints, texts, words


class Purse(NamedTuple):
    key: str
    balance: Decimal
    version: int = 1


FULL, LESS = Purse("ann", Decimal("9.50")), Purse("ann", Decimal("7.25"), 2)
OPENING = Record(0, None, None, 0, facts.Opening("Purses", FULL))
LOST = Record(5, None, None, 0, facts.StoreLost("Purses", (FULL,)))
MINUS = "\N{MINUS SIGN}"


def written(
    t: int, before: Purse | None, item: Purse, saga: str | None = "s", outbox: tuple[str, ...] = ()
) -> Record:
    fact = facts.Committed("Bank", "Purses", item.key, before, item, outbox, None)
    return Record(t, saga, None, 1, fact)


def made_of(*records: Record) -> Trace:
    return Trace([Participant("Bank", "service"), Participant("Purses", "store")], records)


def told(*records: Record) -> list[tuple[int, str, Decimal | None, str]]:
    changes, _ = wallet_history(made_of(*records))
    return [(one.t, one.what, one.balance, one.label) for one in changes]


def test_a_debit_and_a_refund_name_their_payment() -> None:
    assert told(OPENING, written(5, FULL, LESS), written(9, LESS, FULL._replace(version=3))) == [
        (0, "opening", FULL.balance, ""),
        (5, "debit", LESS.balance, f"{MINUS}2.25 s"),
        (9, "refund", FULL.balance, "+2.25 s"),
    ]


def test_a_wallet_that_was_only_checked_was_not_debited() -> None:
    published = facts.Published("Bank", "Bus", "TooLittle", "", 1, {})
    refused = Record(6, "s", "e1", 0, published)
    assert told(OPENING, written(5, FULL, FULL, outbox=("e1",)), refused) == [
        (0, "opening", FULL.balance, ""),
        (5, "refused", FULL.balance, "TooLittle s"),
    ]


def test_a_lost_store_has_no_balance_until_it_is_restored_and_rebuilt() -> None:
    trace = made_of(
        OPENING,
        LOST,
        Record(20, None, None, 1, facts.Restored("Bank", "Purses", (FULL,))),
        written(25, FULL, LESS, saga=None),
        written(30, LESS, FULL._replace(version=3)),
    )
    changes, losses = wallet_history(trace)
    assert [one.what for one in changes] == ["opening", "lost", "restored", "rebuilt", "refund"]
    assert changes[1].balance is None
    assert losses == [Loss("Purses", 5, 20, rebuilt=1)]


def test_a_store_that_is_never_restored_stays_lost() -> None:
    trace = made_of(OPENING, LOST, Record(50, None, None, 0, facts.Paused("Bank")))
    assert wallet_history(trace)[1] == [Loss("Purses", 5, 50)]
    picture = balances(trace)
    assert complaints(picture) == []
    assert "ann  lost" in words(picture)


@pytest.mark.parametrize("name", scenarios.NAMES)
def test_every_scenario_can_be_read(name: str) -> None:
    assert complaints(run(name).balances()) == []


@pytest.mark.parametrize("name", scenarios.NAMES)
def test_the_last_balance_is_the_one_in_the_store(name: str) -> None:
    done = run(name)
    last = {change.wallet: change.balance for change in wallet_history(done.records)[0]}
    assert last == dict(zip(done.wallets["user_id"], done.wallets["balance"], strict=True))


def test_lines_are_named_at_their_ends_and_changes_by_their_payment() -> None:
    picture = run(scenarios.disaster_recovery).balances()
    shown = set(words(picture))
    assert {"ana  95.00", "ben  70.00", "eva  30.00"} <= shown
    assert {f"{MINUS}25.00 ana:4", "+25.00 ana:4", "InsufficientBalance eva:5"} <= shown
    assert {
        "Wallet DB lost",
        "virtual time (s); no change after that until the end, 33.147 s",
    } <= shown
    assert "Wallet DB is lost from 3 s to" in picture.alt
    assert f"ben: 150.00; {MINUS}45.00 ben:2 at" in picture.alt


def test_no_label_lies_on_the_stretch_in_which_a_store_is_lost() -> None:
    picture = run(scenarios.disaster_recovery).balances()
    labels = [box for text, box, _ in texts(picture) if ":" in text and "rebuilt" not in text]
    (axes,) = picture.axes
    (lost,) = axes.patches
    shade = lost.get_window_extent()
    left, right = shade.x0 / FINE, shade.x1 / FINE
    assert len(labels) == 11
    assert [box for box in labels if box.x0 < right and left < box.x1] == []


def test_a_title_of_ones_own_is_shown_and_told() -> None:
    picture = run(scenarios.happy_path).balances(title="Ana pays")
    assert "Ana pays" in words(picture)
    assert picture.alt.startswith("Ana pays.\n")


def test_many_wallets_get_a_row_each() -> None:
    picture = run(scenarios.circuit_breaker).balances()
    assert {"user-01", "user-36", "at the end"} <= set(words(picture))
    assert "user-13: 100.00 to 100.00 with 2 changes." in picture.alt


def test_of_very_many_wallets_the_first_are_shown_and_the_title_says_so() -> None:
    many = Scenario(
        name="many",
        title="Many wallets",
        wallets=[{"user_id": f"u{number}", "balance": 5} for number in range(60)],
        payments=[{"user_id": "u1", "amount": 5}],
    )
    picture = run(many).balances()
    assert "Balances of the first 40 of 60 wallets" in words(picture)
    assert complaints(picture) == []


def test_one_user_can_be_chosen() -> None:
    picture = run(scenarios.disaster_recovery).balances(user="eva")
    assert "Balance of eva" in words(picture)
    assert "ana" not in picture.alt
    with pytest.raises(ValueError, match="no wallet 'zoe' in this trace: there are ana, ben, eva"):
        run(scenarios.disaster_recovery).balances(user="zoe")


def test_a_run_without_wallets_says_so() -> None:
    picture = balances(made_of())
    assert "This run has no wallets" in picture.alt
    assert complaints(picture) == []


def test_the_same_run_gives_the_same_bytes() -> None:
    first, second = (run(scenarios.disaster_recovery).balances().svg() for _ in range(2))
    assert first == second


def test_figures_that_are_compared_share_their_axis_of_time() -> None:
    pictures = [
        run(name).balances(until=90_000) for name in ("provider_error", "insufficient_funds")
    ]
    ends = {picture.plot.get_xlim() for picture in pictures if isinstance(picture, Chart)}
    assert len(ends) == 1
    assert all("virtual time (s)" in words(picture) for picture in pictures)
