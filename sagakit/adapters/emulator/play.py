"""A scenario's traffic on the emulator, to its end."""

from dataclasses import replace

from sagakit.adapters.aws.callers import USER_NAME
from sagakit.adapters.aws.handling import now
from sagakit.adapters.aws.publishing import number_of
from sagakit.adapters.aws.resources import Resources
from sagakit.adapters.emulator import dead_letters
from sagakit.adapters.emulator.provider import Provider
from sagakit.adapters.emulator.stack import VISIBILITY, Stack
from sagakit.events import encode
from sagakit.payments.topology import PROVIDER, payment_system
from sagakit.payments.wallet import Wallet
from sagakit.run import Run
from sagakit.scenarios.scenario import QueuedText, Scenario
from sagakit.sim.trace import Queued, Read, Record, Trace


def play(scenario: Scenario, resources: Resources) -> Run:
    """Run a scenario's traffic on a new stack of the emulator. Times are not kept: all of it comes
    at once, and redrives come when nothing else is left to happen."""
    deployment = payment_system(scenario.settings)
    queues = tuple(replace(queue, visibility=VISIBILITY) for queue in deployment.queues)
    deployment = replace(deployment, queues=queues)
    stack = Stack(deployment, resources)
    stack.create()
    provider = Provider(scenario, stack.records.append)
    resources.client("secretsmanager").create_secret(
        Name=resources.called(PROVIDER),
        SecretString=encode({"url": provider.url, "token": "of a test"}),
    )
    wallets = stack.functions["Wallet Service"].tables["Wallet DB"]
    for one in scenario.wallets:
        wallet = Wallet(one.user_id, one.balance, 1)
        wallets.put(wallet)
        note = Record(now(), "note", "Wallet DB", "Wallet DB", "opening")
        stack.records.append(note._replace(detail=Read(wallet.key, wallet)))
    for payment in scenario.payments:
        request = {
            "requestContext": {"authorizer": {"claims": {USER_NAME: payment.user_id}}},
            "headers": {"Idempotency-Key": payment.idempotency_key},
            "body": encode({"user_id": payment.user_id, "amount": payment.amount}),
        }
        for _ in (0, *payment.repeats):
            stack.functions["API Gateway"](request)
    for text in scenario.texts:
        _send(stack, text)
    try:
        stack.run()
        dead_letters.tell(stack)
        for redrive in scenario.redrives:
            dead_letters.redrive(stack, redrive.queue)
            stack.run()
            dead_letters.tell(stack)
    finally:
        provider.close()
    begun = min(record.t for record in stack.records)
    records = [record._replace(t=record.t - begun) for record in stack.records]
    return Run(scenario, scenario.seed, Trace(deployment.participants(), records))


def _send(stack: Stack, text: QueuedText) -> None:
    url = stack.resources.queue_url(text.queue)
    sent = stack.sqs.send_message(QueueUrl=url, MessageBody=text.text)
    detail = Queued(number_of(sent["MessageId"]), 0, "not understood")
    stack.records.append(
        Record(now(), "async", "User", text.queue, "Queue (a text)", None, None, None, 0, detail)
    )
