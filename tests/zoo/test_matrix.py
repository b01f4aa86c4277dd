"""The kill matrix as a table, as a figure, and on the command line."""

import json
from functools import cache

import pytest

from sagakit import zoo
from sagakit.cli import main
from sagakit.draw.matrix import FlawRow, alternative, matrix
from sagakit.zoo import NAMES
from sagakit.zoo import matrix as zoo_matrix
from sagakit.zoo.matrix import Kill, describe, kill_figure, kill_matrix, kills
from sagakit.zoo.no_inbox import FLAW as NO_INBOX
from tests.draw.looking import complaints, words

Captured = pytest.CaptureFixture[str]

LAWS = ("one law", "another law", "a third law")
HEADS = ("faults", "states")


@cache
def every_kill() -> list[Kill]:
    return list(kills())


@pytest.fixture
def killed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every flaw is explored once for all tests."""
    monkeypatch.setattr(zoo_matrix, "kills", every_kill)


@pytest.mark.usefixtures("killed_once")
def test_the_table_has_a_row_a_flaw_and_a_column_a_law() -> None:
    table = kill_matrix()
    assert list(table.columns[:6]) == ["flaw", "law", "budget", "found", "states", "steps"]
    assert len(table.columns) == 6 + 15
    assert tuple(table["flaw"]) == NAMES
    assert table["found"].all()
    for _, row in table.iterrows():
        assert row[row["law"]]
    without_steps = table[table["steps"].isna()]["flaw"]
    assert set(without_steps) == {"whole_batch_retry", "snapshot_by_timestamp", "replay_publishes"}


@pytest.mark.usefixtures("killed_once")
def test_the_figure_tells_of_every_flaw_and_can_be_read() -> None:
    picture = kill_figure()
    laws = set(kill_matrix().columns[6:])
    assert {*NAMES, *laws, "the sound services"} <= set(words(picture))
    # The names of the laws are slanted: their boxes overlap, their letters do not.
    beside = [text for text in complaints(picture) if not _between(text, laws)]
    assert beside == []
    assert 'no_inbox: breaks "at most once", and besides "conservation"' in picture.alt
    assert "the sound services: no law is broken" in picture.alt
    assert picture.svg() == kill_figure().svg()


def _between(complaint: str, laws: set[str]) -> bool:
    one, _, other = complaint.partition(" lies on ")
    return {one.strip("'"), other.strip("'")} <= laws


def test_the_figure_shows_what_breaks_what_was_missed_and_what_holds() -> None:
    rows = [
        FlawRow("found", "one law", ["one law", "a third law"], ("crashes=1", "12")),
        FlawRow("missed", "another law", ["one law"], ("none", "")),
        FlawRow("at ease", "", [], ("all", "1,300"), apart=True),
    ]
    picture = matrix("Flaws", LAWS, HEADS, rows)
    shown = words(picture)
    assert shown.count("?") == 1 + 1  # in its row, and in the legend
    assert shown.count("·") == 1 + 1 + 3 + 1
    assert picture.alt.splitlines() == [
        "Flaws.",
        'found: breaks "one law", and besides "a third law" (faults: crashes=1; states: 12).',
        'missed: does not break "another law", but "one law" (faults: none).',
        "at ease: no law is broken (faults: all; states: 1,300).",
    ]


def test_a_row_without_a_law_of_its_own_tells_what_it_breaks() -> None:
    told = alternative("Flaws", HEADS, [FlawRow("at ease", "", ["one law"], ("all", "7"))])
    assert told.endswith('at ease: breaking "one law" (faults: all; states: 7).')


def test_a_budget_in_words() -> None:
    assert describe({}) == "none"
    assert describe({"provider": {"decline": 1}, "crashes": 2}) == "crashes=2, decline=1"


@pytest.mark.usefixtures("killed_once")
def test_the_command_line_shows_the_matrix_and_the_proofs(capsys: Captured) -> None:
    assert main(["zoo"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    lines = out.splitlines()
    assert [line.split()[0] for line in lines[1 : 1 + len(NAMES)]] == list(NAMES)
    assert out.count(" yes ") == len(NAMES)
    proofs = lines[len(NAMES) + 3 :]
    assert len(proofs) == len(zoo_matrix.challenges())
    assert all(line.endswith("15 held") for line in proofs)


@pytest.mark.usefixtures("killed_once")
def test_the_command_line_writes_the_kill_matrix_as_json(capsys: Captured) -> None:
    assert main(["zoo", "--format", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [one["flaw"] for one in told["flaws"]] == list(NAMES)
    for one in told["flaws"]:
        assert list(one) == ["flaw", "law", "budget", "found", "states", "steps", "breaks"]
        assert one["found"]
        assert one["law"] in one["breaks"]
    assert all(one["complete"] and not one["broken"] for one in told["sound"])


def test_a_flaw_that_is_missed_is_told_by_text_and_status(
    capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    harmless = NO_INBOX._replace(budget={})
    monkeypatch.setattr(zoo_matrix, "ALL", (harmless,))
    assert main(["zoo"]) == 1
    assert " NO " in capsys.readouterr().out
    assert main(["zoo", "--format=json"]) == 1
    (one,) = json.loads(capsys.readouterr().out)["flaws"]
    assert (one["found"], one["states"], one["steps"], one["breaks"]) == (False, None, None, [])


def test_sound_services_that_break_a_law_are_told_by_text_and_status(
    capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    lossy = zoo_matrix.Challenge(NO_INBOX.scenario, {"drops": 1})
    monkeypatch.setattr(zoo_matrix, "ALL", zoo.ALL[:1])
    monkeypatch.setattr(zoo_matrix, "challenges", lambda: [lossy])
    assert main(["zoo"]) == 1
    assert "BROKEN: " in capsys.readouterr().out


def test_a_wrong_format_is_refused(capsys: Captured) -> None:
    assert main(["zoo", "--format", "yaml"]) == 2
    assert "there is no format 'yaml': use one of json, table" in capsys.readouterr().err
