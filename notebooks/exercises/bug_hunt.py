"""Exercises of notebook 09: a service is mended and proved, and a few laws find the whole zoo."""

from collections.abc import Iterable
from functools import cache
from itertools import combinations
from typing import Any

from sagakit.contract.faults import Crash
from sagakit.contract.suggest import suggest
from sagakit.payments.events import ProviderPaymentFailed, ProviderPaymentSuccess
from sagakit.payments.payment import PaymentService
from sagakit.run import Run, run
from sagakit.scenarios import ProviderRule
from sagakit.trace.facts import DeadLettered
from sagakit.zoo import flaw
from sagakit.zoo.matrix import kills

from .grader import UNANSWERED, Cases, Feedback, exercise
from .service_checks import EXPECTED, Role, Trial, grade

LATE = flaw("final_twice").scenario
ROLE = Role(
    service="Payment Service",
    sound=PaymentService,
    method="complete",
    handles=(ProviderPaymentSuccess, ProviderPaymentFailed),
    lanes=("Payment SQS", "Payment Service", "Payments DB"),
    outside=False,
)
WHILE_REFUNDING = LATE.but(
    provider=[ProviderRule(behaviour="decline")],
    faults=[Crash(service="Wallet Service", event="ReembolsarUsuario", step=1, when="before")],
)


def needs_no_one(finished: Run) -> str | None:
    """A success that is late is no error: nobody is asked to look into a dead letter."""
    for arrow in finished.records.arrows():
        if isinstance(arrow.fact, DeadLettered):
            return f"{arrow.text} ({arrow.source})"
    return None


@exercise
def one_end(answer: Any) -> Feedback:
    """Let a late success be late.

    The provider declined, Ana was refunded, the payment FAILED; then a success for it comes after
    all. Write a class Mine(PaymentService) whose `complete` makes only moves that the state diagram
    of a payment has. It starts from zoo.final_twice.
    """
    late = (
        "In which status was the payment when the success came? What may follow that status?",
        "A list of the statuses that it must not leave is easily too short. What is the opposite?",
        "`payment.may_become(status)` asks the state diagram.",
    )
    graded = grade(
        answer,
        ROLE,
        (
            Trial("one payment, which is charged", LATE.but(texts=()), hints=late),
            Trial(
                "a success that comes late",
                LATE,
                {"provider": {"decline": 1}},
                late,
                law="final is final",
                also=(needs_no_one,),
            ),
            Trial("a success that comes again", LATE, {"duplicates": 1}, late),
            Trial(
                "a late success, and a message that comes twice",
                LATE,
                {"provider": {"decline": 1}, "duplicates": 1},
                late,
            ),
        ),
    )
    return _while_refunding(answer, late, graded) if graded else graded


def _while_refunding(answer: type, hints: tuple[str, ...], proved: Feedback) -> Feedback:
    """What is proved, unless it fails a success that comes while the refund waits for a service
    that crashed. (An exploration with a crash has it come before the payment was debited, too;
    that does harm to the sound service as well.)"""
    finished = run(WHILE_REFUNDING, services={ROLE.service: answer})
    broken = [verdict for verdict in finished.verdicts() if not verdict.held]
    if not broken:
        return proved
    told = next((verdict for verdict in broken if verdict.law == "final is final"), broken[0])
    return Feedback(
        False,
        f"A success that comes while the refund is under way breaks the law {told.law!r}.",
        hints,
        points=(("Expected", EXPECTED[told.law]), ("Seen", f"{told.detail}.")),
        trace=finished.records,
        view=ROLE.view("While the refund waits"),
    )


@exercise
def few_laws(answer: Any) -> Cases:
    """As few laws as possible, of which each flaw of the zoo breaks at least one."""
    if isinstance(answer, str):
        answer = [answer]
    yield not isinstance(answer, Iterable) and (
        f"{answer!r} is no list of laws.",
        'Give their names in a list, such as ["conservation", "breaker"].',
    )
    laws = list(dict.fromkeys(answer))
    yield any(law is ... for law in laws) and UNANSWERED
    for law in laws:
        yield law not in EXPECTED and (f"There is no law {law!r}.", suggest(str(law), EXPECTED))
    missed = [name for name, broken in _breaks().items() if not broken & {*laws}]
    yield missed and (
        f"{len(missed)} of {len(_breaks())} flaws break none of them, {missed[0]} for one.",
        f"Which laws does {missed[0]} break? One of them is needed.",
    )
    if len(laws) > _fewest():
        says = f"Each flaw breaks one of these {len(laws)} laws. Fewer will do."
        hint = "Begin with the flaws that break a single law: you cannot do without that one. "
        return Feedback(False, says, f"{hint}What is left then?")
    return f"{len(laws)} laws find all {len(_breaks())} flaws, and no fewer do."


@few_laws.prepared
@cache
def _breaks() -> dict[str, set[str]]:
    """For each flaw the laws that it breaks."""
    return {kill.flaw.name: {*kill.broken} for kill in kills()}


@cache
def _fewest() -> int:
    return next(
        many
        for many in range(1, len(EXPECTED) + 1)
        for laws in combinations(EXPECTED, many)
        if all(broken & {*laws} for broken in _breaks().values())
    )
