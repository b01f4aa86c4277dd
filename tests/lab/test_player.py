"""The player without its front end: what it has to show at each step."""

import re
from typing import Any

import pytest

from sagakit import Run, explore, run, scenarios
from sagakit.lab import Player, play
from sagakit.trace.trace import Trace


@pytest.fixture
def clash() -> Player:
    return play(run(scenarios.concurrent_payments, schedule=()))


def changed(player: Player) -> list[list[Any]]:
    return [row[:3] for one in player.now["sections"] for row in one["rows"] if row[3]]


def test_it_begins_before_the_first_step(clash: Player) -> None:
    assert clash.step == 0
    assert clash.now["text"] == "Before the first arrow"
    assert clash.now["event"] == []


def test_each_step_has_its_place_in_the_diagram_below_the_one_before(clash: Player) -> None:
    bottoms = [one["bottom"] for one in clash.drawing["steps"]]
    assert bottoms == sorted(bottoms)
    assert all(one["top"] < one["bottom"] for one in clash.drawing["steps"])


@pytest.mark.parametrize("name", ["happy_path", "provider_error", "concurrent_payments"])
def test_its_arrows_have_the_numbers_of_the_sequence_diagram(name: str) -> None:
    finished = run(name)
    numbered = [line for line in finished.sequence().alt.splitlines() if re.match(r"\d+\. ", line)]
    steps = [one for one in play(finished).drawing["steps"] if one["number"]]
    assert len(steps) == len(numbered)
    for line, one in zip(numbered, steps, strict=True):
        assert line.startswith(f"{one['number']}. ")
        assert one["text"].startswith(f"Arrow {one['number']}, ")


def test_the_heads_stand_above_the_first_step(clash: Player) -> None:
    above, below = clash.drawing["heads"]
    assert 0 < above < below <= clash.drawing["steps"][0]["top"]


def test_what_a_step_changes_is_marked_with_the_answers_that_are_not_drawn() -> None:
    player = play(run(scenarios.happy_path))
    texts = [one["text"] for one in player.drawing["steps"]]
    player.step = next(place for place, text in enumerate(texts) if "update balance" in text) + 1
    assert changed(player) == [
        ["Wallet SQS", "", "empty"],
        ["Wallet DB", "ana", "balance: 30.00, version: 2"],
    ]


def test_the_event_is_shown_with_its_header_and_payload() -> None:
    player = play(run(scenarios.happy_path))
    texts = [one["text"] for one in player.drawing["steps"]]
    player.step = next(
        n for n, text in enumerate(texts, 1) if "Publish event [PaymentInit]" in text
    )
    event = dict(player.now["event"])
    assert (event["event_type"], event["causation_id"]) == ("PaymentInit", "ana:A")
    assert event["amount"] == "70.00"


def test_one_saga_has_its_own_steps(clash: Player) -> None:
    both = len(clash.drawing["steps"])
    clash.saga = "ana:B"
    assert 0 < len(clash.drawing["steps"]) < both
    assert clash.step == 0


def test_the_landmarks_are_steps(clash: Player) -> None:
    clash.step = clash.landmarks["conflict"]
    assert "conflict: start again" in clash.now["text"]


def test_a_landmark_that_only_another_saga_has_leads_there() -> None:
    player = play(run(scenarios.circuit_breaker))
    assert player.landmarks == {}
    assert player.elsewhere == {"retry": "user-06:1", "compensation": "user-13:1"}
    player._pressed(None, {"do": "jump", "name": "compensation"}, None)
    assert (player.saga, player.step) == ("user-13:1", player.landmarks["compensation"])
    assert "ReembolsarUsuario" in player.now["text"]
    with pytest.raises(ValueError, match="there is no conflict"):
        player.jump("conflict")


def test_a_step_that_there_is_not_is_the_nearest(clash: Player) -> None:
    clash.step = 1_000
    assert clash.step == len(clash.drawing["steps"])
    clash.step = -1
    assert clash.step == 0


def test_another_step_that_was_ready_makes_another_run_and_there_is_a_way_back(
    clash: Player,
) -> None:
    first = clash.run
    clash.step = 2
    ready = [one["text"] for one in clash.now["ready"]]
    other = next(n for n, one in enumerate(clash.now["ready"]) if not one["came"])
    clash.choose(other)
    assert clash.run is not first
    assert "Another run" in clash.notice
    service = ready[other].partition(":")[0]
    assert service in clash.now["text"]
    clash._pressed(None, {"do": "back"}, None)
    assert (clash.run, clash.step) == (first, 2)


