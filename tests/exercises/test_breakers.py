"""The exercise in which a breaker is written: two that are right, and many that are not."""

from contextlib import suppress
from typing import Any

import pytest

from exercises.breakers import (
    COURSES,
    BlankBreaker,
    breaker,
    counts_every_silence,
    keeps_to_its_diagram,
)
from sagakit import run
from sagakit.contract.ports import VersionConflict
from sagakit.payments.breaker import Breaker, CircuitBreaker
from sagakit.zoo.half_open_stampede import HalfOpenStampede


class Plain(BlankBreaker):
    """Written out: each report is tried again until it is written."""

    async def admit(self) -> int | None:
        breaker = await self.read()
        if breaker.state == "CLOSED":
            return breaker.era
        now = await self.clock.now()
        patience = self.open_for if breaker.state == "OPEN" else self.lease
        if now < breaker.since + patience:
            return None
        probe = breaker.becoming("HALF_OPEN", now)
        try:
            await self.store.commit(probe)
        except VersionConflict:
            return None
        return probe.era

    async def answered(self, era: int) -> None:
        now = await self.clock.now()
        while True:
            breaker = await self.read()
            if era != breaker.era:
                return
            if breaker.state == "HALF_OPEN":
                after = breaker.becoming("CLOSED", now)
            elif breaker.failures:
                after = breaker._replace(failures=0)
            else:
                return
            try:
                await self.store.commit(after)
            except VersionConflict:
                continue
            return

    async def failed(self, era: int) -> None:
        now = await self.clock.now()
        while True:
            breaker = await self.read()
            if era != breaker.era:
                return
            after = breaker._replace(failures=breaker.failures + 1)
            if breaker.state == "HALF_OPEN" or after.failures == self.threshold:
                after = breaker.becoming("OPEN", now)
            try:
                await self.store.commit(after)
            except VersionConflict:
                continue
            return


class Recursive(BlankBreaker):
    """Asks again after any conflict, writes every answer down, and builds its states by hand."""

    async def admit(self) -> int | None:
        breaker, now = await self.read(), await self.clock.now()
        ages = {"CLOSED": 0, "OPEN": self.open_for, "HALF_OPEN": self.lease}
        if now - breaker.since < ages[breaker.state]:
            return None
        if breaker.state == "CLOSED":
            return breaker.era
        return await self.write(breaker, "HALF_OPEN", now) or await self.admit()

    async def answered(self, era: int) -> None:
        breaker, now = await self.read(), await self.clock.now()
        if era == breaker.era and await self.write(breaker, "CLOSED", now) is None:
            await self.answered(era)

    async def failed(self, era: int) -> None:
        breaker, now = await self.read(), await self.clock.now()
        if era != breaker.era:
            return
        stays = breaker.state == "CLOSED" and breaker.failures + 1 < self.threshold
        state = "CLOSED" if stays else "OPEN"
        if await self.write(breaker, state, now, failed=stays) is None:
            await self.failed(era)

    async def write(
        self, breaker: Breaker, state: Any, now: int, *, failed: bool = False
    ) -> int | None:
        """The era after it; None if another wrote first."""
        after = breaker._replace(failures=breaker.failures + 1 if failed else 0)
        if state != "CLOSED" or breaker.state != "CLOSED":
            after = Breaker(state, 0, now, breaker.era + 1, breaker.version)
        try:
            await self.store.commit(after)
        except VersionConflict:
            return None
        return after.era


@pytest.mark.parametrize("answer", [Plain, Recursive])
def test_right(answer: type) -> None:
    feedback = breaker(answer)
    assert feedback, feedback
    assert "complete" in feedback.says


class LosesCount(Plain):
    """After a conflict it takes its silence for reported."""

    async def failed(self, era: int) -> None:
        now = await self.clock.now()
        breaker = await self.read()
        if era != breaker.era:
            return
        after = breaker._replace(failures=breaker.failures + 1)
        if breaker.state == "HALF_OPEN" or after.failures == self.threshold:
            after = breaker.becoming("OPEN", now)
        try:
            await self.store.commit(after)
        except VersionConflict:
            return


