"""The numbers that are kept of a run. Its trace is let go."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sagakit.contract.ports import Service
from sagakit.laws.laws import judge_all
from sagakit.laws.payments import PaymentEvidence
from sagakit.payments.metrics import nearest_rank
from sagakit.payments.topology import payment_system
from sagakit.run import run
from sagakit.scenarios import Scenario
from sagakit.sweeps.plan import Case, Plan
from sagakit.trace.facts import Asked, PartySilent
from sagakit.trace.trace import Trace


class Outcome(NamedTuple):
    """The numbers of one run.

    completed, failed, pending  payments by how they ended; pending have not
    refused         requests of users that were answered with an error, so that there is no payment
    refunds         debits that were given back
    dead_letters    messages in dead-letter queues at the end
    provider_calls  requests to the provider
    unanswered      those of them that got no answer in time
    duplicates      deliveries of an event to a service that had been given it before
    p50, p95, p99   percentiles (nearest rank) of how long payments took, in ms of virtual time:
                    from the payment's first record to its first final event; none if none ended
    broken_laws     the names of the laws that it broke, with ", " between
    error           why the run could not be finished, and then there are no numbers
    """

    completed: int | None = None
    failed: int | None = None
    pending: int | None = None
    refused: int | None = None
    refunds: int | None = None
    dead_letters: int | None = None
    provider_calls: int | None = None
    unanswered: int | None = None
    duplicates: int | None = None
    p50: int | None = None
    p95: int | None = None
    p99: int | None = None
    broken_laws: str = ""
    error: str = ""


def outcomes(
    scenario: Scenario,
    paths: tuple[str, ...],
    services: Mapping[str, Service] | None,
    cases: Sequence[Case],
) -> list[Outcome]:
    """Run some cases of a plan, one after the other, in a worker."""
    plan = Plan(scenario, dict.fromkeys(paths, ()), (), services)
    rows = []
    values, deployment = None, None
    for case in cases:
        try:
            if deployment is None or case.values != values:
                values, changed = case.values, plan.scenario_with(case.values)
                deployment = payment_system(
                    changed.settings, timing=changed.timing, services=services
                )
            rows.append(outcome_of(run(changed, seed=case.seed, deployment=deployment).records))
        except Exception as error:
            rows.append(Outcome(error=in_one_line(error)))
    return rows


def in_one_line(error: BaseException) -> str:
    """Return an error in one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def outcome_of(trace: Trace) -> Outcome:
    """Count and judge a run."""
    evidence = PaymentEvidence(trace)
    statuses = [life.status for life in evidence.lives.values()]
    replies = [seen.fact for seen in evidence.replies]
    times = latencies(evidence)
    return Outcome(
        completed=statuses.count("COMPLETED"),
        failed=statuses.count("FAILED"),
        pending=sum(status not in ("COMPLETED", "FAILED") for status in statuses),
        refused=sum(reply.failed or reply.status >= 400 for reply in replies),
        refunds=sum(len(standing.refunds) for standing in evidence.standings.values()),
        dead_letters=sum(message.dead for message in evidence.messages.by_id.values()),
        provider_calls=len(evidence.of(Asked)),
        unanswered=len(evidence.of(PartySilent)),
        duplicates=sum(count - 1 for count in evidence.messages.deliveries.values()),
        p50=nearest_rank(times, 50) if times else None,
        p95=nearest_rank(times, 95) if times else None,
        p99=nearest_rank(times, 99) if times else None,
        broken_laws=", ".join(verdict.law for verdict in judge_all(evidence) if not verdict.held),
    )


def latencies(evidence: PaymentEvidence) -> list[int]:
    """Return how long each payment took that ended, in ms: from the user's request to the final
    event."""
    begun: dict[str | None, int] = {}
    for record in evidence.trace:
        begun.setdefault(record.saga, record.t)
    return [
        life.finals[0].record.t - begun[saga]
        for saga, life in evidence.lives.items()
        if life.finals
    ]
