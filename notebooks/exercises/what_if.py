"""Exercises of notebook 11: a choice by its price, a difference that is no chance, and a sweep of
one's own."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from numbers import Real
from typing import Any

import pandas as pd

from sagakit.contract.terminal import count
from sagakit.draw.sweeps import bootstrap
from sagakit.scenarios import OpeningWallet, PaymentRequest, ProviderRule, Scenario
from sagakit.sweeps import sweep

from .grader import UNANSWERED, Cases, Feedback, a_function, exercise

USERS = 20
EVERY = 2_000  # ms from one payment to the next
NO_BREAKER = 1_000  # a threshold that 20 payments never reach

GIVEN = Scenario(
    name="what_if",
    title="A busy provider, and an outage",
    about=(
        "20 users pay 40.00 each, one every two seconds. The provider is busy: an answer takes 0.2 "
        "to 5.5 s, and the gateway waits at most 5 s for it. From 10 s to 20 s it is out."
    ),
    wallets=tuple(
        OpeningWallet(user_id=f"user-{number:02}", balance=100) for number in range(1, USERS + 1)
    ),
    payments=tuple(
        PaymentRequest(
            user_id=f"user-{number:02}", amount=40, idempotency_key="1", at=(number - 1) * EVERY
        )
        for number in range(1, USERS + 1)
    ),
    provider=(ProviderRule(behaviour="timeout_before", start=10_000, end=20_000),),
    timing={"external": (200, 5_500)},
)
LONGER = GIVEN.but(
    about=GIVEN.about.replace("to 20 s it is out", "to 40 s it is out, and there is no breaker"),
    provider=(ProviderRule(behaviour="timeout_before", start=10_000, end=40_000),),
    settings={"breaker_threshold": NO_BREAKER},
)
THRESHOLD, OUTAGE_END, DELAY = (
    "settings.breaker_threshold",
    "provider[0].end",
    "settings.retry_delay",
)
MOST_FAILED, MOST_P95 = 2.5, 60_000  # payments; ms
SEEDS = 20
UNSEEN = range(1_000, 1_000 + SEEDS)


# A choice by its price.


@exercise
def cheapest(answer: Callable[[pd.DataFrame, float, float], Any]) -> Cases:
    """A function of a sweep's rows and two prices: the threshold whose runs cost least on average
    if a failed payment costs `failure` and an unanswered request costs `call`."""
    yield from a_function(answer)
    for failure, call in ((1, 0), (0, 1), (5, 1), (1, 3)):
        for rows in (_few_rows(), _few_rows().iloc[::-1].query(f"seed == 3 or `{THRESHOLD}` < 8")):
            chosen = answer(rows.copy(), failure, call)
            yield chosen is ... and UNANSWERED
            costs = (failure * rows["failed"] + call * rows["unanswered"]).astype(float)
            means = costs.groupby(rows[THRESHOLD]).mean()
            if not pd.api.types.is_integer(chosen) or chosen not in means.index:
                hint = "Return one of the thresholds in the rows: idxmin() finds where a Series "
                other = f"A value of type {type(chosen).__name__}"
                what = chosen if pd.api.types.is_scalar(chosen) else other
                return Feedback(False, f"{what} is no threshold.", f"{hint}is least.")
            yield means[chosen] > means.min() and (
                (
                    f"If a failed payment costs {failure} and an unanswered request {call}, a "
                    f"threshold of {chosen} costs {means[chosen]:.1f} a run, and another one less."
                ),
                "What does each row cost? Then take means.",
            )
    return "The cheapest threshold depends on what a failure costs you."


@cheapest.prepared
@cache
def _few_rows() -> pd.DataFrame:
    return sweep(GIVEN, over={THRESHOLD: [1, 3, 8], OUTAGE_END: [11_000, 20_000]}, seeds=4)


# A difference that is no chance.


@exercise
def differ(answer: Callable[[Sequence[float], Sequence[float]], Any]) -> Cases:
    """A function of two lists, the same seeds in the same order: whether chance alone is no
    explanation of their difference. It is none if the 95 % confidence interval of the differences,
    seed by seed, has no 0 in it."""
    yield from a_function(answer)
    for what, first, second in _pairs():
        said = answer(list(first), list(second))
        yield said is ... and UNANSWERED
        of_all = bootstrap([one - other for one, other in zip(first, second, strict=True)])
        expected = of_all.low > 0 or of_all.high < 0
        yield (not pd.api.types.is_scalar(said) or said not in (True, False)) and (
            f"It returns {said!r}.",
            "Return True or False.",
        )
        yield bool(said) != expected and (
            (
                f"{what}: you say {bool(said)}. Seed by seed they differ by {of_all.estimate:.2f} "
                f"on average, {of_all.low:.2f} to {of_all.high:.2f}."
            ),
            "Take the differences first, and then the interval of those.",
        )
    return "Each seed met both settings: its luck is taken out of the difference."


@differ.prepared
@cache
def _pairs() -> list[tuple[str, list[float], list[float]]]:
    """Pairs of lists of failed payments: settings that differ, some by little, and one and the same
    setting with two sorts of luck."""
    rows = sweep(GIVEN, over={THRESHOLD: [2, 3, 5, NO_BREAKER]}, seeds=SEEDS)
    other = sweep(GIVEN, over={THRESHOLD: [3, 5]}, seeds=UNSEEN)
    failed = {at: _floats(one["failed"]) for at, one in rows.groupby(THRESHOLD)}
    again = {at: _floats(one["failed"]) for at, one in other.groupby(THRESHOLD)}
    return [
        ("Thresholds 2 and 3", failed[2], failed[3]),
        ("Thresholds 3 and 2", failed[3], failed[2]),
        ("Thresholds 3 and 5", failed[3], failed[5]),
        ("Threshold 3, other seeds", failed[3], again[3]),
        ("Threshold 5, other seeds", again[5], failed[5]),
        ("Threshold 3 twice", failed[3], failed[3]),
    ]


def _floats(column: "pd.Series[Any]") -> list[float]:
    return [float(one) for one in column]


# A sweep of one's own.


@exercise
def chosen_delay(answer: Any) -> Cases:
    """A retry delay for `LONGER`, and the rows of the sweep that say so: on average at most 2.5
    failed payments and a p95 of at most 60 s, each up to the upper end of its 95 % interval, in at
    least 20 runs."""
    yield (not isinstance(answer, Mapping) or not {"retry_delay", "rows"} <= answer.keys()) and (
        "This is no delay with its rows.",
        'Write it like this: {"retry_delay": 5_000, "rows": rows}',
    )
    delay, rows = answer["retry_delay"], answer["rows"]
    yield (delay is ... or rows is ...) and UNANSWERED
    yield (
        not isinstance(rows, pd.DataFrame) or not {DELAY, "seed", "failed", "p95"} <= {*rows}
    ) and (
        "The rows are not those of such a sweep.",
        f"Hand in what sweep(LONGER, over={{'{DELAY}': [...]}}, seeds=...) returns.",
    )
    yield not isinstance(delay, Real) and (f"{delay!r} is no delay.", "Give a number: so many ms.")
    own = rows[rows[DELAY] == delay]
    if own.empty:
        tried = ", ".join(f"{one:,}" for one in sorted(rows[DELAY].unique()))
        hint = f"The rows have these delays, in ms: {tried or 'none'}."
        return Feedback(False, f"There are 0 seeds with a delay of {delay} ms.", hint)
    if own["seed"].nunique() < SEEDS:
        seeds = count(own["seed"].nunique(), "seed")
        says = f"With a delay of {delay} ms there are rows of {seeds}."
        return Feedback(False, says, f"Take at least {SEEDS}, so that it is no luck.")
    again = sweep(LONGER, over={DELAY: [int(float(delay))]}, seeds=[int(own["seed"].iloc[-1])])
    yield list(again[["failed", "p95"]].iloc[0]) != list(own[["failed", "p95"]].iloc[-1]) and (
        f"Seed {again['seed'].iloc[0]} gives another row with LONGER and this delay.",
        "Sweep LONGER, and change the retry delay alone.",
    )
    return _meets_the_goal(own, int(float(delay)))


def _meets_the_goal(own: pd.DataFrame, delay: int) -> Feedback:
    failed, p95 = bootstrap(_floats(own["failed"])), bootstrap(_floats(own["p95"]))
    if failed.high > MOST_FAILED:
        says = f"Up to {failed.high:.1f} payments fail on average ({failed.estimate:.1f} measured)."
        hint = "The second attempt must come when the outage is over, or who was early has none."
        return Feedback(False, says, f"{hint} When is it over for a payment made at 11 s?")
    if p95.high > MOST_P95:
        says = f"The p95 may be {p95.high / 1_000:.1f} s ({p95.estimate / 1_000:.1f} s measured)."
        return Feedback(False, says, "Who waits for a retry waits for the whole delay.")
    unseen = sweep(LONGER, over={DELAY: [delay]}, seeds=UNSEEN)
    says = (
        f"It holds. On {SEEDS} seeds that you have not seen, {unseen['failed'].mean():.1f} "
        f"payments fail, and the p95 is {unseen['p95'].mean() / 1_000:.1f} s."
    )
    if unseen["failed"].mean() > MOST_FAILED or unseen["p95"].mean() > MOST_P95:
        return Feedback(False, says.removeprefix("It holds. "), "Your seeds were lucky: take more.")
    return Feedback(True, says)
