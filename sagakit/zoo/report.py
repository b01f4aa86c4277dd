"""The zoo told in text: for people as tables, for programs as JSON."""

from collections.abc import Iterator, Sequence
from typing import Any

from sagakit.contract.events import encode
from sagakit.contract.terminal import text_table
from sagakit.explore import Exploration
from sagakit.zoo.matrix import Kill, Trial, in_words, seen

Survived = tuple[Trial, Exploration]


def holds(kills: Sequence[Kill], sound: Sequence[Survived]) -> bool:
    """Whether every flaw is found, and the sound services keep every law to the end."""
    return all(kill.found for kill in kills) and all(
        answer.complete and not answer.broken for _, answer in sound
    )


def for_people(kills: Sequence[Kill], sound: Sequence[Survived]) -> Iterator[str]:
    """The kill matrix, and what the sound services survive."""
    yield from text_table(
        ("flaw", "law that it breaks", "faults needed", "found", "after", "steps"),
        [
            (
                kill.flaw.name,
                kill.flaw.law,
                in_words(kill.flaw.budget),
                "yes" if kill.found else "NO",
                seen(kill) + " states" * (not kill.answer.runs),
                "" if kill.steps is None else str(kill.steps),
            )
            for kill in kills
        ],
    )
    yield ""
    yield from text_table(
        ("the sound services in", "faults allowed", "explored", "laws"),
        [
            (
                trial.scenario.name,
                in_words(trial.budget),
                f"{answer.runs:,} runs" if answer.runs else f"{answer.states:,} states",
                _outcome(answer),
            )
            for trial, answer in sound
        ],
    )


def _outcome(answer: Exploration) -> str:
    if answer.broken:
        return "BROKEN: " + "; ".join(one.verdict.law for one in answer.broken)
    return f"{len(answer.held)} held" + (f", as far as {answer.cut_by}" if answer.cut_by else "")


def as_json(kills: Sequence[Kill], sound: Sequence[Survived]) -> Iterator[str]:
    """One JSON object, a line for each flaw and for each trial of the sound services."""
    yield '{"flaws": ['
    rows = [
        {
            "flaw": kill.flaw.name,
            "law": kill.flaw.law,
            "budget": dict(kill.flaw.budget),
            "found": kill.found is not None,
            "states": kill.states,
            "steps": kill.steps,
            "breaks": kill.broken,
        }
        for kill in kills
    ]
    yield from _listed(rows)
    yield '], "sound": ['
    rows = [
        {
            "scenario": trial.scenario.name,
            "budget": dict(trial.budget),
            "complete": answer.complete,
            "states": answer.states or answer.runs,
            "broken": [one.verdict.law for one in answer.broken],
        }
        for trial, answer in sound
    ]
    yield from _listed(rows)
    yield "]}"


def _listed(rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    *others, last = map(encode, rows)
    yield from (f"{one}," for one in others)
    yield last
