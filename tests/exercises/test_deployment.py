"""Notebook 14: its checks take what is right, whatever it looks like, and nothing else."""

from collections import defaultdict
from dataclasses import replace
from typing import Any

import pytest

from exercises.deployment import (
    SLOW_DAY,
    SLOWER,
    heard_by,
    hears,
    never_brought,
    patient,
    unheard,
)
from sagakit import run
from sagakit.contract.deployment import Deployment, Uses
from sagakit.contract.events import Event
from sagakit.laws.configuration import check_deployment
from sagakit.payments import events
from sagakit.payments.topology import Settings, payment_system
from sagakit.trace.facts import Record, Told

SOUND = payment_system()
GATEWAY = "Provider Gateway"


def test_three_dots_are_no_answer_yet() -> None:
    for check in (hears, patient, unheard):
        assert "three dots" in repr(check(...))
    assert "three dots" in repr(hears(lambda topology, event: ...))
    assert "three dots" in repr(unheard(lambda topology: ...))


# Who hears an event.


def test_who_hears_what_is_what_runs_do() -> None:
    """Each event of three runs comes to the functions that the deployment says, and no other."""
    came: dict[str, set[str]] = defaultdict(set)
    published = set()
    renamed = {rule.rename.__name__: rule.event.__name__ for rule in SOUND.rules if rule.rename}
    functions = {function.name for function in SOUND.functions}
    for name in ("happy_path", "provider_error", "insufficient_funds"):
        for one in run(name).records.arrows():
            if one.event and one.target in functions and one.source not in functions:
                came[renamed.get(one.event, one.event)].add(one.target)
            if one.target == SOUND.bus and one.source != SOUND.bus:
                published.add(one.event)
    assert published == {rule.event.__name__ for rule in SOUND.rules}
    for rule in SOUND.rules:
        assert came[rule.event.__name__] == heard_by(SOUND, rule.event), rule


def by_rule(topology: Deployment, event: type[Event]) -> list[str]:
    found: list[str] = []
    for rule in topology.rules:
        if rule.event is not event:
            continue
        found += [
            function.name for function in topology.functions if rule.target in function.queues
        ]
        for topic in topology.topics:
            found += topic.subscribers if topic.name == rule.target else ()
    return found


def by_target(topology: Deployment, event: type[Event]) -> set[str]:
    targets = {rule.target for rule in topology.rules if rule.event.__name__ == event.__name__}
    readers = {function.name for function in topology.functions if targets & set(function.queues)}
    return readers.union(*(t.subscribers for t in topology.topics if t.name in targets))


def only_queues(topology: Deployment, event: type[Event]) -> set[str]:
    targets = {rule.target for rule in topology.rules if rule.event is event}
    return {function.name for function in topology.functions if targets & set(function.queues)}


@pytest.mark.parametrize("answer", [by_rule, by_target])
def test_who_hears_an_event(answer: Any) -> None:
    assert hears(answer), hears(answer)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (only_queues, "Whom does a topic pass its messages to?"),
        (
            lambda topology, event: {r.target for r in topology.rules if r.event is event},
            "queue or",
        ),
        (lambda topology, event: by_rule(SOUND, event), "with one more rule"),
        (
            lambda topology, event: {
                name
                for rule in topology.rules
                if event in (rule.event, rule.rename)
                for name in by_rule(topology, rule.event)
            },
            "made by a rule",
        ),
        (lambda topology, event: set(), "Follow the arrows"),
        (lambda topology, event: "Wallet Service", "the names of functions are asked for"),
        (lambda topology, event: topology.functions, "...; the names of functions are asked for"),
        (lambda topology, event: set(topology.functions), "the names of functions are asked for"),
        (lambda topology, event: event.target, "AttributeError"),
        ({"Wallet Service"}, "That is no function"),
    ],
)
def test_other_answers_to_who_hears(answer: Any, says: str) -> None:
    assert not hears(answer)
    assert says in repr(hears(answer))


# A slower provider.


def with_numbers(
    timeout: int, visibility: int, begin: Deployment = SLOWER, **function: Any
) -> Deployment:
    functions = [
        replace(one, timeout=timeout, **function) if one.name == GATEWAY else one
        for one in begin.functions
    ]
    queues = [
        replace(queue, visibility=visibility) if queue.domain == "Provider" else queue
        for queue in begin.queues
    ]
    return replace(begin, functions=tuple(functions), queues=tuple(queues))


def test_the_given_deployment_breaks_an_inequality_and_a_slow_day_shows_it() -> None:
    checked = check_deployment(SLOWER)
    assert checked.held.sum() == len(checked) - 1
    assert run(SLOW_DAY).payments.status.tolist() == ["PENDING"]


