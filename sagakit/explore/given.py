"""What explore is given must make sense: each mistake is told with its place and the way out."""

from collections.abc import Iterable, Mapping
from typing import Any

from sagakit.contract.suggest import suggest
from sagakit.contract.validation import whole_number
from sagakit.explore.tokens import ANSWERS, FAULTS
from sagakit.payments.topology import SOUND
from sagakit.run import Invariant
from sagakit.scenarios import BadScenario, Scenario, System
from sagakit.scenarios.build import build_world

WAY_IN = "API Gateway"


def budget_of(spend: Mapping[str, Any], provider: Any) -> tuple[int, ...]:
    """How many of each fault may be spent, in the order of `FAULTS`. `spend` has them by name, in
    the order in which they stand there."""
    if not isinstance(provider, Mapping):
        example = {"timeout_after": 1}
        raise BadScenario(f"provider: say how often it does what: {example}, not {provider!r}")
    for name in provider:
        if name not in ANSWERS:
            raise BadScenario(f"provider: there is no {name!r}: {suggest(str(name), ANSWERS)}")
    given = {**spend, **{f"provider[{name!r}]": many for name, many in provider.items()}}
    for name, many in given.items():
        whole_number(name, many, least=0)
    budget = dict(zip(FAULTS, spend.values(), strict=False)) | dict(provider)
    return tuple(budget.get(name, 0) for name in FAULTS)


def must_make_sense(
    scenario: Scenario | System,
    services: Mapping[str, Any] | None,
    stop: Any,
    limit: Any,
) -> None:
    whole_number("limit", limit, least=1)
    if stop not in ("first", "all"):
        raise BadScenario(f"stop: 'first' or 'all', not {stop!r}")
    if not isinstance(services or {}, Mapping):
        raise BadScenario("services: give a dict, {name: class}")
    if isinstance(scenario, System):
        return
    for name in services or {}:
        if name == WAY_IN:
            raise BadScenario(
                f"{WAY_IN}: it stands before what is explored, which begins with its commands to "
                f"the Payment Service: run it instead"
            )
        if name not in SOUND:
            raise BadScenario(f"there is no service {name!r} to replace: {suggest(name, SOUND)}")
    build_world(scenario)


def laws_in(invariants: Any) -> tuple[Invariant, ...]:
    """The laws of one's own that are given."""
    laws = tuple(invariants) if isinstance(invariants, Iterable) else (None,)
    if not all(map(callable, laws)):
        raise BadScenario("invariants: give a list of functions: [my_law]")
    return laws


def must_be_open(scenario: Scenario | System) -> None:
    """What goes wrong is the budget's part."""
    if isinstance(scenario, System):
        for name, reaction in scenario.externals.items():
            if reaction != "approve":
                raise BadScenario(
                    f"{scenario.name}: {name} does {reaction!r}, which is here the budget's part: "
                    f'explore it with {{"{name}": "approve"}}, and allow provider={{"decline": 1}}'
                )
        return
    said = {
        "faults": scenario.faults, "provider": scenario.provider, "redrives": scenario.redrives,
    }  # fmt: skip
    for name, value in said.items():
        if value:
            raise BadScenario(
                f"{scenario.name}: it says itself what goes wrong ({name}), which is here the "
                f"budget's part: explore scenario.but({name}=())"
            )


def must_be_free(scenario: Scenario, budget: tuple[int, ...], what: str) -> None:
    """What is explored run by run takes no budget."""
    if any(budget):
        raise BadScenario(
            f"{scenario.name}: its {what} are explored without a budget: leave the budget out, or "
            f"explore the scenario without {what}"
        )
