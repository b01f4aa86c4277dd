"""A deployment is checked when it is made: a mistake is refused with what, where and what to do."""

from dataclasses import replace
from typing import Any, NamedTuple

import pytest

from sagakit.contract.deployment import Deployment, Function, Participant, Queue, Rule, Table, Topic
from sagakit.contract.events import Event
from sagakit.contract.timing import Timing


class Ordered(Event):
    pass


SHOP = Function(name="Shop", build=lambda ports: ports, queues=("Shop SQS",))
MAIL = Function(name="Mail", build=lambda ports: ports)
SOUND = Deployment(
    functions=(SHOP, MAIL),
    queues=(Queue(name="Shop SQS"),),
    rules=(Rule(event=Ordered, target="Shop SQS"), Rule(event=Ordered, target="News")),
    topics=(Topic(name="News", subscribers=("Mail",)),),
    tables=(Table(name="Shelves", owner="Shop"),),
    others=(Participant("Guest", "actor"),),
)


class Mistake(NamedTuple):
    changes: dict[str, Any]
    complaint: str


MISTAKES = {
    "a rule to nothing": Mistake(
        {"rules": (Rule(event=Ordered, target="Shop SQ"),)},
        "the rule for Ordered sends to 'Shop SQ', which does not exist: declare that queue or "
        "topic, or use one of News, Shop SQS",
    ),
    "a rule to a function": Mistake(
        {"rules": (Rule(event=Ordered, target="Shop"),)},
        "the rule for Ordered sends to 'Shop', which does not exist",
    ),
    "a queue that is not declared": Mistake(
        {"functions": (replace(SHOP, queues=("Orders SQS",)), MAIL)},
        "Shop uses the queue 'Orders SQS', which does not exist: declare it, or use one of Shop",
    ),
    "no queue at all": Mistake(
        {"queues": (), "rules": ()},
        "Shop uses the queue 'Shop SQS', which does not exist: declare it, or use one of none",
    ),
    "a retry queue that is not declared": Mistake(
        {"functions": (replace(SHOP, retry_queue="Again SQS"), MAIL)},
        "Shop uses the queue 'Again SQS', which does not exist",
    ),
    "a retry queue that nobody reads": Mistake(
        {
            "functions": (replace(SHOP, retry_queue="Again SQS"), MAIL),
            "queues": (Queue(name="Shop SQS"), Queue(name="Again SQS")),
        },
        "nobody takes messages from 'Again SQS': add it to the queues of a function",
    ),
    "a queue that nobody reads": Mistake(
        {"functions": (replace(SHOP, queues=()), MAIL)},
        "nobody takes messages from 'Shop SQS': add it to the queues of a function",
    ),
    "a queue that two read": Mistake(
        {"functions": (SHOP, replace(MAIL, queues=("Shop SQS",)))},
        "Shop and Mail both take messages from 'Shop SQS': give each a queue of its own",
    ),
    "no time": Mistake(
        {"functions": (replace(SHOP, timeout=0), MAIL)}, "Shop: timeout must be at least 1, not 0"
    ),
    "no room": Mistake(
        {"functions": (replace(SHOP, concurrency=-1), MAIL)},
        "Shop: concurrency must be at least 1, not -1",
    ),
    "an empty batch": Mistake(
        {"functions": (replace(SHOP, batch=0), MAIL)}, "Shop: batch must be at least 1, not 0"
    ),
    "a message that nobody is given time for": Mistake(
        {"queues": (Queue(name="Shop SQS", visibility=0),)},
        "Shop SQS: visibility must be at least 1, not 0",
    ),
    "a message that nobody may receive": Mistake(
        {"queues": (Queue(name="Shop SQS", receives=0),)},
        "Shop SQS: receives must be at least 1, not 0",
    ),
    "a subscriber that is none": Mistake(
        {"topics": (Topic(name="News", subscribers=("Male",)),)},
        "News has the subscriber 'Male', which is no function: declare it, or use one of Mail, Sh",
    ),
    "a table without an owner": Mistake(
        {"tables": (Table(name="Shelves", owner="Nobody"),)},
        "Shelves belongs to 'Nobody', which is no function: name one of Mail, Shop",
    ),
    "one name for two": Mistake(
        {"tables": (Table(name="Shop", owner="Shop"),)},
        "two participants are called 'Shop': rename one",
    ),
    "one name for a queue and the dead letters of another": Mistake(
        {"others": (Participant("Shop DLQ", "queue"),)},
        "two participants are called 'Shop DLQ': rename one",
    ),
    "a lane for nobody": Mistake(
        {"lanes": ("Guest", "Ghost")},
        "lanes name 'Ghost', which is no participant: remove or declare it",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_refused(mistake: Mistake) -> None:
    with pytest.raises(ValueError, match=" ") as caught:
        replace(SOUND, **mistake.changes)
    assert str(caught.value).startswith(mistake.complaint)


@pytest.mark.parametrize(
    ("span", "complaint"),
    [
        ((9, 5), "from 9 to 5 ms cannot be: give the shorter first"),
        ((-1, 5), "from -1 to 5 ms cannot be"),
    ],
)
def test_a_time_that_makes_no_sense_is_refused(span: tuple[int, int], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        Timing(bus=span)


def test_a_timing_may_be_zero_or_fixed() -> None:
    assert Timing(bus=(0, 0), store=(5, 5)).bus == (0, 0)


def test_the_participants_are_all_that_a_diagram_may_show() -> None:
    assert set(SOUND.participants()) == {
        Participant("Guest", "actor"),
        Participant("Shop", "service"),
        Participant("Mail", "service"),
        Participant("Shop SQS", "queue"),
        Participant("Shop DLQ", "queue"),
        Participant("Shelves", "store"),
        Participant("EventBridge", "bus", "Bus"),
        Participant("News", "topic"),
        Participant("News DLQ", "queue"),
    }


def test_lanes_put_participants_first_in_their_order() -> None:
    names = [one.name for one in replace(SOUND, lanes=("Shelves", "Guest")).participants()]
    assert names[:2] == ["Shelves", "Guest"]
    assert sorted(names) == sorted(one.name for one in SOUND.participants())


def test_dead_letters_may_have_a_name_of_their_own() -> None:
    assert Queue(name="Shop SQS").dead_letters == "Shop DLQ"
    assert Queue(name="Shop SQS", dead_letters="Cemetery").dead_letters == "Cemetery"
