"""The payment system's deployment is sound, and others may put services of their own in it."""

import pytest

from sagakit.contract.operations import ServicePorts
from sagakit.contract.ports import handlers
from sagakit.contract.validation import BadScenario
from sagakit.payments.topology import LANES, Settings, payment_system
from sagakit.payments.wallet import WalletService
from sagakit.sim.world import World
from tests.payments.saga import TYPES


def test_every_event_is_carried_to_a_service_that_handles_it() -> None:
    system = payment_system()
    services = {
        one.name: set(handlers(one.build(ServicePorts(one.name, system))))
        for one in system.functions
    }
    takers = {queue: one.name for one in system.functions for queue in one.queues}
    subscribers = {topic.name: topic.subscribers for topic in system.topics}
    for rule in system.rules:
        arrives_as = rule.rename or rule.event
        for service in subscribers.get(rule.target, [takers.get(rule.target)]):
            assert arrives_as in services[service], (rule, service)
    carried = {rule.event for rule in system.rules} | {rule.rename for rule in system.rules}
    assert set(TYPES) <= carried


def test_a_queue_s_visibility_is_at_least_six_times_its_function_s_timeout() -> None:
    """AWS Lambda Developer Guide, "Configuring a queue to use with Lambda"."""
    system = payment_system()
    queues = {queue.name: queue for queue in system.queues}
    for function in system.functions:
        for name in function.queues:
            assert queues[name].visibility >= 6 * function.timeout
            assert queues[name].receives >= 5


def test_the_gateway_has_time_for_the_provider_s_timeout() -> None:
    (gateway,) = [one for one in payment_system().functions if one.name == "Provider Gateway"]
    assert gateway.timeout > Settings().provider_timeout


def test_every_participant_but_dead_letters_has_its_lane() -> None:
    names = {one.name for one in payment_system().participants()}
    assert {name for name in names if not name.endswith("DLQ")} == set(LANES)


def test_another_service_may_take_the_place_of_the_sound_one() -> None:
    class Mine(WalletService):
        pass

    World(payment_system(services={"Wallet Service": Mine}))
    with pytest.raises(ValueError, match="no service 'Walet Service' to replace: use one of API"):
        payment_system(services={"Walet Service": Mine})


NUMBERS = [name for name, value in Settings() if type(value) is int]


@pytest.mark.parametrize("field", NUMBERS)
@pytest.mark.parametrize("value", [0, -1, "soon", None])
def test_a_setting_that_makes_no_sense_is_refused(field: str, value: object) -> None:
    with pytest.raises(BadScenario, match=field):
        Settings(**{field: value})


def test_a_setting_that_does_not_exist_is_refused() -> None:
    with pytest.raises(BadScenario, match="provider_timout"):
        Settings(provider_timout=1)
