"""What the functions of AWS log on the emulator: each has a log of its own, as in CloudWatch."""

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest

from sagakit.contract.ports import Service
from sagakit.payments.topology import payment_system
from sagakit.worlds.aws import lambdas
from sagakit.worlds.aws.functions import Function, log_record, logger
from sagakit.worlds.aws.resources import Resources
from sagakit.worlds.emulator import stack


@contextmanager
def functions_logs(
    services: Mapping[str, Service] | None = None,
) -> Iterator[dict[str, io.StringIO]]:
    """The logs by function, of what is deployed within the block; `services` take the place of the
    sound ones."""
    logged: dict[str, io.StringIO] = {}

    def made(
        environment: Mapping[str, str], resources: Resources, *, write: Any, **more: Any
    ) -> Function:
        name = environment["SAGAKIT_FUNCTION"]
        log, logged[name] = logger(name), io.StringIO()
        log.registered_handler.setStream(logged[name])  # type: ignore[attr-defined]

        def both(record: Any) -> None:
            write(record)
            log_record(log, record)

        return lambdas.made(environment, resources, write=both, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stack, "made", made)
        patch.setattr(lambdas, "payment_system", partial(payment_system, services=services))
        yield logged
