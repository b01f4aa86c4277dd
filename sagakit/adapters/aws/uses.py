"""What a service uses: the ports that it asks for when it is built, and no others."""

from sagakit.deployment import Deployment, Function
from sagakit.ports import handlers
from sagakit.sim.operations import (
    BusPort,
    CallerPort,
    ExternalPort,
    SimulatedPorts,
    StorePort,
)


class Uses(SimulatedPorts):
    """The stores, external parties and functions that a function's service reaches, in the order
    in which it asks for them, and whether it publishes events."""

    def __init__(self, function: Function, deployment: Deployment) -> None:
        super().__init__(function.name, deployment)
        self.stores: list[str] = []
        self.externals: list[str] = []
        self.callers: list[str] = []
        self.publishes = False
        self.handles = set(handlers(function.build(self)))
        self.publishes |= bool(self.stores)  # by the outbox

    def store(self, name: str) -> StorePort:
        self.stores += [name] if name not in self.stores else []
        return super().store(name)

    def external(self, name: str) -> ExternalPort:
        self.externals.append(name)
        return super().external(name)

    def caller(self, name: str) -> CallerPort:
        self.callers.append(name)
        return super().caller(name)

    @property
    def bus(self) -> BusPort:  # type: ignore[override]
        self.publishes = True
        return BusPort()
