"""The Notification services tell the user how the payment ended."""

import pytest

from sagakit.contract.ports import handlers
from sagakit.payments import events as e
from sagakit.payments.notification import NotificationService
from tests.payments.fakes import FakePerson, drive
from tests.payments.saga import event


@pytest.mark.parametrize("cls", [e.PaymentCompleted, e.PaymentFailed])
def test_the_user_is_told_how_a_payment_ended(cls: type[e.PaymentEvent]) -> None:
    user = FakePerson()
    drive(handlers(NotificationService(user, "Send email (SES)"))[cls](event(cls)))
    assert user.told == ["Send email (SES)"]


def test_notification_handles_only_final_events() -> None:
    service = NotificationService(FakePerson(), "Send email (SES)")
    assert set(handlers(service)) == {e.PaymentCompleted, e.PaymentFailed}
