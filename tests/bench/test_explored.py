"""What `make bench` says of explore is of the same work, and of the work that it names."""

import asyncio
from collections import Counter
from types import SimpleNamespace

import pytest

from sagakit import explore, run
from sagakit.trace.facts import CommitRequested, ItemRead, Published
from tests.bench import explored, simloom_runs, simloom_toy
from tests.bench.sizes import in_words
from tests.bench.toy import toy
from tests.bench.wallet import AMOUNT, BALANCE, WalletAlone


def interleavings(payments: int) -> list[list[tuple[str, int]]]:
    """The steps of simloom's toy in every order, each run from its start."""
    found = []
    waiting: list[tuple[int, ...]] = [()]
    while waiting:
        order = waiting.pop()
        trial = simloom_toy.Toy()
        going = {number: trial.pay(number) for number in range(payments)}
        for number in order:
            try:
                going[number].send(None)
            except StopIteration:
                del going[number]
        if going:
            waiting += [(*order, number) for number in going]
        else:
            found.append(trial.steps)
        for coroutine in going.values():
            coroutine.close()
    return found


@pytest.mark.parametrize(("payments", "schedules"), [(1, 1), (2, 28)])
def test_the_toy_has_the_same_schedules_for_us_as_for_simloom(
    payments: int, schedules: int
) -> None:
    orders = interleavings(payments)
    assert len({tuple(steps) for steps in orders}) == len(orders) == schedules
    assert explore(toy(payments), reduced=False).schedules == schedules


def test_the_toy_does_the_same_steps_for_us_as_for_simloom() -> None:
    facts = [record.fact for record in run(toy(1)).records]
    ours = Counter(
        get=sum(isinstance(fact, ItemRead) for fact in facts),
        commit=sum(isinstance(f, CommitRequested) and f.item is not None for f in facts),
        publish=sum(isinstance(fact, Published) for fact in facts),
    )
    assert ours == Counter(what for what, _ in interleavings(1)[0])


def test_simlooms_toy_runs_in_a_plain_event_loop() -> None:
    trial = simloom_toy.Toy()

    async def main() -> None:
        await asyncio.gather(*(trial.pay(number) for number in range(3)))

    asyncio.run(main())
    assert trial.balance == simloom_toy.BALANCE - 3 * simloom_toy.AMOUNT
    assert sorted(trial.published) == [0, 1, 2]


@pytest.mark.parametrize("times", [1, 2])
def test_the_wallet_alone_debits_each_payment_once_at_every_end(times: int) -> None:
    alone = WalletAlone(2, times, {"crash": 1})
    alone.explore()
    assert {wallet.balance for wallet in alone.ends()} == {BALANCE - 2 * AMOUNT}


def test_any_one_fault_is_each_kind_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def record(_scenario: object, **arguments: object) -> SimpleNamespace:
        asked.append({k: v for k, v in arguments.items() if k not in ("stop", "limit")})
        return SimpleNamespace(complete=True, states=1)

    monkeypatch.setattr(explored, "explore", record)
    assert explored.any_one_fault(2) == 8
    assert len({str(spend) for spend in asked}) == 8
    assert {"drops": 1} in asked
    assert {"provider": {"down": 1}} in asked


def test_what_is_cut_is_no_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    cut = SimpleNamespace(complete=False, cut_by="the limit of 2 states", states=2)
    monkeypatch.setattr(explored, "explore", lambda *_, **__: cut)
    with pytest.raises(AssertionError, match="the limit"):
        explored.whole(2)


def test_a_bench_without_simloom_says_why_it_skips_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(simloom_runs, "candidates", list)
    monkeypatch.setattr(simloom_runs, "PAYMENTS", 1)
    explored.beside_simloom()
    assert "simloom: skipped, no Python 3.12 or newer here has it" in capsys.readouterr().out


def test_a_size_is_told_in_words() -> None:
    spend = {"crashes": 1, "provider": {"timeout_after": 2}}
    assert in_words(3, spend) == "3 payments, 1 crashes, 2 timeout_after"
    assert in_words(4, {}) == "4 payments, no faults"
