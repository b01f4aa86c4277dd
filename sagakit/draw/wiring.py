"""A deployment in words: its title, and what its picture shows."""

from collections.abc import Iterator, Sequence

from sagakit.contract.deployment import Deployment
from sagakit.draw.blocks import Block, Row
from sagakit.trace.trace import duration

OUTBOX, DIRECTLY = "published by the outbox", "published directly"


def heading(deployment: Deployment) -> str:
    """A title made from the deployment: how many parts it has."""
    counts = [
        (len(deployment.functions), "function"),
        (len(deployment.queues), "queue"),
        (len(deployment.rules), "rule"),
        (len(deployment.topics), "topic"),
        (len(deployment.tables), "table"),
    ]
    said = [f"{many} {what}" + "s" * (many > 1) for many, what in counts if many]
    return f"Deployment: {', '.join(said)}"


def named(commands: Sequence[type]) -> str:
    return " or ".join(one.__name__ for one in commands)


def alternative(deployment: Deployment, rows: Sequence[Row], title: str) -> str:
    """The same as the picture: a sentence a function, a queue, a topic and a rule."""
    said = [f"{title}."]
    for row in rows:
        where = f"{row.domain}: " if row.domain else ""
        said += [where + line for block in row.blocks for line in _told(block)]
        for one in row.topics:
            dead = f"; what is undelivered goes to {one.dead.name}" if one.dead else ""
            said.append(
                f"{where}{one.part.name} passes each message to {', '.join(one.subscribers)}{dead}."
            )
    for rule in deployment.rules:
        renamed = f" as {rule.rename.__name__}" if rule.rename else ""
        said.append(f"{deployment.bus} sends {rule.event.__name__} to {rule.target}{renamed}.")
    return "\n".join(said)


def _told(block: Block) -> Iterator[str]:
    function, uses = block.function, block.uses
    does = []
    if block.feeds:
        queues = " and ".join(feed.part.name for feed in block.feeds)
        batches = f"batches of {function.batch} " if block.part.numbers else ""
        does.append(f"takes {batches}from {queues}")
    if asking := [part.name for part in block.parties if part.kind == "actor" and uses.commands]:
        does.append(f"is asked for {named(uses.commands)} by {asking[0]}")
    does += [f"calls {other}" for other in uses.callers]
    waits = function.client_timeout
    patience = f" (client timeout {duration(waits)})" if waits and block.part.numbers else ""
    does += [f"calls {other}{patience}" for other in uses.externals]
    drawn = [part.name for part in block.parties]
    does += [f"tells {other}" for other in uses.people if other in drawn]
    if function.retry_queue and block.part.numbers:
        does.append(f"puts what is delayed in {function.retry_queue}")
    if block.stores:
        does.append(f"uses {', '.join(store.name for store in block.stores)}")
    if block.publishes:
        does.append("its events are " + (OUTBOX if block.owned else DIRECTLY))
    numbers = f" ({block.part.numbers})" if block.part.numbers else ""
    yield f"{function.name}{numbers} {'; '.join(does) or 'stands alone'}."
    for feed in block.feeds:
        if feed.dead:
            yield (
                f"{feed.part.name} ({feed.part.numbers}) gives up into {feed.dead.name} "
                f"{feed.gives_up}."
            )
