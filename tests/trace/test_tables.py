"""The tables: they say what the trace says, with the dtypes that they promise."""

from decimal import Decimal

import pandas as pd
import pytest

from sagakit import Run, run, scenarios
from sagakit.contract.deployment import Participant
from sagakit.contract.faults import Crash, Drop, Duplicate, Outage
from sagakit.scenarios.scenario import Redrive
from sagakit.trace import facts, tables
from sagakit.trace.arrows import Arrow
from sagakit.trace.facts import Fact
from sagakit.trace.trace import Trace

FIELDS = [*Arrow._fields[:5], *Arrow._fields[6:10]]  # but the remark and the fact
HAPPY = scenarios.happy_path


def plain(table: pd.DataFrame) -> list[tuple[object, ...]]:
    """The rows, with None for what is missing."""
    return [
        tuple(None if pd.isna(value) else value for value in row)
        for row in table.itertuples(index=False, name=None)
    ]


# trace


@pytest.mark.parametrize("name", scenarios.NAMES)
def test_the_trace_has_each_record_as_it_is(name: str) -> None:
    done = run(name)
    assert list(done.trace.columns) == FIELDS
    drawn = [(*one[:5], *one[6:10]) for one in done.records.arrows()]
    assert plain(done.trace) == drawn


def test_the_trace_has_numbers_categories_and_ids() -> None:
    dtypes = run(HAPPY).trace.dtypes.astype(str).to_dict()
    categories = ("kind", "source", "target", "label", "event", "correlation_id")
    assert dtypes == {
        **dict.fromkeys(FIELDS, "category"), "t": "int64", "event_id": "str", "invocation": "int64",
    }  # fmt: skip
    assert all(dtypes[name] == "category" for name in categories)


def test_the_full_texts_come_when_asked_for() -> None:
    records = run(HAPPY).records
    table = tables.trace(records, text=True)
    assert list(table.columns) == [*FIELDS, "text"]
    assert list(table["text"]) == [drawn.text for drawn in records.arrows()]
    assert table["text"].dtype == "str"


def test_an_empty_trace_has_the_same_columns_and_dtypes() -> None:
    empty = tables.trace(Trace([]))
    full = run(HAPPY).trace
    assert len(empty) == 0
    assert empty.dtypes.astype(str).to_dict() == full.dtypes.astype(str).to_dict()


@pytest.mark.parametrize("name", ["trace", "events", "payments", "wallets", "queues", "metrics"])
def test_a_table_has_a_plain_index_and_is_the_same_twice(name: str) -> None:
    first = getattr(run(scenarios.provider_error), name)
    assert isinstance(first.index, pd.RangeIndex)
    pd.testing.assert_frame_equal(first, getattr(run(scenarios.provider_error), name))


# events


def test_an_event_is_a_row_with_its_payload() -> None:
    events = run(HAPPY).events
    assert list(events["event"]) == [
        "PaymentInit", "BalanceDebited", "ProviderPaymentInit", "ProviderPaymentSuccess",
        "PaymentCompleted",
    ]  # fmt: skip
    assert list(events.columns[:7]) == [
        "t", "event", "event_id", "correlation_id", "causation_id", "publisher", "version",
    ]  # fmt: skip
    debited = events.iloc[1]
    assert (debited["t"], debited["publisher"], debited["user_id"]) == (62, "Wallet Service", "ana")
    assert debited["causation_id"] == events["event_id"][0]
    assert events["publisher"][2] == "EventBridge"  # a rule made it


def test_money_is_exact_and_what_is_missing_is_missing() -> None:
    events = run(HAPPY).events
    dtypes = events.dtypes.astype(str)
    assert dtypes[["amount", "amount_debited", "wallet_version", "user_id"]].tolist() == [
        "object", "object", "Int64", "str",
    ]  # fmt: skip
    assert {type(amount) for amount in events["amount"]} == {Decimal}
    assert events["amount"].sum() == Decimal("350.00")
    assert events["amount_debited"].isna().tolist() == [True, False, True, True, True]
    assert events["wallet_version"].isna().tolist() == [True, False, True, True, True]


def test_an_event_that_comes_twice_is_one_row() -> None:
    doubled = run(HAPPY.but(faults=[Duplicate(queue="Payment SQS", after=500)]))
    assert list(doubled.events["event"]) == list(run(HAPPY).events["event"])
    assert run(scenarios.disaster_recovery).events["event_id"].is_unique


def test_a_retry_is_an_event_of_its_own() -> None:
    events = run(scenarios.provider_error).events
    attempts = events[events["event"] == "ProviderPaymentInit"]
    assert attempts["attempt"].tolist() == [1, 2, 3]
    assert attempts["publisher"].tolist() == ["EventBridge", "Provider Gateway", "Provider Gateway"]


