"""The exercises of notebook 09: a payment with one end, and laws that find the whole zoo."""

from typing import Any

import pytest

from exercises.bug_hunt import WHILE_REFUNDING, few_laws, one_end
from sagakit.contract.ports import on
from sagakit.payments.events import PaymentCompleted, ProviderPaymentSuccess
from sagakit.payments.payment import PaymentService
from sagakit.run import run
from sagakit.zoo.final_twice import FinalTwice


@pytest.mark.parametrize("check", [one_end, few_laws])
def test_three_dots_are_no_answer_yet(check: Any) -> None:
    assert "three dots" in repr(check(...))
    assert "three dots" in repr(few_laws([...]))


# A payment with one end.


class Asks(PaymentService):
    """Asks the state diagram, and remembers what came too late."""

    @on(ProviderPaymentSuccess)
    async def complete(self, event: ProviderPaymentSuccess) -> None:
        payment = await self.payments.get(event.payment_id)
        assert payment is not None
        if not payment.may_become("COMPLETED"):
            await self.payments.commit(None, handled=event)
            return
        payment = payment._replace(status="COMPLETED")
        completed = PaymentCompleted.after(event)
        await self.payments.commit(payment, publish=[completed], handled=event)


class OnlyPending(PaymentService):
    """Completes what is pending, by its status alone: no inbox is needed for that."""

    @on(ProviderPaymentSuccess)
    async def complete(self, event: ProviderPaymentSuccess) -> None:
        payment = await self.payments.get(event.payment_id)
        if payment is not None and payment.status == "PENDING":
            completed = PaymentCompleted.after(event)
            await self.payments.commit(payment._replace(status="COMPLETED"), publish=[completed])


class NotWhenFailed(Asks):
    """Knows two ends, and forgets that a refund leads to one of them."""

    @on(ProviderPaymentSuccess)
    async def complete(self, event: ProviderPaymentSuccess) -> None:
        payment = await self.payments.get(event.payment_id)
        assert payment is not None
        if payment.status in ("COMPLETED", "FAILED"):
            await self.payments.commit(None, handled=event)
            return
        completed = PaymentCompleted.after(event)
        payment = payment._replace(status="COMPLETED")
        await self.payments.commit(payment, publish=[completed], handled=event)


class Never(PaymentService):
    @on(ProviderPaymentSuccess)
    async def complete(self, event: ProviderPaymentSuccess) -> None:
        await self.payments.commit(None, handled=event)


class Refuses(Asks):
    """Takes a late success for an error, which comes again and again."""

    @on(ProviderPaymentSuccess)
    async def complete(self, event: ProviderPaymentSuccess) -> None:
        payment = await self.payments.get(event.payment_id)
        if payment is not None and not payment.may_become("COMPLETED"):
            raise ValueError("too late")
        await super().complete(event)


class Inherits(PaymentService):
    pass


class Raises(PaymentService):
    @on(ProviderPaymentSuccess)
    async def complete(self, event: ProviderPaymentSuccess) -> None:
        raise ValueError("not today")


def test_the_sound_service_survives_a_success_while_it_refunds() -> None:
    finished = run(WHILE_REFUNDING)
    assert finished.check().held.all()
    assert [*finished.payments.status] == ["FAILED"]


@pytest.mark.parametrize("answer", [Asks, OnlyPending])
def test_one_end(answer: type) -> None:
    feedback = one_end(answer)
    assert feedback, feedback
    assert "complete" in feedback.says


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (FinalTwice, "breaks the law 'final is final'"),
        (NotWhenFailed, "while the refund is under way"),
        (Never, "With one payment, which is charged"),
        (Refuses, "too late"),
        (Inherits, "right and not yours"),
        (Raises, "not today"),
        (Asks.complete, "outside any class"),
        (3, "a class is asked for"),
    ],
)
def test_no_end_yet(answer: Any, says: str) -> None:
    feedback = one_end(answer)
    assert not feedback
    assert says in repr(feedback)


def test_the_run_is_shown() -> None:
    for answer in (FinalTwice, NotWhenFailed):
        assert "<img" in one_end(answer)._repr_html_()


# Few laws.

FEW = ["agreement", "every saga ends", "no silent drop", "recovery", "breaker"]


@pytest.mark.parametrize("answer", [FEW, tuple(reversed(FEW)), {*FEW}])
def test_few_laws(answer: Any) -> None:
    assert few_laws(answer)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (FEW[1:], "flaws break none of them"),
        ("conservation", "flaws break none of them"),
        ([*FEW, "conservation"], "Fewer will do"),
        ([], "16 of 16 flaws"),
        (["agrement"], "There is no law 'agrement'"),
        ([3], "There is no law 3"),
        (5, "no list of laws"),
    ],
)
def test_not_so_few(answer: Any, says: str) -> None:
    assert not few_laws(answer)
    assert says in repr(few_laws(answer))
