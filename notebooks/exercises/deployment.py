"""Exercises of notebook 14: a deployment is read, mended, and checked, all as data.

Who hears what is read off from the deployment, and a test holds that against what its runs do. A
deployment that is mended is held against its inequalities, and is run with a slow provider.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

from sagakit.contract.deployment import Deployment, Function, Uses
from sagakit.contract.events import Event
from sagakit.contract.terminal import count
from sagakit.laws.configuration import configuration
from sagakit.payments.topology import Settings, payment_system
from sagakit.run import run
from sagakit.scenarios import Scenario, happy_path

from .evidence import listed, names, requests, short
from .grader import UNANSWERED, Cases, Feedback, exercise

GATEWAY = "Provider Gateway"
PATIENT = 12_000  # ms, the client's timeout that a slower provider asks for
SLOW = 11_000  # ms, for which that provider takes longer than usual
LONGEST = 900_000  # ms that an invocation may take on AWS Lambda

SLOWER = payment_system(Settings(provider_timeout=PATIENT))
"""The deployment with a client that waits longer; the rest is as it was."""

SLOW_DAY: Scenario = happy_path.but(
    name="slow_day",
    title="The provider takes 11 s longer than usual",
    provider=[{"behaviour": "slow", "delay": SLOW}],
    settings={"provider_timeout": PATIENT},
)


def heard_by(deployment: Deployment, event: type[Event]) -> set[str]:
    """The functions that a published event of this type comes to."""
    return {
        function.name
        for function in deployment.functions
        for rule in deployment.rules
        if rule.event is event and _feeds(deployment, rule.target, function)
    }


def never_brought(deployment: Deployment) -> set[type[Event]]:
    """The types of events that a function handles, and that no rule brings to it."""
    found: set[type[Event]] = set()
    for function in deployment.functions:
        brought = {
            rule.rename or rule.event
            for rule in deployment.rules
            if _feeds(deployment, rule.target, function)
        }
        handles = Uses(function, deployment).handles
        found |= {one for one in handles if issubclass(one, Event)} - brought
    return found


def _feeds(deployment: Deployment, target: str, function: Function) -> bool:
    """Return whether what is sent to the target, a queue or a topic, comes to the function."""
    topics = {topic.name: topic.subscribers for topic in deployment.topics}
    return target in function.queues or function.name in topics.get(target, ())


# Who hears an event.


def _changed() -> Iterator[tuple[str, Deployment]]:
    """The payment system, and changes of who hears what, in words."""
    sound = payment_system()
    yield "as it is", sound
    yield (
        "with one more rule",
        replace(sound, rules=(*sound.rules, sound.rules[0]._replace(target="Payment SQS"))),
    )
    topic = sound.topics[0]
    fewer = topic._replace(subscribers=topic.subscribers[:1])
    yield f"where {topic.name} has one subscriber", replace(sound, topics=(fewer,))
    yield "without a rule", replace(sound, rules=())


@exercise
def hears(answer: Callable[[Deployment, type[Event]], Any]) -> Cases:
    """A function of a deployment and a type of event: the set of the names of the functions that
    such an event comes to once it is published."""
    yield (
        not callable(answer) and "That is no function: begin it with `def hears(topology, event):`."
    )
    for what, deployment in _changed():
        for event in sorted(_types(), key=lambda one: one.__name__):
            said = answer(deployment, event)
            yield said is ... and UNANSWERED
            heard = names(said)
            yield heard is None and (
                (
                    f"For {event.__name__} it returns {short(said)}; the names of functions are "
                    f"asked for, in a set or a list."
                ),
                "A function's name is its `name`.",
            )
            if heard is not None and heard != (expected := heard_by(deployment, event)):
                return _other_functions(deployment, what, event, heard, expected)
    return (
        "So the diagram can be asked. Whoever publishes an event knows none of these names; they "
        "are in the rules, and nowhere else."
    )


def _types() -> set[type[Event]]:
    """All types of events that a rule names."""
    return {one for rule in payment_system().rules for one in (rule.event, rule.rename) if one}


def _other_functions(
    deployment: Deployment, what: str, event: type[Event], said: set[str], expected: set[str]
) -> Feedback:
    queues = {queue.name for queue in deployment.queues}
    topics = {topic.name for topic in deployment.topics}
    targets = {rule.target for rule in deployment.rules if rule.event is event}
    if said & (queues | topics):
        hint = "A queue or a topic hears nothing itself: which functions take messages from it?"
    elif any(rule.rename is event for rule in deployment.rules):
        hint = "That event is made by a rule, and published by nobody: only `rule.event` counts."
    elif expected - said and targets & topics:
        hint = "A rule may send to a topic. Whom does a topic pass its messages to?"
    else:
        hint = "Follow the arrows: the event's rules, their targets, and who takes from those."
    return Feedback(
        False,
        f"In the payment system {what}, {event.__name__} comes to "
        f"{listed(sorted(expected), 'nobody')}; your function says "
        f"{listed(sorted(said), 'nobody')}.",
        hint,
    )


# A slower provider.


@exercise
def patient(answer: Deployment) -> Cases:
    """`slower`, changed so that every inequality holds: in other numbers of the functions and of
    the queues, and nothing else. The client goes on waiting for 12 s."""
    yield not isinstance(answer, Deployment) and (
        f"A Deployment is asked for, and this is of type {type(answer).__name__}.",
        "It begins like this: replace(slower, functions=..., queues=...)",
    )
    yield (other := _beyond_numbers(answer)) and (
        other,
        "Begin with `slower`, and change its numbers alone.",
    )
    for function in answer.functions:
        yield (
            function.timeout > LONGEST
            and f"{function.name} may work for longer than AWS allows (900 s)."
        )
    broken = [inequality for inequality in configuration(answer) if not inequality.held]
    yield broken and (
        (
            f"One inequality is broken: {broken[0].detail}."
            if len(broken) == 1
            else f"{len(broken)} inequalities are broken. The first: {broken[0].detail}."
        ),
        f"What can happen: {broken[0].consequence}.",
    )
    done = run(SLOW_DAY, deployment=answer)
    if (status := done.payments.status.item()) != "COMPLETED" or len(requests(done)) != 1:
        return Feedback(
            False,
            f"Every inequality holds, but on a slow day the payment is {status} after "
            f"{count(len(requests(done)), 'request')} to the provider.",
            "Which number cuts the request off?",
            trace=done.records,
        )
    return (
        "One request to a provider that takes 11 s longer than usual, and one answer. One number "
        "has moved three others: a function's timeout, and the visibility timeouts of two queues."
    )


def _beyond_numbers(answer: Deployment) -> str:
    """In words, what was changed besides the functions' timeouts and the queues' numbers."""
    given, changed = _fixed(SLOWER), _fixed(answer)
    for what, was in given.items():
        if what not in changed:
            return f"{what} is not there any more."
        if changed[what] != was:
            return f"{what} is now {changed[what]!r}; it was {was!r}."
    more = [what for what in changed if what not in given]
    return f"{more[0]} is new." if more else ""


FIXED = ("queues", "retry_queue", "client_timeout", "client_attempts", "client_delay", "batch")


def _fixed(deployment: Deployment) -> dict[str, Any]:
    """Return what an answer leaves as it is."""
    fixed: dict[str, Any] = {}
    for function in deployment.functions:
        fixed[f"The function {function.name}"] = True
        for what in FIXED:
            fixed[f"The {what} of {function.name}"] = getattr(function, what)
    for queue in deployment.queues:
        fixed[f"The queue {queue.name}"] = True
    for rule in deployment.rules:
        fixed[f"The rule for {rule.event.__name__}"] = rule.target
    return fixed


# What nobody brings.


@exercise
def unheard(answer: Callable[[Deployment], Any]) -> Cases:
    """A function of a deployment: the set of the types of events that one of its functions handles,
    and that no rule brings there."""
    yield not callable(answer) and "That is no function: begin it with `def unheard(topology):`."
    for what, deployment in _miswired():
        said = answer(deployment)
        yield said is ... and UNANSWERED
        names = _event_types(said)
        expected = {one.__name__ for one in never_brought(deployment)}
        yield names is None and (
            f"It returns {short(said)}; types of events are asked for, in a set or a list.",
            "`Uses(function, topology).handles` is a set of types. Some of them are commands.",
        )
        if names is not None and names != expected:
            return _other_events(what, names, expected)
    return (
        "It finds each rule that is missing, before a run does, and before a customer does. Put "
        "beside `check_deployment(topology)`, it can stand in a test."
    )


def _miswired() -> Iterator[tuple[str, Deployment]]:
    """The payment system, and what can be wrong with its rules, in words."""
    sound = payment_system()
    yield "as it is", sound
    for index, rule in enumerate(sound.rules):
        others = (*sound.rules[:index], *sound.rules[index + 1 :])
        yield f"without the rule for {rule.event.__name__}", replace(sound, rules=others)
        if rule.rename:
            plain = rule._replace(rename=None)
            yield (
                f"where the rule for {rule.event.__name__} does not rename",
                replace(sound, rules=(*others, plain)),
            )
    first = sound.rules[0]
    wrong = first._replace(target="Payment SQS")
    yield (
        f"where the rule for {first.event.__name__} sends to {wrong.target}",
        replace(sound, rules=(wrong, *sound.rules[1:])),
    )
    topic = sound.topics[0]
    fewer = topic._replace(subscribers=topic.subscribers[1:])
    yield f"where {topic.subscribers[0]} is no subscriber", replace(sound, topics=(fewer,))


def _event_types(said: Any) -> set[str] | None:
    if isinstance(said, str) or not isinstance(said, Iterable):
        return None
    found = list(said)
    if not all(isinstance(one, type | str) for one in found):
        return None
    return {one if isinstance(one, str) else one.__name__ for one in found}


def _other_events(what: str, said: set[str], expected: set[str]) -> Feedback:
    sound = payment_system()
    commands = {one.__name__ for each in sound.functions for one in Uses(each, sound).commands}
    topics = {topic.name for topic in sound.topics}
    if said & commands:
        hint = "A command comes by a call, and by no rule: `issubclass(one, Event)` tells them."
    elif said - expected == {"ProviderPaymentInit"}:
        hint = "A rule may rename what it brings: `rule.rename or rule.event`."
    elif expected - said:
        hint = (
            "That a rule takes an event somewhere is not enough: it has to come to the function "
            "that handles it, by a queue or by a topic."
        )
    elif any(rule.event.__name__ in said and rule.target in topics for rule in sound.rules):
        hint = "A function is fed by its queues, and by the topics that it subscribes to."
    else:
        hint = "For each function: what it handles, without what the rules bring to it."
    return Feedback(
        False,
        f"In the payment system {what}, {listed(sorted(expected), 'nothing')} is handled and "
        f"not brought; your function says {listed(sorted(said), 'nothing')}.",
        hint,
    )
