"""Scenarios that hypothesis draws: payments that meet each other, and all that may go wrong.

What is drawn is hard on the system, but within what it is built for: the bus loses nothing, an
outage ends before a message has been received five times, and the provider answers in the end.
"""

from typing import Any

from hypothesis import strategies as st

from sagakit import Scenario
from sagakit.contract.faults import Crash, Delay, Duplicate, Fault, Loss, Outage, Reorder, Throttle
from sagakit.payments.topology import PROVIDER, Settings

QUEUES = ("Payment SQS", "Wallet SQS", "Provider SQS", "SNS Topic")
STORES = ("Payments DB", "Wallet DB", "Provider DB", "Breaker DB")
SERVICES = {
    "API Gateway": 1,
    "Payment Service": 2,
    "Wallet Service": 2,
    "Provider Gateway": 8,
    "Email Lambda": 1,
}  # with the most steps that one of its handlers takes
MESSAGES = ("PaymentInit", "ReembolsarUsuario")  # what the wallet handles besides a recovery

moments = st.one_of(st.integers(0, 500), st.sampled_from((5_100, 60_000, 65_200, 70_200)))
nth = st.integers(1, 6)
users = st.sampled_from(("ana", "ben", "eva"))


def during(longest: int) -> st.SearchStrategy[dict[str, int]]:
    return st.builds(
        lambda start, length: {"start": start, "end": start + length},
        moments,
        st.integers(1, longest),
    )


on_message: st.SearchStrategy[Fault] = st.one_of(
    st.builds(
        Duplicate,
        queue=st.sampled_from(QUEUES),
        nth=nth,
        after=st.sampled_from((0, 1, 5, 100, 5_000, 31_000, 62_000)),
    ),
    st.builds(
        Delay, queue=st.sampled_from(QUEUES), nth=nth, by=st.sampled_from((1, 50, 5_000, 100_000))
    ),
    st.builds(Reorder, queue=st.sampled_from(QUEUES), nth=nth),
)


@st.composite
def crashes(draw: st.DrawFn, *, spare_recovery: bool = False) -> Crash:
    service = draw(st.sampled_from(sorted(SERVICES)))
    spare = spare_recovery and service == "Wallet Service"
    return Crash(
        service=service,
        step=draw(st.integers(1, SERVICES[service])),
        when=draw(st.sampled_from(("before", "after"))),
        nth=draw(nth),
        event=draw(st.sampled_from(MESSAGES)) if spare else None,
    )


def outages(*participants: str) -> st.SearchStrategy[Outage]:
    return st.builds(
        lambda participant, span: Outage(participant=participant, **span),
        st.sampled_from(participants),
        during(50_000),
    )


def throttles(*participants: str) -> st.SearchStrategy[Throttle]:
    return st.builds(
        lambda participant, span, limit: Throttle(participant=participant, **span, limit=limit),
        st.sampled_from(participants),
        during(10_000),
        st.integers(1, 2),
    )


# How the provider behaves at its first calls about a payment; after that it approves.
rules = st.fixed_dictionaries(
    {
        "behaviour": st.sampled_from(
            ("decline", "timeout_before", "timeout_after", "slow", "down")
        ),
        "calls": st.sampled_from(((1,), (2,), (1, 2), (3,), (1, 2, 3, 4))),
        "delay": st.sampled_from((0, 3_000, 4_900, 8_000, 70_000)),
    }
).filter(lambda rule: rule["behaviour"] != "slow" or rule["delay"])

payments = st.fixed_dictionaries(
    {
        "user_id": users,
        "amount": st.sampled_from((30, 50, 70)),
        "at": st.one_of(st.integers(0, 30), st.integers(0, 10_000)),
        "repeats": st.sampled_from(((), (0,), (3, 500))),
    }
)

settings = st.builds(
    Settings,
    breaker_threshold=st.sampled_from((1, 2, 5)),
    breaker_open_for=st.sampled_from((10_000, 30_000)),
    provider_attempts=st.sampled_from((1, 2, 3)),
    retry_delay=st.sampled_from((1_000, 60_000)),
    gateway_concurrency=st.sampled_from((1, 10)),
)


def scenario(
    draw: st.DrawFn, faults: st.SearchStrategy[Fault], *certain: Fault, **more: Any
) -> Scenario:
    """Up to six payments of three users, with up to four of the faults besides the certain ones."""
    wallets = [
        {"user_id": user, "balance": draw(st.sampled_from((0, 50, 100, 150)))}
        for user in ("ana", "ben")  # eva has none
    ]
    return Scenario.model_validate(
        {
            "name": "drawn",
            "title": "Drawn by hypothesis",
            "wallets": wallets,
            "payments": draw(st.lists(payments, min_size=1, max_size=6)),
            "provider": draw(st.lists(rules, max_size=2)),
            "settings": draw(settings),
            "seed": draw(st.integers(0, 999)),
            "faults": (*certain, *draw(st.lists(faults, max_size=4))),
            **more,
        }
    )


@st.composite
def troubled(draw: st.DrawFn) -> Scenario:
    """Payments, and up to four faults of any kind but a lost store and a lost message."""
    faults = st.one_of(
        on_message,
        crashes(),
        outages(*SERVICES, *STORES, "EventBridge", PROVIDER),
        throttles(*SERVICES, *STORES),
    )
    return scenario(draw, faults)


@st.composite
def disastrous(draw: st.DrawFn) -> Scenario:
    """Payments, and the wallet store is lost and rebuilt; up to four faults that leave the operator
    and the wallet store alone, since nobody starts a recovery a second time."""
    snapshot_at = draw(st.integers(0, 400))
    lost_at = snapshot_at + draw(st.one_of(st.integers(1, 120), st.sampled_from((1_000, 20_000))))
    start_at = lost_at + draw(st.sampled_from((1, 100, 1_000, 20_000)))
    spared = ("Wallet Service", "Wallet DB")
    faults = st.one_of(
        on_message,
        crashes(spare_recovery=True),
        outages(*(set(SERVICES) | set(STORES)).difference(spared), "EventBridge", PROVIDER),
        throttles(*SERVICES, *STORES),
    )
    return scenario(
        draw,
        faults,
        Loss(store="Wallet DB", at=lost_at),
        recovery={"snapshot_at": snapshot_at, "start_at": start_at},
    )