def test_what_goes_wrong_is_chosen_too_and_the_laws_are_told(clash: Player) -> None:
    while not any("second time" in one["text"] for one in clash.now["perils"]):
        clash.step += 1
    twice, lost = (
        next(n for n, one in enumerate(clash.now["perils"]) if one["text"].endswith(end))
        for end in ("comes a second time", "message is lost")
    )
    first = clash.run
    clash._pressed(None, {"do": "choose", "number": twice, "wrong": True}, None)
    assert "what you had go wrong" in clash.notice
    assert clash.notice.endswith("All laws hold in it.")
    assert "message doubled" in clash.now["text"]
    clash._pressed(None, {"do": "back"}, None)
    assert clash.run is first
    clash._pressed(None, {"do": "choose", "number": lost, "wrong": True}, None)
    assert "It breaks: " in clash.notice
    assert "no silent drop" in clash.notice


def test_what_went_wrong_in_a_counterexample_is_marked_where_it_came() -> None:
    from sagakit.zoo.no_inbox import NoInbox

    answer = explore(scenarios.happy_path, services={"Wallet Service": NoInbox}, duplicates=1)
    player = play(answer.broken[0])
    came = []
    for step in range(len(player.drawing["steps"])):
        player.step = step
        came += [one["text"] for one in player.now["perils"] if one["came"]]
    assert any(text.endswith("comes a second time") for text in came)


def test_a_run_by_the_clock_says_so_and_can_be_played_by_schedule() -> None:
    player = play(run(scenarios.concurrent_payments))
    assert player.now["clock"]
    assert player.now["ready"] == []
    with pytest.raises(ValueError, match="goes by the clock"):
        player.choose(0)
    player._pressed(None, {"do": "schedule"}, None)
    assert not player.now["clock"]
    assert len(player.now["ready"]) == 2
    with pytest.raises(ValueError, match="no choice 2: there are 2, from 0 on"):
        player.choose(2)


def test_a_long_run_is_played_saga_by_saga() -> None:
    player = play(run(scenarios.circuit_breaker))
    assert player.saga == player.sagas[0] == "user-01:1"
    player.step = len(player.drawing["steps"])
    rows = next(one["rows"] for one in player.now["sections"] if one["name"] == "Stores")
    assert [row[:2] for row in rows] == [
        ["Payments DB", "user-01:1"],
        ["Wallet DB", "user-01"],
        ["Provider DB", "user-01:1"],
        ["the others", ""],
    ]
    assert rows[-1][2] == "35 items that these steps do not touch"


def test_a_counterexample_is_played_by_its_schedule() -> None:
    from sagakit.zoo.no_inbox import NoInbox

    answer = explore(scenarios.happy_path, services={"Wallet Service": NoInbox}, duplicates=1)
    found = answer.broken[0]
    for player in (play(found), found.run.play()):
        assert player.run.records.entries == found.run.records.entries
        assert not player.now["clock"]
    assert play(found).notice == found.sentence


def test_a_run_in_which_nothing_happens_has_no_steps() -> None:
    player = play(Run(scenarios.happy_path, 0, Trace([])))
    assert (player.drawing["steps"], player.step) == ([], 0)
    assert player.now["text"] == "Before the first arrow"


def test_what_is_no_run_is_refused_with_what_to_give() -> None:
    with pytest.raises(TypeError, match=r"a run, as run\('happy_path'\), not of type str"):
        play("happy_path")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"type Exploration; .* give \.broken\[0\]"):
        play(explore("happy_path"))  # type: ignore[arg-type]


def test_where_widgets_do_not_run_there_is_a_picture_and_the_end_as_tables() -> None:
    first, second = (play(run(scenarios.happy_path))._repr_mimebundle_()[0] for _ in "12")
    view = "application/vnd.jupyter.widget-view+json"
    assert first.pop(view) != second.pop(view)
    assert first == second
    assert first["text/plain"].startswith("Sequence diagram of saga ana:A")
    for part in ("<img alt=", "Stores at the end", "status: COMPLETED, version: 2"):
        assert part in first["text/html"]


def test_it_says_what_it_plays() -> None:
    assert repr(play(run(scenarios.happy_path))) == (
        "<Player of <Run of happy_path, seed 0: 1 payment COMPLETED in 392 ms>>"
    )