class KnowsNoEra(Plain):
    """Takes every answer for news of the present."""

    async def answered(self, era: int) -> None:
        breaker = await self.read()
        if breaker.state != "CLOSED" or breaker.failures:
            await self.store.commit(breaker.becoming("CLOSED", await self.clock.now()))


class ForcesTheProbe(Plain):
    """Loses the race for the probe, and calls all the same."""

    async def admit(self) -> int | None:
        breaker = await self.read()
        if breaker.state == "HALF_OPEN":
            return None
        if breaker.state == "CLOSED":
            return breaker.era
        now = await self.clock.now()
        if now < breaker.since + self.open_for:
            return None
        probe = breaker.becoming("HALF_OPEN", now)
        with suppress(VersionConflict):
            await self.store.commit(probe)
        return probe.era


class WaitsForEver(Plain):
    """A probe that is lost leaves it half-open."""

    async def admit(self) -> int | None:
        breaker = await self.read()
        return None if breaker.state == "HALF_OPEN" else await super().admit()


class OneTooMany(Plain):
    """Opens at the silence after the one that should have opened it."""

    async def failed(self, era: int) -> None:
        self.threshold += 1
        await super().failed(era)
        self.threshold -= 1


class NeverForgets(Plain):
    """Counts silences, in a row or not."""

    async def answered(self, era: int) -> None:
        breaker = await self.read()
        if breaker.state == "HALF_OPEN":
            await super().answered(era)


class LetsNobodyThrough(Plain):
    async def admit(self) -> int | None:
        return None


@pytest.mark.parametrize(
    ("answer", "says", "hint"),
    [
        (HalfOpenStampede, "although the breaker was HALF_OPEN", "There is one probe"),
        (ForcesTheProbe, "although the breaker was", "There is one probe"),
        (LosesCount, "2 calls in a row got no answer, and it is still CLOSED", "refused"),
        (KnowsNoEra, "it was OPEN, and the diagram has no such move", "the era of the call"),
        (WaitsForEver, "there is no end to it", "`lease`"),
        (OneTooMany, "Expected: CLOSED, OPEN at 20 s, HALF_OPEN at 55 s, CLOSED at", "third"),
        (NeverForgets, "Expected: CLOSED, all the time.", "silences in a row"),
        (LetsNobodyThrough, "Calls expected: 2 for ana:1", "third silence"),
    ],
)
def test_flawed(answer: type, says: str, hint: str) -> None:
    feedback = breaker(answer)
    assert not feedback
    assert says in repr(feedback)
    assert hint in " ".join(feedback.hints)
    assert "<strong>" in feedback._repr_html_()


class NotAsync(Plain):
    def admit(self) -> int | None:  # type: ignore[override]
        return 0


class Misspelt(Plain):
    async def admit(self) -> int | None:
        return (await self.read()).aera  # type: ignore[attr-defined,no-any-return]


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (..., "three dots"),
        (None, "This is of type NoneType, and a class is asked for."),
        (Plain(None, None, threshold=1, open_for=1, lease=1), "without ()"),  # type: ignore[arg-type]
        (Plain.admit, "Indent it below the line of its class: class Mine(BlankBreaker): ..."),
        (BlankBreaker, "BlankBreaker has no `admit`"),
        (CircuitBreaker, "the sound breaker itself"),
        (NotAsync, "`admit` must be `async def`"),
        (Misspelt, "'Breaker' object has no attribute 'aera' (line "),
    ],
)
def test_not_yet_an_answer(answer: Any, says: str) -> None:
    assert says in repr(breaker(answer))


def test_the_sound_breaker_keeps_to_the_diagram_by_the_clock() -> None:
    for course in COURSES:
        finished = run(course.scenario)
        assert keeps_to_its_diagram(finished) is None
        assert counts_every_silence(finished) is None


def test_the_task_names_the_three_methods() -> None:
    for name in ("admit(self)", "answered(self, era)", "failed(self, era)"):
        assert name in breaker.task
