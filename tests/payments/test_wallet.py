"""The Wallet Service: what is debited, refused and given back, and what it says of it."""

from decimal import Decimal

import pytest

from sagakit.contract.ports import AlreadyHandled, VersionConflict
from sagakit.payments import events as e
from sagakit.payments.wallet import Wallet, WalletService
from tests.payments.fakes import FakeStore, drive
from tests.payments.saga import event

REQUEST = event(e.PaymentInit)
REFUND = event(e.ReembolsarUsuario)


def with_balance(balance: str) -> FakeStore[Wallet]:
    return FakeStore(Wallet("ana", Decimal(balance)))


def debit(store: FakeStore[Wallet]) -> None:
    drive(WalletService(store).debit(REQUEST))


def refund(store: FakeStore[Wallet]) -> None:
    drive(WalletService(store).refund(REFUND))


@pytest.mark.parametrize(("balance", "left"), [("100.00", "30.00"), ("70.00", "0.00")])
def test_a_balance_that_covers_the_amount_is_debited(balance: str, left: str) -> None:
    store = with_balance(balance)
    debit(store)
    assert store.items["ana"] == Wallet("ana", Decimal(left), version=2)
    (debited,) = store.outbox
    assert isinstance(debited, e.BalanceDebited)
    assert debited.payload() == REQUEST.payload() | {
        "amount_debited": Decimal("70.00"),
        "amount_left": Decimal(left),
        "wallet_version": 2,
    }
    assert store.inbox == {REQUEST.header.event_id}
    assert store.commits == 1


@pytest.mark.parametrize("balance", ["69.99", "0.00"])
def test_insufficient_balance_leaves_the_wallet_but_checks_its_version(balance: str) -> None:
    store = with_balance(balance)
    debit(store)
    assert store.items["ana"] == Wallet("ana", Decimal(balance), version=1)
    (refused,) = store.outbox
    assert isinstance(refused, e.InsufficientBalance)
    assert refused.available == Decimal(balance)
    assert store.inbox == {REQUEST.header.event_id}


def test_a_refusal_is_decided_again_if_the_balance_has_changed() -> None:
    store = with_balance("50.00")
    store.before_commit.append(Wallet("ana", Decimal("90.00"), version=2))
    with pytest.raises(VersionConflict):
        debit(store)
    assert store.outbox == []
    debit(store)
    assert store.items["ana"] == Wallet("ana", Decimal("20.00"), version=3)


def test_a_user_without_a_wallet_has_insufficient_balance() -> None:
    store = FakeStore[Wallet]()
    debit(store)
    assert store.items == {}
    (refused,) = store.outbox
    assert isinstance(refused, e.InsufficientBalance)
    assert refused.available == 0


def test_a_refund_gives_back_what_was_debited() -> None:
    store = with_balance("30.00")
    refund(store)
    assert store.items["ana"] == Wallet("ana", Decimal("100.00"), version=2)
    (refunded,) = store.outbox
    assert isinstance(refunded, e.BalanceRefunded)
    assert (refunded.amount_refunded, refunded.amount_left, refunded.wallet_version) == (70, 100, 2)
    assert store.inbox == {REFUND.header.event_id}


def test_a_refund_without_a_wallet_is_not_acknowledged() -> None:
    store = FakeStore[Wallet]()
    with pytest.raises(LookupError, match="no wallet of ana to refund payment ana:A"):
        refund(store)
    assert store.commits == 0


@pytest.mark.parametrize("handle", [debit, refund])
def test_a_message_that_comes_twice_moves_money_once(handle: object) -> None:
    store = with_balance("500.00")
    handle(store)
    once, published = dict(store.items), list(store.outbox)
    with pytest.raises(AlreadyHandled):
        handle(store)
    assert (store.items, store.outbox) == (once, published)
