"""Moto's server in a thread, and the stacks on it."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from itertools import count
from typing import Any

from botocore.config import Config
from moto.server import ThreadedMotoServer

from sagakit.adapters.aws.resources import RETRIES, Resources
from sagakit.adapters.emulator.play import Change, play
from sagakit.run import Run
from sagakit.scenarios import Scenario

PATIENT = RETRIES.merge(Config(connect_timeout=5, read_timeout=60))  # a stack is made in one call
STACKS = count(1)  # servers of one process share what they hold: each stack has a prefix of its own


@dataclass(frozen=True)
class Emulator:
    """A server that answers as AWS does. `options` are what a boto3 client needs to reach it."""

    options: dict[str, Any]

    def play(self, scenario: Scenario, *, change: Change | None = None) -> Run:
        """Deploy the payment system as a new stack, set as the scenario sets it, and run the
        scenario's traffic there to its end. Waits are real ones. `change` is handed the template
        before it is deployed: take something out, and see what happens.

        Raises `Misconfigured` for a stack that AWS would refuse, and `TimeoutError` if it has not
        ended after `pump.LONGEST`.
        """
        resources = Resources(f"stack-{next(STACKS)}", self.options, PATIENT)
        return play(scenario, resources, change)


@contextmanager
def emulator() -> Iterator[Emulator]:
    """The emulator, on a free port of this machine, until the block ends."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # it would print each request
    import_module("moto.cloudformation.models")  # takes seconds, which no client would wait for
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield Emulator(
            {
                "endpoint_url": f"http://{host}:{port}",
                "region_name": "eu-west-1",
                "aws_access_key_id": "testing",
                "aws_secret_access_key": "testing",
            }
        )
    finally:
        server.stop()
