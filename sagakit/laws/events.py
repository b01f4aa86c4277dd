"""Laws about events and messages: each event stands for a commit, has a cause, and arrives."""

from collections import Counter, defaultdict

from sagakit.contract.terminal import count
from sagakit.laws.evidence import Breach, Evidence, Found
from sagakit.trace.facts import Renamed, Seen


def no_ghost_nothing_lost(evidence: Evidence) -> Found:
    """An event is published exactly when its state change was committed.

    No ghost: a service publishes nothing that is not in the outbox of an earlier commit, and
    nothing more often than it was committed. Nothing lost: all that is in an outbox is published.
    What a lost store had committed after its snapshot and not yet published was never seen by
    anyone, and does not count as committed: its cause is answered again.
    """
    breaches = []
    committed: dict[str, list[Seen]] = defaultdict(list)
    for seen in evidence.answers:
        for event_id in seen.fact.outbox:
            committed[event_id].append(seen)
    for event_id, times in evidence.publications.items():
        commits = committed.get(event_id, [])
        for number, publication in enumerate(times):
            before = sum(commit.position < publication.position for commit in commits)
            text = f"{publication.what} was published {publication}"
            if not before:
                breaches.append(
                    Breach(publication.position, f"a ghost: {text}, but no commit has it")
                )
            elif number >= before:
                text += f", and before that {times[number - 1]}, for one commit {commits[0]}"
                breaches.append(Breach(publication.position, text))
    unpublished = [
        (commits[-1], event_id)
        for event_id, commits in committed.items()
        if event_id not in evidence.publications
    ]
    looked_at = f"{count(len(evidence.published), 'event')} published, {len(committed)} committed"
    if not evidence.ended:
        if unpublished:
            looked_at += f"; the run was cut short with {len(unpublished)} to be published"
    else:
        for seen, event_id in unpublished:
            text = f"lost: what {seen.record.saga} committed to {seen.fact.store} {seen} was to "
            breaches.append(Breach(seen.position, f"{text}publish event {event_id}, and never did"))
    return breaches, looked_at


def causality(evidence: Evidence) -> Found:
    """Each event's cause is an earlier event of the same saga, or, for its first, the saga itself.

    An event counts from where it first occurs: published, or in a text that came from outside.
    """
    breaches = []
    events = (*evidence.published, *evidence.of(Renamed))
    for event in events:
        cause, own_saga = event.fact.causation_id, event.record.saga
        if cause == own_saga:
            continue
        index, saga = evidence.first_seen.get(cause, (event.position, None))
        if index >= event.position:
            text = f"{event.what} {event} names {cause} as its cause, which is no earlier event"
            breaches.append(Breach(event.position, text))
        elif saga != own_saga:
            text = f"{event.what} {event} has its cause in another saga: {cause} is of {saga}"
            breaches.append(Breach(event.position, text))
    sagas = {event.record.saga for event in events}
    return breaches, f"{count(len(events), 'event')} of {count(len(sagas), 'saga')}"


def idempotence(evidence: Evidence) -> Found:
    """Handling a message twice leaves the same state and the same event ids as handling it once.

    No message is answered by two commits of one store, no event is committed twice, no event id is
    published with two payloads, and one publisher makes of one cause no second event of a type in
    a later commit.
    """
    breaches = []
    answered: dict[tuple[str, str], Seen] = {}
    committed: dict[str, Seen] = {}
    for seen in evidence.answers:
        saga, commit = seen.record.saga, seen.fact
        if commit.handled is not None:
            first = answered.setdefault((commit.store, commit.handled), seen)
            if first is not seen:
                text = f"message {commit.handled} of {saga} was answered in {commit.store} {first} "
                breaches.append(Breach(seen.position, f"{text}and again {seen}"))
        for event_id in commit.outbox:
            first = committed.setdefault(event_id, seen)
            if first is not seen:
                text = f"{saga} committed event {event_id} to {commit.store} {first} and again "
                breaches.append(Breach(seen.position, f"{text}{seen}"))
    breaches += _published_differently(evidence, committed)
    again = sum(number > 1 for number in evidence.messages.deliveries.values())
    looked_at = f"{count(len(answered), 'message')} answered; {again} came more than once"
    return breaches, looked_at


def _published_differently(evidence: Evidence, committed: dict[str, Seen]) -> list[Breach]:
    breaches = []
    payloads: dict[str | None, Seen] = {}
    made: dict[tuple[str, str, str], Seen] = {}
    for event in evidence.published:
        first = payloads.setdefault(event.record.event_id, event)
        if first.fact.payload != event.fact.payload:
            text = f"{event.what} was published with one payload {first} and with another {event}"
            breaches.append(Breach(event.position, text))
        cause = event.fact.source, event.fact.causation_id, event.fact.event
        first = made.setdefault(cause, event)
        if event.record.event_id != first.record.event_id:
            commit = committed.get(event.record.event_id or "")
            if commit is None or commit != committed.get(first.record.event_id or ""):
                text = f"{event.fact.source} made two of one cause: {event.what} {first}, and with "
                breaches.append(Breach(event.position, f"{text}another id {event}"))
    return breaches


def no_silent_drop(evidence: Evidence) -> Found:
    """Every message ends handled, waiting, or in a dead-letter queue with its reason.

    A request that is turned down is handled, by the event that says so. Dropped is what the bus
    loses or never delivers; what is acknowledged by a handler that took no step for it; and a dead
    letter without a reason.
    """
    breaches = []
    messages = evidence.messages
    for seen in messages.lost:
        target = getattr(seen.fact, "target", None) or seen.fact.queue
        text = f"{seen.what} was lost on its way to {target} {seen}"
        breaches.append(Breach(seen.position, text))
    if evidence.ended:
        for (_, target), seen in messages.on_the_bus.items():
            text = f"{seen.what} was published {seen} and never came to {target}"
            breaches.append(Breach(seen.position, text))
    answered = {(event.fact.source, event.fact.causation_id) for event in evidence.published}
    for seen in messages.idle:
        if (seen.fact.service, seen.record.event_id) not in answered:
            text = f"{seen.fact.service} acknowledged message {seen.fact.message_id} of "
            text += f"{seen.fact.queue} {seen} without taking a single step for it"
            breaches.append(Breach(seen.position, text))
    states: Counter[str] = Counter()
    for message_id, message in messages.by_id.items():
        state = "done" if message.handled else message.state
        states[state] += 1
        if state == "dead" and not message.reason:
            text = f"message {message_id} of {message.queue} became a dead letter {message.last} "
            breaches.append(Breach(message.last.position, f"{text}and nothing says why"))
    looked_at = f"{count(len(messages.by_id), 'message')}: {states['done']} handled, "
    looked_at += f"{states['waiting']} waiting, {count(states['dead'], 'dead letter')}"
    return breaches, looked_at
