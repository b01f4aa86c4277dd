"""AWS on loopback: the services' functions on moto's server, without an account or a network.

    from sagakit.worlds.emulator import emulator

    with emulator() as aws:
        done = aws.play(scenario)  # a Run, on a new stack

Needs the extras `aws` and `emulator`. What it does otherwise than AWS: docs/worlds.md.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from sagakit.contract.imports import extra
from sagakit.run import Run
from sagakit.scenarios import Scenario

with extra("aws", "emulator"):
    from botocore.config import Config
    from moto.server import ThreadedMotoServer

    from sagakit.worlds.aws.resources import Resources
    from sagakit.worlds.emulator.play import Change, play
    from sagakit.worlds.emulator.pump import CLOCK

# Nothing gets lost on loopback. Who is silent for long has little of a busy machine, and has begun
# with what was asked: to ask again would make the same stack twice.
PATIENT = Config(retries={"total_max_attempts": 1}, connect_timeout=600, read_timeout=600)
STACKS = count(1)  # servers of one process share what they hold: each stack has a prefix of its own


@dataclass(frozen=True)
class Emulator:
    """A server that answers as AWS does. `options` are what a boto3 client needs to reach it."""

    options: dict[str, Any]
    _clients: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def resources(self) -> Resources:
        """Return the resources of a new stack."""
        return Resources(f"stack-{next(STACKS)}", self.options, PATIENT, self._clients)

    def play(self, scenario: Scenario, *, change: Change | None = None) -> Run:
        """Deploy the payment system as a new stack, set as the scenario sets it, and run the
        scenario's traffic there to its end. Waits are skipped. `change` is handed the template
        before it is deployed: take something out, and see what happens.

        Raises `Misconfigured` for a stack that AWS would refuse, and `TimeoutError` if it has not
        ended a day after all that the scenario says.
        """
        return play(scenario, self.resources(), change)


@contextmanager
def emulator() -> Iterator[Emulator]:
    """Yield the emulator, on a free port of this machine, until the block ends."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # it would print each request
    CLOCK.set_queues()
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
