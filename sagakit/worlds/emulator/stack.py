"""A stack on the emulator, made from its template, with the functions that were deployed."""

from pkgutil import resolve_name
from typing import Any

from sagakit.worlds.aws.functions import Function
from sagakit.worlds.aws.handling import Write
from sagakit.worlds.aws.lambdas import made
from sagakit.worlds.aws.parts import Resource
from sagakit.worlds.aws.resources import Misconfigured, Resources
from sagakit.worlds.emulator.clock import CLOCK
from sagakit.worlds.emulator.deploy import Source, deploy
from sagakit.worlds.emulator.pump import Pump
from sagakit.worlds.emulator.roles import Role, RoleResources

POLLS = {
    "sqs": ["ReceiveMessage", "DeleteMessage", "GetQueueAttributes"],
    "dynamodb": ["DescribeStream", "GetRecords", "GetShardIterator", "ListStreams"],
}  # what a role has to allow, or Lambda refuses the mapping ("Lambda execution role")


class Stack:
    """Deploys a template. `parameters` are the template's, but for those of the code; `write` takes
    what its functions tell.

    Raises `Misconfigured` for what AWS would refuse.
    """

    def __init__(
        self, content: Resource, resources: Resources, parameters: dict[str, str], write: Write
    ) -> None:
        self.resources = resources
        self._write = write
        deployed = deploy(content, resources, parameters)
        self._entrance = deployed.entrance
        self._roles = {name: Role.of(one, resources) for name, one in deployed.functions.items()}
        for source in (*deployed.queues, *deployed.streams):
            self._polls(source)
        self._functions: dict[str, Function] = {}
        for name, one in deployed.functions.items():
            self._functions[name] = self._function(name, one)
        self._pump = Pump(deployed, self._functions, resources)

    def _polls(self, source: Source) -> None:
        service = source.arn.split(":")[2]
        for action in POLLS[service]:
            if not self._roles[source.function].may(f"{service}:{action}", source.arn):
                raise Misconfigured(
                    f"{source.arn} cannot wake {source.function}: its role lacks {service}:{action}"
                )

    def _function(self, name: str, configuration: dict[str, Any]) -> Function:
        """A function as AWS makes it, from its environment, and in its role."""
        resolve_name(configuration["Handler"])  # raises if there is none
        environment, role = configuration["Environment"]["Variables"], self._roles[name]
        own = RoleResources(
            environment["SAGAKIT_PREFIX"],
            self.resources.options,
            self.resources.config,
            self.resources.clients,
            role=role,
            functions=self._functions,
        )
        return made(environment, own, write=self._write, clock=CLOCK.now)

    def run(self, until: int | None = None) -> None:
        """Run until nothing is left to happen before that time (ms), or else at all. Raises
        `TimeoutError` for what is not at rest after a day."""
        self._pump.run(until)

    def post(self, request: dict[str, Any]) -> Any:
        """Hand a request to the function that the API invokes. Returns its response."""
        if self._entrance is None:
            raise Misconfigured("the API invokes no function")
        return self._functions[self._entrance](request)
