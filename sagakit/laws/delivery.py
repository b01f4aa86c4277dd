"""Laws about messages: what becomes of each."""

from collections import Counter

from sagakit.laws.facts import Facts
from sagakit.laws.verdict import Breach, Found, count


def no_silent_drop(facts: Facts) -> Found:
    """Every message ends handled, waiting, or in a dead-letter queue with its reason.

    A request that is turned down is handled, by the event that says so. Dropped is what the bus
    loses or never delivers; what is acknowledged by a handler that took no step for it; and a dead
    letter without a reason.
    """
    breaches = []
    messages = facts.messages
    for seen in messages.lost:
        text = f"{seen.record.event} of {seen.record.correlation_id} was lost on its way to "
        breaches.append(Breach(seen.place, f"{text}{seen.record.target} {seen}"))
    if facts.ended:
        for (_, target), seen in messages.on_the_bus.items():
            text = f"{seen.record.event} of {seen.record.correlation_id} was published {seen} and "
            breaches.append(Breach(seen.place, f"{text}never came to {target}"))
    answered = {(one.record.source, one.detail.causation_id) for one in facts.published}
    for seen in messages.shrugs:
        service, queue = seen.record.source, seen.record.target
        if (service, seen.record.event_id) not in answered:
            text = f"{service} acknowledged message {seen.detail.message_id} of {queue} {seen} "
            breaches.append(Breach(seen.place, f"{text}without taking a single step for it"))
    for number, mail in messages.mail.items():
        if mail.state == "dead" and not mail.reason:
            text = f"message {number} of {mail.queue} became a dead letter {mail.last} and nothing "
            breaches.append(Breach(mail.last.place, f"{text}says why"))
    states = Counter(mail.state for mail in messages.mail.values())
    looked_at = f"{count(len(messages.mail), 'message')}: {states['done']} handled, "
    looked_at += f"{states['waiting']} waiting, {count(states['dead'], 'dead letter')}"
    return breaches, looked_at