# items


def test_payments_and_wallets_are_as_they_ended() -> None:
    done = run(scenarios.concurrent_payments)
    assert plain(done.payments) == [
        ("ana:A", "tx-ana:A", "ana", Decimal("70.00"), "COMPLETED", "", 2),
        ("ana:B", "tx-ana:B", "ana", Decimal("80.00"), "FAILED", "INSUFFICIENT_FUNDS", 2),
    ]
    assert plain(done.wallets) == [("ana", Decimal("30.00"), 2)]
    assert done.payments.dtypes.astype(str).to_dict() == {
        "payment_id": "str", "transaction_id": "str", "user_id": "str", "amount": "object",
        "status": "str", "reason": "str", "version": "int64",
    }  # fmt: skip


def test_a_store_that_is_empty_at_the_end_keeps_its_columns() -> None:
    lost = scenarios.disaster_recovery.but(recovery=None)
    assert list(run(lost).wallets.columns) == ["user_id", "balance", "version"]
    assert len(run(lost).wallets) == 0


def test_a_party_outside_is_asked_for_its_books() -> None:
    books = run(scenarios.provider_error).items("External Provider API")
    assert plain(books) == [("tx-ana:A", "voided")]
    assert plain(run(HAPPY).items("External Provider API")) == [("tx-ana:A", "executed")]


def test_books_without_an_entry_keep_their_columns() -> None:
    unasked = run(scenarios.insufficient_funds).items("External Provider API")
    assert (list(unasked.columns), len(unasked)) == (["key", "state"], 0)


def test_a_store_that_does_not_exist_is_refused() -> None:
    with pytest.raises(
        ValueError, match="no store 'Purse DB' in this trace: there are Payments DB"
    ):
        tables.items(run(HAPPY).records, "Purse DB")


# queues


def queue(done_queues: pd.DataFrame, name: str) -> dict[str, int]:
    row = done_queues.set_index("queue").loc[name]
    return {str(column): int(value) for column, value in row.items()}


def test_a_message_is_sent_received_and_done() -> None:
    queues = run(HAPPY).queues
    assert queue(queues, "Wallet SQS") == {
        "sent": 1, "received": 1, "done": 1, "dead": 0, "waiting": 0,
        "greatest_depth": 1, "longest_wait": 9,
    }  # fmt: skip
    assert queue(queues, "SNS Topic")["sent"] == 3  # one a subscriber
    assert queue(queues, "Wallet DLQ")["sent"] == 0
    assert set(queues.dtypes.astype(str)) == {"str", "int64"}


def test_a_delay_counts_as_a_wait() -> None:
    queues = run(scenarios.provider_error).queues
    assert 60_000 <= queue(queues, "Provider Retry SQS")["longest_wait"] < 60_020


def test_a_message_that_is_received_too_often_is_dead_and_can_be_sent_back() -> None:
    crashes = [Crash(service="Wallet Service", step=1, nth=nth) for nth in range(1, 6)]
    dead = run(HAPPY.but(faults=crashes)).queues
    wallet = queue(dead, "Wallet SQS")
    assert (wallet["sent"], wallet["received"], wallet["dead"], wallet["waiting"]) == (1, 5, 1, 0)
    assert queue(dead, "Wallet DLQ")["waiting"] == 1

    back = run(HAPPY.but(faults=crashes, redrives=[Redrive(at=200_000, queue="Wallet SQS")]))
    assert queue(back.queues, "Wallet DLQ")["waiting"] == 0
    wallet = queue(back.queues, "Wallet SQS")
    assert (wallet["sent"], wallet["done"], wallet["dead"], wallet["waiting"]) == (2, 1, 1, 0)
    assert back.payments["status"].tolist() == ["COMPLETED"]


def test_messages_queue_up_for_a_service_that_is_out() -> None:
    out = scenarios.disaster_recovery.but(
        faults=[Outage(participant="Provider Gateway", start=0, end=20_000)], recovery=None
    )
    assert queue(run(out).queues, "Provider SQS")["greatest_depth"] > 5


