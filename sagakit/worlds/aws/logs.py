"""The structured log: a line a record, as Powertools wraps it, in a form that `check` reads.

Beside the record, as `message`, a line says which saga, trace and span it belongs to, by the names
that OpenTelemetry gives them in logs, so that a query need not look into the record.
"""

import json
from collections.abc import Mapping
from typing import Any

from sagakit.contract.events import encode, loads
from sagakit.contract.imports import extra
from sagakit.trace.context import span_id, trace_id
from sagakit.trace.trace import Record, Trace

with extra("aws"):
    from aws_lambda_powertools import Logger


def logger(service: str) -> Logger:
    return Logger(service=service, json_serializer=_line)


def write(log: Logger, record: Record) -> None:
    """Log a record of the trace."""
    (line,) = Trace((), [record]).jsonl()
    log.info(loads(line), extra=_place(record))


def _place(record: Record) -> dict[str, str]:
    saga = record.correlation_id
    if saga is None:
        return {}
    keys = {"correlation_id": saga, "trace_id": f"{trace_id(saga):032x}"}
    if record.invocation:
        keys["span_id"] = f"{span_id(record.invocation, saga, record.event_id):016x}"
    return keys


def _line(fields: Mapping[str, Any]) -> str:
    """JSON in which the record's numbers are exact; what JSON has no word for is told as text."""
    exact = [f"{json.dumps(name)}: {_value(name, value)}" for name, value in fields.items()]
    return "{" + ", ".join(exact) + "}"


def _value(name: str, value: Any) -> str:
    return encode(value) if name == "message" else json.dumps(value, default=str)
