"""What AWS takes of a deployment's numbers: what it would refuse is told before it is asked."""

from sagakit.contract.deployment import Deployment
from sagakit.trace.trace import duration

LONGEST = 900_000  # ms that a function may take (Lambda, "Quotas")
MOST_BATCH = 10  # messages of SQS; more need a batching window, which the template does not set
MOST_AT_ONCE = 1_000  # invocations that a queue can be held to (Lambda: `MaximumConcurrency`)


class BadNumber(ValueError):
    """A number that AWS refuses: the text says which, and what it may be."""


def within_limits(deployment: Deployment) -> None:
    """Raises `BadNumber`."""
    visibilities = {queue.name: queue.visibility for queue in deployment.queues}
    for one in deployment.functions:
        if one.timeout > LONGEST:
            raise BadNumber(
                f"{one.name} may work for {duration(one.timeout)}: Lambda cuts a function off "
                f"after {duration(LONGEST)} at the latest"
            )
        if one.batch > MOST_BATCH:
            raise BadNumber(
                f"{one.name} takes batches of {one.batch}: at most {MOST_BATCH} can be deployed"
            )
        if one.queues and one.concurrency > MOST_AT_ONCE * len(one.queues):
            raise BadNumber(
                f"{one.name} runs {one.concurrency} at once: Lambda takes at most "
                f"{MOST_AT_ONCE} for each of its queues"
            )
        for queue in one.queues:
            if visibilities[queue] < one.timeout:
                raise BadNumber(
                    f"{queue} hides a message for {duration(visibilities[queue])}, and {one.name} "
                    f"may work for {duration(one.timeout)}: Lambda takes no queue that hides a "
                    f"message for less than that"
                )
