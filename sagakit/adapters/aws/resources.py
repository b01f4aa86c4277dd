"""The resources of a stack: by name, and the clients that reach them."""

from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.config import Config

from sagakit.adapters.aws.names import called

# Throttled and failed calls are tried again with backoff and jitter (botocore, "standard" mode).
RETRIES = Config(
    retries={"mode": "standard", "max_attempts": 5}, connect_timeout=5, read_timeout=10
)


@dataclass(frozen=True)
class Resources:
    """The resources of one stack. `options` go to each client: an endpoint, say, or a region."""

    prefix: str = "sagakit"
    options: dict[str, Any] = field(default_factory=dict)
    _made: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def called(self, name: str) -> str:
        """The name of the resource of a participant."""
        return called(self.prefix, name)

    def client(self, service: str) -> Any:
        """The boto3 client of a service, made once."""
        if service not in self._made:
            self._made[service] = boto3.client(service, config=RETRIES, **self.options)
        return self._made[service]

    def queue_url(self, name: str) -> str:
        key = f"url of {name}"
        if key not in self._made:
            found = self.client("sqs").get_queue_url(QueueName=self.called(name))
            self._made[key] = found["QueueUrl"]
        url: str = self._made[key]
        return url