def test_depth_and_wait_of_a_hand_made_trace() -> None:
    steps: list[tuple[int, int, Fact]] = [
        (0, 0, facts.Queued("Bus", "Q", "E", 1)),
        (2, 0, facts.Queued("Bus", "Q", "E", 2)),
        (5, 1, facts.Received("Q", "S", "E", 1, 1, "", "Invoke")),
        (6, 1, facts.Acknowledged("S", "Q", 1, 1)),
        (7, 0, facts.FannedOut("Bus", "T", "E", (3, 4))),
        (9, 2, facts.Received("T", "S", "E", 3, 1, "", "Invoke")),
        (40, 0, facts.MessageDoubled("Q", "E")),
    ]
    trace = Trace(
        [Participant("Q", "queue"), Participant("T", "topic"), Participant("S", "service")],
        [facts.Record(t, "s", "e", number, fact) for t, number, fact in steps],
    )
    assert queue(tables.queues(trace), "Q") == {
        "sent": 2, "received": 1, "done": 1, "dead": 0, "waiting": 1,
        "greatest_depth": 2, "longest_wait": 38,  # the second, which is never received
    }  # fmt: skip
    assert queue(tables.queues(trace), "T")["waiting"] == 2


@pytest.mark.parametrize("name", scenarios.NAMES)
def test_queues_agree_with_the_fate_of_each_message(name: str) -> None:
    done = run(name)
    fates = done.records.messages().values()
    for row in done.queues.itertuples():
        for state in ("done", "dead", "waiting"):
            counted = sum(fate.queue == row.queue and fate.state == state for fate in fates)
            assert getattr(row, state) == counted, (row.queue, state)


# metrics and verdicts


def test_metrics_agree_with_the_events_and_the_queues() -> None:
    done = run(scenarios.circuit_breaker)
    metrics = done.metrics
    assert metrics.dtypes.astype(str).tolist() == ["category", "str", "int64", "category"]
    counted = metrics[metrics["metric"] == "events"].set_index("of")["value"].to_dict()
    assert counted == done.events["event"].value_counts().to_dict()
    depths = metrics[metrics["metric"] == "greatest queue depth"].set_index("of")["value"]
    assert depths["Provider Retry SQS"] == 7
    greatest = done.queues.set_index("queue")["greatest_depth"]
    assert depths.to_dict() == greatest[greatest > 0].loc[depths.index].to_dict()


def test_metrics_of_a_run_without_events() -> None:
    lost = Run(HAPPY, 0, Trace([])).metrics
    assert lost["metric"].tolist() == ["sagas"] * 3
    assert lost["value"].tolist() == [0, 0, 0]


def test_verdicts_are_a_table_with_a_bool() -> None:
    table = tables.verdicts([("one", True, "looked", None), ("two", False, "broke", 7)])
    assert table.dtypes.astype(str).to_dict() == {
        "law": "str", "held": "bool", "detail": "str", "record": "Int64",
    }  # fmt: skip
    assert plain(table) == [("one", True, "looked", None), ("two", False, "broke", 7)]
    assert table.query("not held")["law"].tolist() == ["two"]


def test_a_lost_message_leaves_its_saga_without_an_end() -> None:
    stuck = run(HAPPY.but(faults=[Drop(queue="Payment SQS")])).metrics
    sagas = stuck[stuck["metric"] == "sagas"].set_index("of")["value"].to_dict()
    assert sagas == {"PaymentCompleted": 0, "PaymentFailed": 0, "not ended": 1}


# in a terminal


def in_a_terminal(table: pd.DataFrame, width: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("COLUMNS", str(width))
    with pd.option_context("display.max_columns", 0):
        return str(table).splitlines()


@pytest.mark.parametrize("width", [80, 60, 100])
@pytest.mark.parametrize("name", ["trace", "events", "payments", "wallets", "queues", "metrics"])
def test_a_table_fits_a_terminal_and_names_the_columns_that_it_leaves_out(
    name: str, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = getattr(run(scenarios.provider_error), name)
    lines = in_a_terminal(table, width, monkeypatch)
    assert max(map(len, lines)) <= width
    words = " ".join(lines).replace(",", " ").split()
    assert all(column in words for column in table.columns)
    assert ("not shown:" in " ".join(lines)) == (lines[0].split() != list(table.columns))


def test_the_laws_are_shown_with_what_was_held_and_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lines = in_a_terminal(run(HAPPY).check(), 80, monkeypatch)
    assert lines[0].split() == ["law", "held", "detail", "record"]
    assert "True  wallets 30.00 + provider 70.00 = 1..." in lines[1]


def test_a_selection_is_shown_in_the_same_way(monkeypatch: pytest.MonkeyPatch) -> None:
    events = run(HAPPY).events
    for part in (events.head(2), events[events.event == "PaymentInit"], events.assign(more=1)):
        assert "not shown: " in " ".join(in_a_terminal(part, 80, monkeypatch))


def test_a_notebook_shows_it_as_any_other_table(monkeypatch: pytest.MonkeyPatch) -> None:
    events = run(HAPPY).events
    with pd.option_context("display.max_columns", 20):
        assert repr(events) == repr(pd.DataFrame(events))
        assert events._repr_html_() == pd.DataFrame(events)._repr_html_()  # type: ignore[operator]
