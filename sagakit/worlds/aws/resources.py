"""The resources of a stack: the clients that reach them, and what their refusals mean."""

from dataclasses import dataclass, field
from typing import Any

from sagakit.contract.imports import extra
from sagakit.contract.ports import Unavailable
from sagakit.worlds.aws.cloudformation import called

with extra("aws"):
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

# Throttled and failed calls are tried again with backoff and jitter (botocore, "standard" mode).
# Functions are cut off after 3 s: what is silent for 1 s is asked again while there is time.
RETRIES = Config(retries={"mode": "standard", "max_attempts": 5}, connect_timeout=1, read_timeout=1)
INVOKES = RETRIES.merge(Config(read_timeout=10))  # another function may have to start first


class Misconfigured(Exception):
    """The stack lacks something: the text says what, and what to do."""


@dataclass(frozen=True)
class Resources:
    """The resources of one stack. `options` go to each client: an endpoint, say, or a region.
    `config` says in the place of `RETRIES`, and of the provider's timeout, how long a client waits.
    `clients` are those that were made; stacks of the same options and config may share them."""

    prefix: str = "sagakit"
    options: dict[str, Any] = field(default_factory=dict)
    config: Config | None = None
    clients: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)
    _urls: dict[str, str] = field(default_factory=dict, repr=False, compare=False)

    def called(self, name: str) -> str:
        """Return the name of the resource of a participant."""
        return called(self.prefix, name)

    def client(self, service: str) -> Any:
        """Return the boto3 client of a service, made once."""
        if service not in self.clients:
            config = self.config or (INVOKES if service == "lambda" else RETRIES)
            self.clients[service] = boto3.client(service, config=config, **self.options)
        return self.clients[service]

    def call(self, service: str, action: str, what: str, **arguments: Any) -> Any:
        """Ask a service to do something with `what`, the name of a participant. Raises
        `Unavailable`, and `Misconfigured` if there is no such resource."""
        try:
            return getattr(self.client(service), action)(**arguments)
        except (ClientError, BotoCoreError) as error:
            raise told(error, what) from None

    def queue_url(self, name: str) -> str:
        if name not in self._urls:
            found = self.call("sqs", "get_queue_url", name, QueueName=self.called(name))
            self._urls[name] = found["QueueUrl"]
        return self._urls[name]

    def send(self, queue: str, text: str, **options: Any) -> int:
        """Put a text in a queue. Returns the number of its message."""
        url = self.queue_url(queue)
        sent = self.call("sqs", "send_message", queue, QueueUrl=url, MessageBody=text, **options)
        return number_of(sent["MessageId"])


def number_of(message_id: str) -> int:
    """Return the number by which the trace tells a message of SQS, whose id is a UUID."""
    return int(message_id.replace("-", "")[:12], 16)


def told(error: ClientError | BotoCoreError, what: str) -> Exception:
    """Return what AWS refused, in words: a thing that is missing is a mistake, the rest may
    pass."""
    if isinstance(error, ClientError):
        code, text = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
        if "NotFound" in code or "NonExistent" in code:
            return Misconfigured(f"{what}: {code}: is the stack deployed, and the prefix its own?")
        return Unavailable(f"{what}: {code}: {text}" if text else f"{what}: {code}")
    return Unavailable(f"{what}: {error}")