@pytest.mark.parametrize(
    "answer",
    [
        with_numbers(15_000, 90_000),
        with_numbers(20_000, 200_000),
        with_numbers(
            14_000, 84_000, payment_system(Settings(provider_timeout=12_000, retry_delay=60_000))
        ),
    ],
)
def test_numbers_for_a_slower_provider(answer: Deployment) -> None:
    assert patient(answer), patient(answer)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (SLOWER, "the client waits 12 s"),
        (with_numbers(15_000, 60_000), "2 inequalities are broken"),
        (with_numbers(12_000, 90_000), "is cut off after 12 s"),
        (with_numbers(15_000, 10_000_000), "the provider knows a key for"),
        (with_numbers(15_000, 90_000, client_timeout=5_000), "client_timeout of Provider Gateway"),
        (with_numbers(1_000_000, 6_000_000), "longer than AWS allows"),
        (with_numbers(11_100, 90_000, payment_system()), "client_timeout of Provider Gateway"),
        (replace(with_numbers(15_000, 90_000), rules=SLOWER.rules[1:]), "The rule for PaymentInit"),
        (Settings(), "A Deployment is asked for"),
        (15_000, "A Deployment is asked for"),
    ],
)
def test_numbers_that_do_not_fit(answer: Any, says: str) -> None:
    assert not patient(answer)
    assert says in repr(patient(answer))


def test_numbers_that_say_what_the_client_does_not_do() -> None:
    """The deployment says 12 s, and the client in it waits for 5."""
    told = with_numbers(15_000, 90_000, payment_system(), client_timeout=12_000)
    feedback = patient(told)
    assert not feedback
    assert "on a slow day the payment is" in repr(feedback)
    assert "<img" in feedback._repr_html_()


# What nobody brings.


def by_set(topology: Deployment) -> set[type[Event]]:
    missing: set[type[Event]] = set()
    for function in topology.functions:
        sources = {*function.queues}
        sources |= {topic.name for topic in topology.topics if function.name in topic.subscribers}
        brought = {rule.rename or rule.event for rule in topology.rules if rule.target in sources}
        missing |= {
            one
            for one in Uses(function, topology).handles
            if issubclass(one, Event) and one not in brought
        }
    return missing


def without_renaming(topology: Deployment) -> set[type[Event]]:
    brought = {rule.event for rule in topology.rules}
    handled = {one for each in topology.functions for one in Uses(each, topology).handles}
    return {one for one in handled if issubclass(one, Event)} - brought


def wherever(topology: Deployment) -> set[type[Event]]:
    brought = {rule.rename or rule.event for rule in topology.rules}
    handled = {one for each in topology.functions for one in Uses(each, topology).handles}
    return {one for one in handled if issubclass(one, Event)} - brought


def with_commands(topology: Deployment) -> set[type]:
    brought = {rule.rename or rule.event for rule in topology.rules}
    return {one for f in topology.functions for one in Uses(f, topology).handles} - brought


def without_topics(topology: Deployment) -> set[type[Event]]:
    return {
        one
        for function in topology.functions
        for one in Uses(function, topology).handles
        if issubclass(one, Event)
        and one not in {x.rename or x.event for x in topology.rules if x.target in function.queues}
    }


@pytest.mark.parametrize(
    "answer", [by_set, lambda topology: [one.__name__ for one in by_set(topology)]]
)
def test_what_nobody_brings(answer: Any) -> None:
    assert unheard(answer), unheard(answer)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (without_renaming, "A rule may rename"),
        (wherever, "it has to come to the function"),
        (without_topics, "nothing is handled and not brought"),
        (without_topics, "by the topics that it subscribes to"),
        (with_commands, "A command comes by a call"),
        (lambda topology: set(), "without the rule for PaymentInit"),
        (lambda topology: {events.PaymentInit}, "For each function"),
        (lambda topology: None, "types of events are asked for"),
        (lambda topology: "PaymentInit", "types of events are asked for"),
        (lambda topology: [1], "types of events are asked for"),
        (set(), "That is no function"),
    ],
)
def test_other_answers_to_what_nobody_brings(answer: Any, says: str) -> None:
    assert not unheard(answer)
    assert says in repr(unheard(answer))


def test_what_nobody_brings_strands_a_saga_in_some_run_or_leaves_its_user_untold() -> None:
    for rule in SOUND.rules:
        changed = replace(SOUND, rules=tuple(one for one in SOUND.rules if one is not rule))
        assert never_brought(changed)
        runs = [
            run(name, deployment=changed)
            for name in ("happy_path", "provider_error", "insufficient_funds")
        ]
        stranded = [done for done in runs if not all(verdict.held for verdict in done.verdicts())]
        untold = [done for done in runs if not any(map(tells_the_user, done.records))]
        assert untold if rule.target == "SNS Topic" else stranded, rule
    assert never_brought(SOUND) == set()


def tells_the_user(record: Record) -> bool:
    return isinstance(record.fact, Told) and record.fact.service == "Email Lambda"
