"""A flaw, with all that it takes to show it."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from sagakit.explore import Exploration, explore
from sagakit.payments.topology import Service
from sagakit.scenarios import Scenario


class Flaw(NamedTuple):
    """One flaw of the zoo.

    name      what it is called, as its module is
    origin    where it comes from
    law       the law that it breaks, as `Run.check()` calls it
    scenario  the smallest one that shows it
    budget    the fewest faults that show it, as `explore` takes them
    services  the flawed service, by the name of the sound one whose place it takes
    repair    what to do instead
    """

    name: str
    origin: str
    law: str
    scenario: Scenario
    budget: Mapping[str, Any]
    services: Mapping[str, Service]
    repair: str

    def explore(self, **choice: Any) -> Exploration:
        """Explore the flawed service within the flaw's budget; `choice` is `explore`'s."""
        return explore(self.scenario, **{"services": self.services, **self.budget, **choice})
