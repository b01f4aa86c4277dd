"""The Payment Service: which event moves a payment where, and what is published then."""

from decimal import Decimal

import pytest

from sagakit.contract.ports import AlreadyHandled, VersionConflict
from sagakit.payments import events as e
from sagakit.payments.payment import (
    FINAL,
    TRANSITIONS,
    CreatePayment,
    OtherRequest,
    Payment,
    PaymentService,
    Status,
)
from tests.payments.fakes import FakeStore, drive
from tests.payments.saga import event

SEVENTY = Decimal("70.00")
COMMAND = CreatePayment("ana:A", "ana", SEVENTY)


def payment(status: Status = "PENDING", reason: str = "") -> Payment:
    return Payment("ana:A", "tx-ana:A", "ana", SEVENTY, status, reason)


HANDLERS = {
    e.ProviderPaymentSuccess: PaymentService.complete,
    e.InsufficientBalance: PaymentService.reject,
    e.ProviderPaymentFailed: PaymentService.compensate,
    e.BalanceRefunded: PaymentService.fail,
}


def after(store: FakeStore[Payment], cls: type[e.PaymentEvent]) -> Payment:
    """The payment as it is after an event of that type."""
    drive(HANDLERS[cls](PaymentService(store), event(cls)))
    return store.items["ana:A"]


def test_a_payment_begins_pending_and_is_announced_in_the_same_commit() -> None:
    store = FakeStore[Payment]()
    created = drive(PaymentService(store).create(COMMAND))
    assert created == payment()
    assert store.items == {"ana:A": payment()._replace(version=1)}
    (begun,) = store.outbox
    assert isinstance(begun, e.PaymentInit)
    assert begun == event(e.PaymentInit)
    assert store.commits == 1


def test_the_same_request_again_is_the_same_payment() -> None:
    store = FakeStore(payment("COMPLETED"))
    assert drive(PaymentService(store).create(COMMAND)) == payment("COMPLETED")._replace(version=1)
    assert store.commits == 0


def test_the_same_key_with_another_amount_is_told_with_the_first_amount() -> None:
    store = FakeStore(payment())
    other = COMMAND._replace(amount=Decimal("70.01"))
    assert drive(PaymentService(store).create(other)) == OtherRequest("amount", "70.00")
    assert store.commits == 0


def test_of_two_requests_at_once_one_creates_and_the_other_starts_again() -> None:
    store = FakeStore[Payment]()
    store.before_commit.append(payment()._replace(version=1))
    with pytest.raises(VersionConflict):
        drive(PaymentService(store).create(COMMAND))
    assert drive(PaymentService(store).create(COMMAND)) == payment()._replace(version=1)


@pytest.mark.parametrize(
    ("before", "cls", "now", "reason", "published"),
    [
        ("PENDING", e.ProviderPaymentSuccess, "COMPLETED", "", e.PaymentCompleted),
        ("PENDING", e.InsufficientBalance, "FAILED", "INSUFFICIENT_FUNDS", e.PaymentFailed),
        ("PENDING", e.ProviderPaymentFailed, "REFUNDING", "PROVIDER_TIMEOUT", e.ReembolsarUsuario),
        ("REFUNDING", e.BalanceRefunded, "FAILED", "WHY", e.PaymentFailed),
    ],
)
def test_an_event_moves_the_payment_on_and_says_so(
    before: Status,
    cls: type[e.PaymentEvent],
    now: Status,
    reason: str,
    published: type[e.PaymentEvent],
) -> None:
    store = FakeStore(payment(before, "WHY" if before == "REFUNDING" else ""))
    assert after(store, cls) == payment(now, reason)._replace(version=2)
    (outcome,) = store.outbox
    assert type(outcome) is published
    assert outcome.amount == SEVENTY
    assert getattr(outcome, "reason", "") == reason
    assert outcome.header.causation_id == event(cls).header.event_id
    assert store.inbox == {event(cls).header.event_id}
    assert store.commits == 1


TOO_LATE = [
    ("REFUNDING", e.ProviderPaymentSuccess),
    ("REFUNDING", e.ProviderPaymentFailed),
    *((status, cls) for status in FINAL for cls in HANDLERS),
]


@pytest.mark.parametrize(("status", "cls"), TOO_LATE)
def test_an_event_that_comes_too_late_changes_nothing_and_is_remembered(
    status: Status, cls: type[e.PaymentEvent]
) -> None:
    store = FakeStore(payment(status, "WHY"))
    assert after(store, cls) == payment(status, "WHY")._replace(version=1)
    assert store.outbox == []
    assert store.inbox == {event(cls).header.event_id}


@pytest.mark.parametrize("cls", HANDLERS)
def test_an_event_is_handled_once(cls: type[e.PaymentEvent]) -> None:
    refunding = cls is e.BalanceRefunded
    store = FakeStore(payment("REFUNDING", "WHY") if refunding else payment())
    after(store, cls)
    stood, published = dict(store.items), list(store.outbox)
    with pytest.raises(AlreadyHandled):
        after(store, cls)
    assert (store.items, store.outbox) == (stood, published)


@pytest.mark.parametrize("cls", HANDLERS)
def test_an_event_about_no_payment_that_is_known_is_not_acknowledged(
    cls: type[e.PaymentEvent],
) -> None:
    store = FakeStore[Payment]()
    with pytest.raises(LookupError, match="no payment ana:A"):
        drive(HANDLERS[cls](PaymentService(store), event(cls)))
    assert store.commits == 0


def test_no_transition_leaves_a_final_state() -> None:
    assert [TRANSITIONS[status] for status in FINAL] == [(), ()]
    assert set(TRANSITIONS) == {None, "PENDING", "REFUNDING", *FINAL}
