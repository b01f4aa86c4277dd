"""How far chance may have moved a number: 95 % confidence intervals, of runs that know nothing of
one another (each has a seed of its own)."""

from collections.abc import Sequence
from math import sqrt
from random import Random
from typing import NamedTuple

Z = 1.959964  # of a normal distribution, 95 % lie within so many standard deviations
RESAMPLES = 1_000


class Interval(NamedTuple):
    """An estimate, and from where to where it may be."""

    estimate: float
    low: float
    high: float


def wilson(hits: int, of: int) -> Interval:
    """The interval of a share. E. B. Wilson, "Probable Inference, the Law of Succession, and
    Statistical Inference", Journal of the American Statistical Association 22 (1927): unlike the
    textbook's plus or minus it stays within 0 and 1, and 0 of 20 is not taken for never.

    >>> low, high = wilson(0, 20)[1:]
    >>> round(low, 2), round(high, 2)
    (0.0, 0.16)
    """
    if not 0 <= hits <= of or not of:
        raise ValueError(f"{hits} of {of} is no share")
    share = hits / of
    middle = (share + Z * Z / (2 * of)) / (1 + Z * Z / of)
    half = Z / (1 + Z * Z / of) * sqrt(share * (1 - share) / of + Z * Z / (4 * of * of))
    return Interval(share, max(middle - half, 0.0), min(middle + half, 1.0))


def bootstrap(values: Sequence[float]) -> Interval:
    """The interval of a mean: the mean is taken again of 1,000 samples that are drawn from the
    values with replacement, and of these means the middle 95 % are kept (the percentile interval of
    B. Efron and R. Tibshirani, "An Introduction to the Bootstrap", 1993). The draws are the same
    every time. Raises `ValueError` if there are no values.
    """
    if not values:
        raise ValueError("there are no values to take a mean of")
    count, random = len(values), Random("bootstrap")
    means = sorted(sum(random.choices(values, k=count)) / count for _ in range(RESAMPLES))
    outside = round(RESAMPLES * 0.025)
    return Interval(sum(values) / count, means[outside], means[-1 - outside])
