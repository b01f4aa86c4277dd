"""Laws about events: each stands for a change that was committed, and has a cause."""

from collections import defaultdict

from sagakit.laws.facts import Facts
from sagakit.laws.messages import Seen
from sagakit.laws.verdict import Breach, Found, count


def no_ghost_nothing_lost(facts: Facts) -> Found:
    """An event is published exactly when its state change was committed.

    No ghost: a service publishes nothing that is not in the outbox of an earlier commit, and
    nothing more often than it was committed. Nothing lost: all that is in an outbox is published.
    What a lost store had committed after its snapshot and not yet published was never seen by
    anyone, and does not count as committed: its cause is answered again.
    """
    breaches = []
    committed: dict[str, list[Seen]] = defaultdict(list)
    for seen in facts.answers:
        for event_id in seen.record.detail.outbox:
            committed[event_id].append(seen)
    for event_id, times in facts.publications.items():
        commits = committed.get(event_id, [])
        for number, seen in enumerate(times):
            before = sum(commit.place < seen.place for commit in commits)
            what = f"{seen.record.event} of {seen.record.correlation_id} was published {seen}"
            if not before:
                breaches.append(Breach(seen.place, f"a ghost: {what}, but no commit has it"))
            elif number >= before:
                text = f"{what}, and before that {times[number - 1]}, for one commit {commits[0]}"
                breaches.append(Breach(seen.place, text))
    unpublished = [
        (commits[-1], event_id)
        for event_id, commits in committed.items()
        if event_id not in facts.publications
    ]
    looked_at = f"{count(len(facts.published), 'event')} published, {len(committed)} committed"
    if not facts.ended:
        if unpublished:
            looked_at += f"; the run was cut short with {len(unpublished)} to be published"
    else:
        for seen, event_id in unpublished:
            record = seen.record
            text = f"lost: what {record.correlation_id} committed to {record.source} {seen} was to "
            breaches.append(Breach(seen.place, f"{text}publish event {event_id}, and never did"))
    return breaches, looked_at


def causality(facts: Facts) -> Found:
    """Each event's cause is an earlier event of the same saga, or, for its first, the saga itself.

    An event counts from where it first occurs: published, or in a text that came from outside.
    """
    breaches = []
    events = (*facts.published, *facts.renamed)
    for seen in events:
        record, cause = seen.record, seen.record.detail.causation_id
        what = f"{record.event} of {record.correlation_id} {seen}"
        if cause == record.correlation_id:
            continue
        index, saga = facts.first_seen.get(cause, (seen.place, None))
        if index >= seen.place:
            text = f"{what} names {cause} as its cause, which is no earlier event"
            breaches.append(Breach(seen.place, text))
        elif saga != record.correlation_id:
            text = f"{what} has its cause in another saga: {cause} is of {saga}"
            breaches.append(Breach(seen.place, text))
    sagas = {seen.record.correlation_id for seen in events}
    looked_at = f"{count(len(events), 'event')} of {count(len(sagas), 'saga')}"
    return breaches, looked_at


def idempotence(facts: Facts) -> Found:
    """Handling a message twice leaves the same state and the same event ids as handling it once.

    No message is answered by two commits of one store, no event is committed twice, no event id is
    published with two payloads, and one publisher makes of one cause no second event of a type in
    a later commit.
    """
    breaches = []
    answered: dict[tuple[str, str], Seen] = {}
    committed: dict[str, Seen] = {}
    for seen in facts.answers:
        record, written = seen.record, seen.record.detail
        if written.handled is not None:
            first = answered.setdefault((record.source, written.handled), seen)
            if first is not seen:
                text = f"message {written.handled} of {record.correlation_id} was answered in "
                text += f"{record.source} {first} and again {seen}"
                breaches.append(Breach(seen.place, text))
        for event_id in written.outbox:
            first = committed.setdefault(event_id, seen)
            if first is not seen:
                text = f"{record.correlation_id} committed event {event_id} to {record.source} "
                breaches.append(Breach(seen.place, f"{text}{first} and again {seen}"))

    payloads: dict[str | None, Seen] = {}
    made: dict[tuple[str, str, str | None], Seen] = {}
    for seen in facts.published:
        record, published = seen.record, seen.record.detail
        what = f"{record.event} of {record.correlation_id}"
        first = payloads.setdefault(record.event_id, seen)
        if first.detail.payload != published.payload:
            text = f"{what} was published with one payload {first} and with another {seen}"
            breaches.append(Breach(seen.place, text))
        first = made.setdefault((record.source, published.causation_id, record.event), seen)
        if record.event_id != first.record.event_id and not _together(committed, first, seen):
            text = f"{record.source} made two of one cause: {what} {first}, and with another id "
            breaches.append(Breach(seen.place, f"{text}{seen}"))
    again = sum(number > 1 for number in facts.messages.deliveries.values())
    looked_at = f"{count(len(answered), 'message')} answered; {again} came more than once"
    return breaches, looked_at


def _together(committed: dict[str, Seen], one: Seen, other: Seen) -> bool:
    """Whether one commit has both events."""
    commit = committed.get(one.record.event_id or "")
    return commit is not None and commit == committed.get(other.record.event_id or "")
