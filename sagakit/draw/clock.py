"""Virtual time in words."""

from numbers import Real

IN_MS = 2_000  # ms: a time axis that ends by then counts in ms


def roughly(ms: float) -> str:
    """Return a stretch of time in few digits: `334 ms`, `1.25 s`, `70.5 s`, `12 min`, `48 h`."""
    if ms < 1_000:
        return f"{ms:g} ms"
    if ms < 600_000:
        return f"{round(ms / 1_000, 2 if ms < 10_000 else 1):g} s"
    name, size = ("min", 60_000) if ms < 36_000_000 else ("h", 3_600_000)
    return f"{ms / size:.1f}".removesuffix(".0") + f" {name}"


def moment(t: int) -> str:
    """Return a moment, to the ms: `334 ms`, `5 s`, `70.495 s`."""
    return f"{t} ms" if t < 1_000 else f"{t / 1_000}".removesuffix(".0") + " s"


def stamp(t: int) -> str:
    """Return a moment in a column, where the points have to stand below each other: `5.000 s`."""
    return f"{t} ms" if t < 1_000 else f"{t / 1_000:.3f} s"


def must_be_times(**given: object) -> None:
    """Raise `ValueError` for what is no number of ms, nor None."""
    for name, t in given.items():
        if t is not None and not isinstance(t, Real):
            raise ValueError(f"{name}: a number of ms, not {t!r:.40}")


def unit(end: float) -> tuple[str, int]:
    """Return the unit of a time axis up to `end` (ms), and how many ms that is."""
    return ("ms", 1) if end <= IN_MS else ("s", 1_000)
