"""The inequalities between settings of different services that bite in production.

Each is between two numbers that different people set in different places. None of them is a law of
a run: a run may go well in spite of a broken one, until it is the wrong minute.
"""

from typing import TYPE_CHECKING, NamedTuple

from sagakit.contract.deployment import (
    FEWEST_RECEIVES,
    VISIBILITY_TIMES,
    Deployment,
    Function,
    Queue,
)
from sagakit.contract.timing import Milliseconds, duration
from sagakit.contract.validation import BadScenario, Validated

if TYPE_CHECKING:
    import pandas as pd

HOUR = 60 * 60 * 1_000  # ms
DAY = 24 * HOUR


class Horizons(Validated):
    """The times for which things are kept, in ms.

    queue          a message nobody handles (SQS: 4 days by default, at most 14)
    redrive        a dead letter is looked at and sent back within this time: the operator's promise
    inbox          that a message was handled; None for always
    provider_key   an Idempotency-Key at the provider (Stripe: at least 24 hours)

    Raises `BadScenario`, in words, for what is no length of time.
    """

    queue: Milliseconds = 4 * DAY
    redrive: Milliseconds = 12 * HOUR
    inbox: Milliseconds | None = None
    provider_key: Milliseconds = 24 * HOUR


class Inequality(NamedTuple):
    """One rule, for one place.

    rule         what it asks for
    held         whether it does
    detail       the two settings and their values
    consequence  what can happen where it is broken
    source       who says so
    """

    rule: str
    held: bool
    detail: str
    consequence: str
    source: str


def configuration(deployment: Deployment, horizons: Horizons | None = None) -> list[Inequality]:
    """Hold the settings of a deployment against one another, one row a rule and place."""
    if not isinstance(deployment, Deployment):
        raise BadScenario(f"give a Deployment, as payment_system() is, and not {deployment!r:.60}")
    horizons = horizons or Horizons()
    queues = {queue.name: queue for queue in deployment.queues}
    own = {each.name: [queues[name] for name in each.queues] for each in deployment.functions}
    found: list[Inequality] = []
    for function in deployment.functions:
        for queue in own[function.name]:
            found += [_visibility(function, queue), _receives(queue)]
    for function in deployment.functions:
        if function.client_timeout is not None:
            found.append(_client(function, function.client_timeout))
            found.append(_key(function, own[function.name], horizons))
    if deployment.queues and deployment.tables:
        found.append(_inbox(horizons))
    return found


def check_deployment(deployment: Deployment, horizons: Horizons | None = None) -> "pd.DataFrame":
    """Return the inequalities as a table, a row a rule and place, with the fields of `Inequality`.

    >>> from sagakit.payments.topology import Settings, payment_system
    >>> check_deployment(payment_system()).held.all().item()
    True
    >>> hasty = check_deployment(payment_system(Settings(provider_timeout=10_000)))
    >>> print(hasty.detail[~hasty.held].item())
    the client waits 10 s; Provider Gateway is cut off after 10 s
    """
    from sagakit.trace.tables import inequalities

    return inequalities(configuration(deployment, horizons))


def _visibility(function: Function, queue: Queue) -> Inequality:
    least = VISIBILITY_TIMES * function.timeout
    return Inequality(
        f"visibility timeout at least {VISIBILITY_TIMES} times the function's timeout",
        queue.visibility >= least,
        f"{queue.name} hides a message for {duration(queue.visibility)}; {function.name} may work "
        f"for {duration(function.timeout)}, so it needs at least {duration(least)}",
        "a message comes again while its first receive is still being handled or waits for room: "
        "the work is done twice, and the receives run out",
        "AWS Lambda Developer Guide, Using Lambda with Amazon SQS",
    )


def _receives(queue: Queue) -> Inequality:
    return Inequality(
        f"at least {FEWEST_RECEIVES} receives before a message is a dead letter",
        queue.receives >= FEWEST_RECEIVES,
        f"{queue.name} gives up after {queue.receives}",
        "a few crashes or a throttled minute send good messages to the dead letters, and their "
        "sagas stop",
        "AWS Lambda Developer Guide, Using Lambda with Amazon SQS",
    )


def _client(function: Function, waits: int) -> Inequality:
    return Inequality(
        "the provider's client gives up before the function is cut off",
        waits < function.timeout,
        f"the client waits {duration(waits)}; {function.name} is cut off after "
        f"{duration(function.timeout)}",
        "the function dies before it knows that there was no answer: no attempt is counted, no "
        "retry is planned, and after its last receive the message is a dead letter with its saga "
        "unended",
        "AWS Well-Architected Framework, REL05-BP05 Set client timeouts",
    )


def _inbox(horizons: Horizons) -> Inequality:
    longest = horizons.queue + horizons.redrive + horizons.queue
    kept = "always" if horizons.inbox is None else duration(horizons.inbox)
    return Inequality(
        "the inbox remembers longer than a message can come again",
        horizons.inbox is None or horizons.inbox > longest,
        f"the inbox keeps an id {kept}; a message may wait {duration(horizons.queue)} in its "
        f"queue, {duration(horizons.redrive)} among the dead letters, and then as long as before "
        "in its queue again",
        "a message that is sent back late is new to the inbox: a wallet is debited twice",
        "Amazon SQS Developer Guide, Dead-letter queues: a message that is sent back is a new one, "
        "and its retention begins anew",
    )


def _key(function: Function, queues: list[Queue], horizons: Horizons) -> Inequality:
    """Each attempt is a message of its own, and each of its receives may ask the provider."""
    redelivery = max((queue.receives * queue.visibility for queue in queues), default=0)
    attempts = function.client_attempts
    retries = attempts * redelivery + (attempts - 1) * function.client_delay
    longest = retries + horizons.redrive
    return Inequality(
        "the provider's key lives longer than the retries",
        horizons.provider_key > longest,
        f"the provider knows a key for {duration(horizons.provider_key)}; a payment may be asked "
        f"for {duration(retries)}, and {duration(horizons.redrive)} later as a dead letter that "
        f"was sent back",
        "the provider takes the retry for a new request: the user is charged twice",
        "Stripe API Reference, Idempotent requests: keys are kept at least 24 hours",
    )
