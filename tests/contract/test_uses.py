"""What a service uses is what it asks for when it is built."""

from typing import Any

import pytest

from sagakit.contract.deployment import Deployment, Function, Participant, Table, Uses
from sagakit.payments.topology import payment_system


def uses(name: str, deployment: Deployment) -> Uses:
    function = next(one for one in deployment.functions if one.name == name)
    return Uses(function, deployment)


def test_the_parties_and_stores_of_the_payment_system() -> None:
    system = payment_system()
    gateway = uses("Provider Gateway", system)
    assert gateway.externals == ["External Provider API"]
    assert sorted(gateway.stores) == ["Breaker DB", "Provider DB"]
    wallet = uses("Wallet Service", system)
    assert wallet.stores == ["Wallet DB"]
    assert wallet.archives == ["Snapshot Store", "Event Store"]
    assert wallet.people == ["Operator"]
    assert uses("API Gateway", system).callers == ["Payment Service"]
    assert uses("Push Lambda", system).people == ["User"]


def test_a_service_with_a_store_or_the_bus_publishes() -> None:
    system = payment_system()
    assert uses("Payment Service", system).publishes
    assert not uses("API Gateway", system).publishes
    direct = Function(name="Shop", build=lambda ports: ports.bus)
    assert uses("Shop", Deployment(functions=(direct,))).publishes


def test_commands_are_the_handled_messages_that_are_no_events() -> None:
    system = payment_system()
    assert [one.__name__ for one in uses("API Gateway", system).commands] == ["Post"]
    assert uses("Provider Gateway", system).commands == []


@pytest.mark.parametrize(
    ("asks", "complaint"),
    [
        (lambda ports: ports.store("Shelf"), "no store 'Shelf': did you mean Shelves"),
        (lambda ports: ports.store("Copies"), "no store 'Copies': use one of Shelves"),
        (lambda ports: ports.archive("Copies", "Copies", "Copies"), "no store 'Copies'"),
        (lambda ports: ports.external("Bank"), "no external party 'Bank': there are none"),
        (lambda ports: ports.caller("Mail"), "no function 'Mail': "),
        (lambda ports: ports.person("Guests"), "no actor 'Guests': did you mean Guest"),
        (lambda ports: ports.archive("Shelves", "A", "B"), "no store 'A'"),
    ],
)
def test_a_port_to_a_participant_that_the_deployment_lacks_is_refused(
    asks: Any, complaint: str
) -> None:
    system = Deployment(
        functions=(Function(name="Shop", build=asks),),
        tables=(Table("Shelves", "Shop"),),
        others=(Participant("Guest", "actor"), Participant("Copies", "store")),
    )
    with pytest.raises(ValueError, match=f"Shop: there is {complaint}"):
        uses("Shop", system)
