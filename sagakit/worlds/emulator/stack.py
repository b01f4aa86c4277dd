"""A stack on the emulator, made from its template, with the functions that were deployed.

What a function may do is decided by its role. Moto lets everybody do everything, AWS does not.
"""

from ast import literal_eval
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import partial
from io import BytesIO
from pkgutil import resolve_name
from typing import Any

from botocore.exceptions import ClientError

from sagakit.contract.events import encode, loads
from sagakit.worlds.aws.cloudformation import Part
from sagakit.worlds.aws.functions import Function
from sagakit.worlds.aws.lambdas import made
from sagakit.worlds.aws.resources import Misconfigured, Resources
from sagakit.worlds.emulator.deploy import Source, deploy
from sagakit.worlds.emulator.pump import ACCOUNT, CLOCK, Pump
from sagakit.worlds.invocation import Write


@dataclass(frozen=True)
class Role:
    """The policies of a role, as they were deployed."""

    name: str
    statements: list[dict[str, Any]]

    @classmethod
    def of(cls, function: dict[str, Any], resources: Resources) -> "Role":
        """Return the role of a function, by its configuration."""
        name, iam = function["Role"].rpartition("/")[2], resources.client("iam")
        statements: list[dict[str, Any]] = []
        for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
            text = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
            statements += literal_eval(text)["Statement"]  # moto gives a Python dict as text
        return cls(name, statements)

    def may(self, action: str, arn: str) -> bool:
        return any(
            action in allowed["Action"]
            and any(fnmatchcase(arn, known) for known in allowed["Resource"])
            for allowed in self.statements
        )

    def check(self, action: str, what: str, resources: Resources) -> None:
        """Raises `ClientError`, as AWS does, if it may not do that to `what`, the end of an ARN."""
        service = action.partition(":")[0]
        arn = f"arn:aws:{service}:{resources.options['region_name']}:{ACCOUNT}:{what}"
        if not self.may(action, arn):
            text = f"{self.name} is not authorized to perform: {action} on resource: {arn}"
            error = {"Error": {"Code": "AccessDeniedException", "Message": text}}
            raise ClientError(error, action)


@dataclass(frozen=True)
class RoleResources(Resources):
    """Resources that are reached in a role: each call is held to what that may do."""

    role: Role = field(default_factory=lambda: Role("nobody", []))
    functions: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        return Lambda(self) if service == "lambda" else Held(super().client(service), self)


class Held:
    """A client of which the function's role decides what is asked of it."""

    def __init__(self, client: Any, resources: RoleResources) -> None:
        self._client = client
        self._resources = resources

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        action = self._client.meta.method_to_api_mapping.get(name)
        return partial(self._call, found, action) if action else found

    def _call(self, call: Callable[..., Any], action: str, **params: Any) -> Any:
        service, own = self._client.meta.service_model.service_name, self._resources
        for permission, what in asked(service, action, params):
            own.role.check(f"{service}:{permission}", what, own)
        return call(**params)


class Lambda:
    """Lambda as a function sees it that invokes another. Moto would start Docker for that."""

    def __init__(self, resources: RoleResources) -> None:
        self._resources = resources

    def invoke(self, *, FunctionName: str, Payload: str) -> dict[str, Any]:  # noqa: N803
        """Return what the other returns, over JSON as there; that it failed, and no more, if it
        raises. Raises `ClientError`."""
        own = self._resources
        own.role.check("lambda:InvokeFunction", f"function:{FunctionName}", own)
        if FunctionName not in own.functions:
            raise ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "Invoke")
        try:
            answer = own.functions[FunctionName](loads(Payload))
        except Exception as error:  # as Lambda does
            told = encode({"errorMessage": str(error)})
            return {"FunctionError": "Unhandled", "Payload": BytesIO(told.encode())}
        return {"Payload": BytesIO(encode(answer).encode())}


def asked(service: str, action: str, params: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the permissions that a call needs: actions, each with what it is done to.

    AWS, "Actions, resources, and condition keys", service by service.
    """
    if service == "sqs":
        yield action, params.get("QueueName") or params["QueueUrl"].rpartition("/")[2]
    elif service == "dynamodb" and action == "TransactWriteItems":
        for entry in params["TransactItems"]:
            ((kind, item),) = entry.items()
            yield f"{kind}Item", f"table/{item['TableName']}"
    elif service == "dynamodb":
        yield action, f"table/{params['TableName']}"
    elif service == "events":
        for entry in params["Entries"]:
            yield action, f"event-bus/{entry['EventBusName']}"
    elif service == "secretsmanager":
        yield action, f"secret:{params['SecretId']}"
    else:
        raise NotImplementedError(f"which permission does {service}:{action} need? Say it here")


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
        self, content: Part, resources: Resources, parameters: dict[str, str], write: Write
    ) -> None:
        self.resources = resources
        self._write = write
        deployed = deploy(content, resources, parameters)
        self._entrance = deployed.entrance
        self._roles = {
            name: Role.of(function, resources) for name, function in deployed.functions.items()
        }
        for source in (*deployed.queues, *deployed.streams):
            self._polls(source)
        self._functions: dict[str, Function] = {}
        for name, configuration in deployed.functions.items():
            self._functions[name] = self._function(name, configuration)
        self._pump = Pump(deployed, self._functions, resources)

    def _polls(self, source: Source) -> None:
        service = source.arn.split(":")[2]
        for action in POLLS[service]:
            if not self._roles[source.function].may(f"{service}:{action}", source.arn):
                raise Misconfigured(
                    f"{source.arn} cannot wake {source.function}: its role lacks {service}:{action}"
                )

    def _function(self, name: str, configuration: dict[str, Any]) -> Function:
        """Return a function as AWS makes it, from its environment, and in its role."""
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
