"""Disasters at every moment: the store is lost, and rebuilt from a snapshot, whenever that may be.

A recovery reads a snapshot and a history, so what matters is how the moments of the snapshot and
of the loss lie to what the store wrote and to what was published of it. Each pair of such moments
is one run; the messages come in the order in which they come.
"""

from collections.abc import Iterator, Mapping

from sagakit.contract.faults import Loss
from sagakit.payments.topology import Service
from sagakit.run import Run, run
from sagakit.scenarios import Recovery, Scenario
from sagakit.trace.trace import Published, Written

STORE = "Wallet DB"
OWNER = "Wallet Service"
LATER = 1  # ms from the loss to the recovery


def disasters(scenario: Scenario, services: Mapping[str, Service] | None) -> Iterator[Run]:
    """The runs in which the store is lost and rebuilt: earlier losses first."""
    moments = _moments(scenario)
    for lost_at in moments:
        for snapshot_at in moments:
            if snapshot_at < lost_at:
                recovery = Recovery(snapshot_at=snapshot_at, start_at=lost_at + LATER)
                loss = Loss(store=STORE, at=lost_at)
                yield run(scenario.but(faults=(loss,), recovery=recovery), services=services)


def _moments(scenario: Scenario) -> list[int]:
    """Before the first write, and just after each write of the store and each publication of its
    owner, in a run in which nothing is lost."""
    peaceful = run(scenario.but(faults=(), recovery=None)).records
    moments = {0}
    for record in peaceful:
        written = record.source == STORE and isinstance(record.detail, Written)
        published = record.source == OWNER and isinstance(record.detail, Published)
        if written or published:
            moments.add(record.t + 1)
    return sorted(moments)
