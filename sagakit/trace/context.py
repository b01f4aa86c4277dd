"""Ids of traces and spans, derived: so that a span, an event's header and a line of a log tell of
the same work, and nobody has to ask anybody.

A saga is one trace, and each handler of a message within it is one span. `traceparent` is how both
travel with an event (W3C, "Trace Context").

    >>> traceparent(trace_id("ana:A"), span_id(1, "ana:A", None))
    '00-9e4520119d0282e64731071fda284f9a-933996c921108dac-01'
"""

import re
from hashlib import blake2b
from typing import NamedTuple

TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")


class Context(NamedTuple):
    """Where work belongs: 16 bytes that name the trace, 8 that name the span."""

    trace_id: int
    span_id: int


def trace_id(saga: str) -> int:
    """Return 16 bytes that name the trace of a saga."""
    return derived(16, saga)


def span_id(invocation: int, saga: str | None, event_id: str | None) -> int:
    """Return 8 bytes that name the span of a handler: what an invocation does about one message."""
    return derived(8, invocation, saga, event_id)


def traceparent(trace: int, span: int) -> str:
    """Return a `traceparent` of version 00, sampled."""
    return f"00-{trace:032x}-{span:016x}-01"


def context_of(text: object) -> Context | None:
    """Return what a `traceparent` says; None for what is none (W3C: it is to be ignored)."""
    found = TRACEPARENT.fullmatch(text) if isinstance(text, str) else None
    context = found and Context(int(found[1], 16), int(found[2], 16))
    return context if context and all(context) else None


def derived(size: int, *parts: object) -> int:
    """Return `size` bytes derived from the parts: the same on every machine, and never 0, which
    means none."""
    digest = blake2b("\x1f".join(map(str, parts)).encode(), digest_size=size).digest()
    return int.from_bytes(digest, "big") or 1
