"""The deployment diagram: every part and rule of the deployment, once, and the same in words."""

import re
from dataclasses import replace
from itertools import combinations

import pytest

from sagakit.contract.deployment import Deployment, Function, Queue, Rule, Table, Topic
from sagakit.draw.deployment import deployment_diagram
from sagakit.draw.palette import domain_hues
from sagakit.draw.svg import SHOWN, WIDTH, Picture, Sheet
from sagakit.payments.topology import Settings, payment_system
from tests.contract.test_deployment import SOUND, Ordered
from tests.draw.looking import complaints, words
from tests.examples.test_travel import DEPLOYMENT as TRAVEL

PAYMENTS = payment_system()
ALONE = Deployment(functions=(Function(name="Shop", build=lambda ports: ports),))
QUEUED = Deployment(
    functions=(Function(name="Shop", build=lambda ports: ports, queues=("Shop SQS",), batch=10),),
    queues=(Queue(name="Shop SQS", receives=3),),
    rules=(Rule(Ordered, "Shop SQS"),),
)


@pytest.mark.parametrize("deployment", [PAYMENTS, TRAVEL, SOUND, ALONE, QUEUED])
def test_it_can_be_read(deployment: Deployment) -> None:
    picture = deployment_diagram(deployment)
    assert complaints(picture) == []
    assert picture.svg() == deployment_diagram(deployment).svg()


@pytest.mark.parametrize("deployment", [PAYMENTS, TRAVEL, SOUND])
def test_every_part_is_there_and_every_rule_once(deployment: Deployment) -> None:
    shown = words(deployment_diagram(deployment))
    names = [one.name for one in deployment.functions]
    names += [one.name for one in deployment.tables]
    names += [name for one in deployment.queues for name in (one.name, one.dead_letters)]
    names += [name for one in deployment.topics for name in (one.name, one.dead_letters)]
    assert all(shown.count(name) == 1 for name in names)
    for rule in deployment.rules:
        same = [other for other in deployment.rules if other.event is rule.event]
        assert shown.count(rule.event.__name__) == len(same)
    assert deployment.bus in shown


@pytest.mark.parametrize("deployment", [PAYMENTS, TRAVEL, SOUND, ALONE, QUEUED])
def test_in_brief_it_has_every_service_and_rule_and_no_numbers_or_dead_letters(
    deployment: Deployment,
) -> None:
    picture = deployment_diagram(deployment, brief=True)
    assert complaints(picture) == []
    shown = words(picture)
    expected = [one.name for one in deployment.functions]
    expected += [rule.event.__name__ for rule in deployment.rules]
    assert set(expected) <= set(shown)
    for absent in ("DLQ", "timeout", "visibility", "batch", "Retry", "Operator"):
        assert absent not in picture.alt
        assert not any(absent in text for text in shown)


def test_the_numbers_are_the_deployment_s_own() -> None:
    shown = words(
        deployment_diagram(payment_system(Settings(provider_visibility=45_000, wallet_batch=7)))
    )
    assert shown.count("visibility 45 s") == 2
    assert shown.count("batch of 7") == 1
    assert "timeout 10 s, 10 at once" in shown
    assert "client timeout 5 s" in shown
    assert "after 3 receives" in words(deployment_diagram(QUEUED))


def test_a_rule_that_renames_says_so() -> None:
    assert "as ProviderPaymentInit" in words(deployment_diagram(PAYMENTS))


def test_no_two_boxes_share_a_place() -> None:
    for deployment in (PAYMENTS, TRAVEL, SOUND):
        found = boxes(deployment_diagram(deployment))
        for one, other in combinations(found, 2):
            apart = one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1]
            assert apart or other[3] <= one[1], (one, other)


def boxes(picture: Picture) -> list[tuple[float, float, float, float]]:
    """Return left, top, right and bottom of each part, in points."""
    drawn = re.findall(r"<path d='M([\d. ]+)Z' fill='white' stroke='[^']+' stroke-w", picture.svg())
    found = []
    for outline in drawn:
        numbers = list(map(float, outline.split()))
        if len(numbers) == 8:
            xs, ys = numbers[::2], numbers[1::2]
            found.append((min(xs), min(ys), max(xs), max(ys)))
    assert found
    return found


def test_no_picture_is_higher_than_a_screen_and_domains_have_their_colours() -> None:
    picture = deployment_diagram(PAYMENTS)
    assert isinstance(picture, Sheet)
    assert picture.height * SHOWN / WIDTH <= 800
    hue = domain_hues(PAYMENTS.participants())["Wallet"]
    assert f"fill='{hue.tint}'" in picture.svg()
    assert f"fill='{hue.strong}'" in picture.svg()


def test_a_rule_says_under_the_mouse_where_it_sends_what() -> None:
    said = "<title>EventBridge sends Ordered to Shop SQS.</title>"
    assert said in deployment_diagram(QUEUED).svg()


def test_it_is_told_in_words() -> None:
    assert deployment_diagram(QUEUED, title="A shop").alt.splitlines() == [
        "A shop.",
        "Shop (timeout 3 s, 10 at once) takes batches of 10 from Shop SQS.",
        "Shop SQS (visibility 30 s) gives up into Shop DLQ after 3 receives.",
        "EventBridge sends Ordered to Shop SQS.",
    ]
    told = deployment_diagram(PAYMENTS).alt
    assert "EventBridge sends BalanceDebited to Provider SQS as ProviderPaymentInit." in told
    assert (
        "API Gateway (timeout 29 s, 1000 at once) is asked for Post by User; calls Payment" in told
    )
    assert "calls External Provider API (client timeout 5 s)" in told
    assert "SNS Topic passes each message to Email Lambda, WebSocket Service, Push Lambda" in told


def test_what_is_wired_otherwise_is_drawn_otherwise() -> None:
    """A topic that feeds another domain too, and a function called across one."""
    gate, payment, wallet, *others = PAYMENTS.functions
    topic = Topic("SNS Topic", ("Email Lambda", "Wallet Service"), "Notification")
    odd = replace(PAYMENTS, functions=(gate, wallet, payment, *others), topics=(topic,))
    picture = deployment_diagram(odd)
    assert "SNS Topic passes each message to Email Lambda, Wallet Service" in picture.alt
    assert picture.svg() != deployment_diagram(PAYMENTS).svg()
    assert complaints(picture) == []


def test_a_bus_that_nobody_uses_is_not_drawn() -> None:
    assert "EventBridge" not in words(deployment_diagram(ALONE))
    assert "EventBridge" in words(deployment_diagram(QUEUED))


def test_an_owner_publishes_by_the_outbox_of_its_table() -> None:
    quiet = replace(SOUND, tables=())
    assert "published by the outbox" in words(deployment_diagram(SOUND))
    assert "published by the outbox" not in words(deployment_diagram(quiet))


def test_a_title_of_ones_own_begins_the_text_alternative() -> None:
    assert deployment_diagram(SOUND, title="A shop").alt.splitlines()[0] == "A shop."


def test_nothing_to_draw() -> None:
    with pytest.raises(ValueError, match="no functions to draw"):
        deployment_diagram(Deployment(functions=()))


def test_a_service_that_asks_for_what_is_not_there() -> None:
    lost = Function(name="Shop", build=lambda ports: ports.store("Shelf"))
    system = Deployment(functions=(lost,), tables=(Table("Shelves", "Shop"),))
    with pytest.raises(ValueError, match="Shop: there is no store 'Shelf': did you mean Shelves"):
        deployment_diagram(system)
