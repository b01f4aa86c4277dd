"""Virtual time in words."""

IN_MS = 2_000  # ms: a time axis that ends by then counts in ms


def duration(ms: float) -> str:
    """A stretch of time for people: `334 ms`, `5 s`, `1.25 s`, `12 min`."""
    if ms < 1_000:
        return f"{ms:g} ms"
    if ms < 600_000:
        return f"{round(ms / 1_000, 2):g} s" if ms < 10_000 else f"{round(ms / 1_000, 1):g} s"
    return f"{round(ms / 60_000, 1):g} min"


def unit(end: float) -> tuple[str, int]:
    """What a time axis up to `end` (ms) counts in, and how many ms that is."""
    return ("ms", 1) if end <= IN_MS else ("s", 1_000)


def moment(t: int) -> str:
    """A moment for people, to the ms: `334 ms`, `70.495 s`."""
    return f"{t} ms" if t < 1_000 else f"{t / 1_000:g} s"
