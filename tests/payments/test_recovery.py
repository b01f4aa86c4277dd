"""Recovery: the wallets' history in sequence, applied once, and nothing published again."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagakit.contract.events import Event
from sagakit.contract.ports import Backup
from sagakit.payments import events as e
from sagakit.payments.recovery import (
    RecoverableWalletService,
    StartRecovery,
    in_sequence,
    unanswered,
    unpublished,
)
from sagakit.payments.wallet import Wallet
from tests.payments.fakes import FakePerson, FakeStore, drive


class FakeArchive:
    """A snapshot, a history, and what was delivered again."""

    def __init__(self, store: FakeStore[Wallet], snapshot: Backup, history: list[Event]) -> None:
        self.store = store
        self.snapshot = snapshot
        self.history = history
        self.again: list[Event] = []

    async def latest_snapshot(self) -> Backup:
        return self.snapshot

    async def events(self, *types: type[Event]) -> tuple[Event, ...]:
        return tuple(one for one in self.history if isinstance(one, types))

    async def restore(self, backup: Backup) -> None:
        self.store.items = {item.key: item for item in backup.items}
        self.store.inbox = set(backup.inbox)
        self.store.outbox = list(backup.outbox)

    async def deliver_again(self, event: Event) -> None:
        self.again.append(event)


class FakeIntake:
    def __init__(self) -> None:
        self.paused = False

    async def pause(self) -> None:
        self.paused = True

    async def resume(self) -> None:
        self.paused = False


class Bench:
    def __init__(self, snapshot: Backup, history: list[Event]) -> None:
        self.store = FakeStore[Wallet]()
        self.archive = FakeArchive(self.store, snapshot, history)
        self.intake = FakeIntake()
        self.operator = FakePerson()
        self.service = RecoverableWalletService(
            self.store, self.archive, self.intake, self.operator
        )

    def recover(self) -> None:
        drive(self.service.recover(StartRecovery()))


def request(number: int, amount: int = 10) -> e.PaymentInit:
    return e.PaymentInit.first(
        f"ana:{number}", payment_id=f"ana:{number}", transaction_id=f"tx-ana:{number}",
        user_id="ana", amount=amount,
    )  # fmt: skip


def debit(number: int, amount: int, version: int) -> e.BalanceDebited:
    """The debit of request `number` that made this version of the wallet."""
    return e.BalanceDebited.after(
        request(number, amount), amount_debited=amount, amount_left=0, wallet_version=version
    )


def refund(number: int, amount: int, version: int) -> e.BalanceRefunded:
    cause = e.ReembolsarUsuario.after(debit(number, amount, 1), reason="PROVIDER_DECLINED")
    return e.BalanceRefunded.after(
        cause, amount_refunded=amount, amount_left=0, wallet_version=version
    )


def snapshot_of(
    balance: int, version: int, *handled: Event, outbox: tuple[Event, ...] = ()
) -> Backup:
    wallet = Wallet("ana", Decimal(balance), version)
    inbox = frozenset(one.header.event_id for one in handled)
    return Backup(1_000, (wallet,), inbox, outbox)


HISTORY = [debit(1, 30, 2), debit(2, 20, 3), refund(1, 30, 4), debit(3, 5, 5)]


@given(st.permutations(HISTORY))
def test_the_order_in_the_archive_does_not_matter(history: list[Event]) -> None:
    bench = Bench(snapshot_of(100, 1), history)
    bench.recover()
    assert bench.store.items["ana"] == Wallet("ana", Decimal(75), version=5)


def test_timestamps_are_not_asked() -> None:
    backwards = [one.stamped(1_000 - place) for place, one in enumerate(HISTORY)]
    assert [one.wallet_version for one in in_sequence(backwards)] == [2, 3, 4, 5]


def test_recovery_does_not_apply_events_that_the_snapshot_has() -> None:
    bench = Bench(snapshot_of(50, 3), HISTORY)
    bench.recover()
    assert bench.store.items["ana"] == Wallet("ana", Decimal(75), version=5)


def test_the_requests_whose_outcome_is_known_are_remembered_as_handled() -> None:
    refused = e.InsufficientBalance.after(request(9), available=0)
    bench = Bench(snapshot_of(100, 1), [*HISTORY, refused])
    bench.recover()
    assert bench.store.inbox == {one.header.causation_id for one in (*HISTORY, refused)}


def test_recovery_publishes_no_event_again() -> None:
    bench = Bench(snapshot_of(100, 1), HISTORY)
    bench.recover()
    assert bench.store.outbox == []


def test_recovery_publishes_the_snapshots_outbox_unless_it_was_published() -> None:
    sent, kept = debit(1, 30, 2), debit(2, 20, 3)
    snapshot = snapshot_of(50, 3, request(1), request(2), outbox=(sent, kept))
    assert unpublished(snapshot, [sent]) == [kept]
    bench = Bench(snapshot, [sent])
    bench.recover()
    assert bench.store.outbox == [kept]
    assert bench.store.items["ana"] == Wallet("ana", Decimal(50), version=3)


def test_requests_without_an_outcome_are_delivered_again() -> None:
    history = [request(1), debit(1, 10, 2), request(2), request(3)]
    assert unanswered(history, snapshot_of(100, 1, request(2))) == [request(3)]
    bench = Bench(snapshot_of(100, 1, request(2)), history)
    bench.recover()
    assert bench.archive.again == [request(3)]


def test_the_operator_is_told_and_messages_are_taken_again() -> None:
    bench = Bench(snapshot_of(100, 1), [])
    bench.recover()
    assert bench.operator.told == ["recovery complete"]
    assert not bench.intake.paused


@pytest.mark.parametrize(
    ("snapshot", "history", "complaint"),
    [
        (snapshot_of(100, 1), [debit(1, 30, 3)], "a gap: version 1 is followed by 3"),
        (Backup(0, (), frozenset(), ()), HISTORY, "the snapshot has no wallet of ana"),
    ],
)
def test_a_history_that_does_not_fit_the_snapshot_is_refused_and_no_message_is_taken(
    snapshot: Backup, history: list[Event], complaint: str
) -> None:
    bench = Bench(snapshot, history)
    with pytest.raises(LookupError, match=complaint):
        bench.recover()
    assert bench.intake.paused
    assert bench.operator.told == []


def test_a_recovery_that_was_cut_off_may_be_started_again() -> None:
    bench = Bench(snapshot_of(100, 1), HISTORY)
    cut_off = bench.service.recover(StartRecovery())
    for _ in range(6):
        cut_off.send(None)
    bench.recover()
    assert bench.store.items["ana"] == Wallet("ana", Decimal(75), version=5)
    cut_off.close()
