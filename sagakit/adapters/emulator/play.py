"""A scenario's traffic on the emulator, to its end."""

from collections.abc import Callable

from sagakit.adapters.aws.callers import USER_NAME
from sagakit.adapters.aws.handling import now
from sagakit.adapters.aws.parts import Resource, url_of
from sagakit.adapters.aws.publishing import number_of
from sagakit.adapters.aws.resources import Resources
from sagakit.adapters.aws.tables import Table
from sagakit.adapters.aws.template import template
from sagakit.adapters.emulator import dead_letters
from sagakit.adapters.emulator.provider import Provider
from sagakit.adapters.emulator.stack import Stack
from sagakit.deployment import Deployment
from sagakit.payments.topology import PROVIDER, payment_system
from sagakit.payments.wallet import Wallet
from sagakit.run import Run
from sagakit.scenarios.scenario import QueuedText, Scenario
from sagakit.scenarios.stage import stage
from sagakit.sim.trace import A_TEXT, Queued, Read, Record, Trace

Change = Callable[[Resource], object]


def play(scenario: Scenario, resources: Resources, change: Change | None = None) -> Run:
    """Deploy the payment system as the scenario sets it, and run the scenario's traffic there.
    Times are not kept: all of it comes at once, and redrives come when nothing else is left to
    happen. `change` is handed the template before it is deployed."""
    stage(scenario)
    deployment = payment_system(scenario.settings)
    content = template(deployment, resources.prefix)
    if change is not None:
        change(content)
    records: list[Record] = []
    provider = Provider(scenario, records.append)
    try:
        stack = Stack(content, resources, {url_of(PROVIDER): provider.url}, records.append)
        _traffic(scenario, stack, records)
        _to_the_end(scenario, stack, deployment, records)
    finally:
        provider.close()
    begun = min(record.t for record in records)
    records = [record._replace(t=record.t - begun) for record in records]
    return Run(scenario, scenario.seed, Trace(deployment.participants(), records))


def _traffic(scenario: Scenario, stack: Stack, records: list[Record]) -> None:
    wallets = Table(stack.resources, "Wallet DB", Wallet)
    for one in scenario.wallets:
        wallet = Wallet(one.user_id, one.balance, 1)
        wallets.put(wallet)
        note = Record(now(), "note", "Wallet DB", "Wallet DB", "opening")
        records.append(note._replace(detail=Read(wallet.key, wallet)))
    for payment in scenario.payments:
        post = payment.post()
        request = {
            "requestContext": {"authorizer": {"claims": {USER_NAME: payment.user_id}}},
            "headers": {"Idempotency-Key": post.idempotency_key},
            "body": post.body,
        }
        for _ in payment.times:
            stack.post(request)
    records += [_sent(text, stack.resources) for text in scenario.texts]


def _sent(text: QueuedText, resources: Resources) -> Record:
    url = resources.queue_url(text.queue)
    sent = resources.client("sqs").send_message(QueueUrl=url, MessageBody=text.text)
    detail = Queued(number_of(sent["MessageId"]), 0, A_TEXT)
    return Record(now(), "async", "User", text.queue, "Queue (a text)", None, None, None, 0, detail)


def _to_the_end(
    scenario: Scenario, stack: Stack, deployment: Deployment, records: list[Record]
) -> None:
    stack.run()
    records += dead_letters.told(deployment.queues, stack.resources, records)
    for redrive in scenario.redrives:
        queue = next(one for one in deployment.queues if one.name == redrive.queue)
        records += dead_letters.redriven(queue, stack.resources)
        stack.run()
        records += dead_letters.told(deployment.queues, stack.resources, records)
