"""A scenario's traffic on the emulator, to its end."""

from collections.abc import Callable, Iterator
from functools import partial

from sagakit.contract.deployment import Deployment
from sagakit.payments.topology import PROVIDER, payment_system
from sagakit.payments.wallet import Wallet
from sagakit.run import Run
from sagakit.scenarios.build import build_world
from sagakit.scenarios.scenario import QueuedText, Scenario
from sagakit.trace.trace import A_TEXT, Queued, Read, Record, Trace
from sagakit.worlds.aws.callers import USER_NAME
from sagakit.worlds.aws.parts import Resource, url_of
from sagakit.worlds.aws.publishing import number_of
from sagakit.worlds.aws.resources import Resources
from sagakit.worlds.aws.tables import Table
from sagakit.worlds.aws.template import template
from sagakit.worlds.emulator import dead_letters
from sagakit.worlds.emulator.clock import CLOCK
from sagakit.worlds.emulator.provider import Provider
from sagakit.worlds.emulator.stack import Stack

Change = Callable[[Resource], object]


def play(scenario: Scenario, resources: Resources, change: Change | None = None) -> Run:
    """Deploy the payment system as the scenario sets it, and run the scenario's traffic there.
    `change` is handed the template before it is deployed."""
    build_world(scenario)
    deployment = payment_system(scenario.settings)
    content = template(deployment, resources.prefix)
    if change is not None:
        change(content)
    records: list[Record] = []
    begun = CLOCK.now()
    provider = Provider(scenario, begun, records.append)
    try:
        stack = Stack(content, resources, {url_of(PROVIDER): provider.url}, records.append)
        _open(scenario, resources, records)
        for at, happens in sorted(_traffic(scenario, stack, deployment, records), key=_at):
            stack.run(begun + at)
            CLOCK.pass_until(begun + at)
            happens()
        stack.run()
    finally:
        provider.close()
    records += dead_letters.told(deployment.queues, resources, records)
    records = [record._replace(t=record.t - begun) for record in records]
    return Run(scenario, scenario.seed, Trace(deployment.participants(), records))


Happening = tuple[int, Callable[[], object]]


def _at(happening: Happening) -> int:
    return happening[0]


def _open(scenario: Scenario, resources: Resources, records: list[Record]) -> None:
    wallets = Table(resources, "Wallet DB", Wallet)
    for one in scenario.wallets:
        wallet = Wallet(one.user_id, one.balance, 1)
        wallets.put(wallet)
        note = Record(CLOCK.now(), "note", "Wallet DB", "Wallet DB", "opening")
        records.append(note._replace(detail=Read(wallet.key, wallet)))


def _traffic(
    scenario: Scenario, stack: Stack, deployment: Deployment, records: list[Record]
) -> Iterator[Happening]:
    """What happens, each with its time (ms)."""
    for payment in scenario.payments:
        post = payment.post()
        request = {
            "requestContext": {"authorizer": {"claims": {USER_NAME: payment.user_id}}},
            "headers": {"Idempotency-Key": post.idempotency_key},
            "body": post.body,
        }
        for at in payment.times:
            yield at, partial(stack.post, request)
    for text in scenario.texts:
        yield text.at, partial(_send, text, stack.resources, records)
    for redrive in scenario.redrives:
        queue = next(one for one in deployment.queues if one.name == redrive.queue)
        yield redrive.at, partial(dead_letters.redrive, queue, stack.resources, records)


def _send(text: QueuedText, resources: Resources, records: list[Record]) -> None:
    url = resources.queue_url(text.queue)
    sent = resources.client("sqs").send_message(QueueUrl=url, MessageBody=text.text)
    detail, now = Queued(number_of(sent["MessageId"]), 0, A_TEXT), CLOCK.now()
    records.append(
        Record(now, "async", "User", text.queue, "Queue (a text)", None, None, None, 0, detail)
    )
