"""Who gets what is published, by the rules of a deployment."""

from sagakit.contract.operations import Commit, Get, Publish
from sagakit.contract.ports import Delayed
from sagakit.explore.state_graph import Routes
from sagakit.payments import events as e
from sagakit.payments.topology import payment_system
from tests.payments.saga import event

ROUTES = Routes(payment_system())
WALLET, GATEWAY = "Wallet Service", "Provider Gateway"


def test_an_event_goes_to_those_that_its_rules_name_as_the_rule_renames_it() -> None:
    debited = event(e.BalanceDebited)
    (delivery,) = ROUTES.sent(Commit("Wallet DB", None, (debited,), None), WALLET)
    assert delivery == (GATEWAY, e.ProviderPaymentInit.after(debited), 0)
    begun = event(e.PaymentInit)
    assert list(ROUTES.sent(Publish(begun), "Payment Service")) == [(WALLET, begun, 0)]


def test_what_is_delayed_comes_back_to_the_service_itself() -> None:
    retry = Delayed(event(e.ProviderPaymentInit), 60_000)
    (delivery,) = ROUTES.sent(Commit("Provider DB", None, (retry,), None), GATEWAY)
    assert delivery == (GATEWAY, retry.event, 60_000)


def test_a_topic_moves_no_saga_and_a_read_publishes_nothing() -> None:
    ended = Commit("Payments DB", None, (event(e.PaymentCompleted),), None)
    assert list(ROUTES.sent(ended, "Payment Service")) == []
    assert list(ROUTES.sent(Get("Wallet DB", "ana"), WALLET)) == []


def test_a_message_comes_again_when_its_queue_shows_it_again_and_so_often() -> None:
    assert (ROUTES.again_after[WALLET], ROUTES.again_after[GATEWAY]) == (30_000, 60_000)
    assert set(ROUTES.most_receives.values()) == {1, 5}  # a command of no queue comes once
