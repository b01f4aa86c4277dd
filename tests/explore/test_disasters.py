"""A scenario with a recovery is explored by losing its store at every moment."""

import pytest

from sagakit import scenarios
from sagakit.contract.ports import on
from sagakit.explore import explore
from sagakit.payments.recovery import RecoverableWalletService, StartRecovery
from sagakit.scenarios import BadScenario

TWO = scenarios.disaster_recovery.but(
    payments=scenarios.disaster_recovery.payments[:2], provider=()
)


def test_the_sound_recovery_survives_a_loss_at_every_moment() -> None:
    answer = explore(scenarios.disaster_recovery)
    assert answer.complete
    assert answer.runs > 100
    assert answer.broken == []


def test_a_recovery_that_forgets_the_events_since_the_snapshot_is_found_out() -> None:
    class RestoresOnly(RecoverableWalletService):
        @on(StartRecovery)
        async def recover(self, _command: StartRecovery) -> str:
            await self.intake.pause()
            await self.archive.restore(await self.archive.latest_snapshot())
            await self.intake.resume()
            return "recovered"

    answer = explore(TWO, services={"Wallet Service": RestoresOnly}, stop="all")
    assert {one.verdict.law for one in answer.broken} >= {"recovery"}


def test_disasters_take_no_budget() -> None:
    with pytest.raises(BadScenario, match="leave the budget out"):
        explore(scenarios.disaster_recovery, crashes=1)
