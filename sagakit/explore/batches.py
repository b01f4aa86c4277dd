"""Batches in every order: what waits for the wallet service comes as one batch, in each order.

Which message stands before which in a batch is chance, and if failures are not reported it decides
what comes again. Each order of a scenario's payments and texts is one run: the service is out of
reach until all of them wait.
"""

from collections.abc import Iterator, Mapping
from itertools import permutations

from sagakit.contract.faults import Outage
from sagakit.payments.topology import Service
from sagakit.run import Run, run
from sagakit.scenarios import Scenario
from sagakit.scenarios.build import INSTANT

OWNER = "Wallet Service"


def batches(scenario: Scenario, services: Mapping[str, Service] | None) -> Iterator[Run]:
    """The runs in which all messages come as one batch: in the scenario's order first."""
    arriving = (*scenario.payments, *scenario.texts)
    for order in permutations(range(len(arriving))):
        moved = [one.model_copy(update={"at": at}) for at, one in zip(order, arriving, strict=True)]
        ordered = scenario.but(
            payments=moved[: len(scenario.payments)],
            texts=moved[len(scenario.payments) :],
            faults=(Outage(participant=OWNER, start=0, end=len(arriving)),),
            timing=INSTANT,
        )
        yield run(ordered, services=services)
