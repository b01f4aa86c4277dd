"""The teacher's guide names every notebook, objective and exercise that there is, and no other."""

import re
from pathlib import Path

import pytest

from notebooks.course.guide import GUIDE, HEAD, read, sections, table, up_to_date
from notebooks.course.lesson import checks
from tests.notebooks.test_lint import NOTEBOOKS, sound

TEXT = GUIDE.read_text(encoding="utf-8")
LESSONS = read(NOTEBOOKS)


def test_there_is_a_section_for_each_notebook_with_its_objectives_and_their_checks() -> None:
    assert list(sections(TEXT)) == sorted(LESSONS)
    assert up_to_date(TEXT, LESSONS) == TEXT, "run python -m notebooks.course.guide"


@pytest.mark.parametrize("name", sorted(LESSONS))
def test_a_section_has_the_time_misconceptions_with_a_question_and_what_to_discuss(
    name: str,
) -> None:
    section = sections(TEXT)[name]
    assert re.search(r"^Time: \d+ minutes", section, re.MULTILINE)
    beliefs = section.partition("| what learners believe |")[2]
    assert len(re.findall(r"^\| [^|]+ \| [^|]+\? \|$", beliefs, re.MULTILINE)) >= 3
    assert len(re.findall(r"^\* .+", section.partition("To discuss:")[2], re.MULTILINE)) >= 2


def test_every_notebook_that_is_named_exists() -> None:
    assert set(re.findall(r"`(\d\d_\w+)`", TEXT)) - LESSONS.keys() == set()


@pytest.mark.parametrize("name", sorted(LESSONS))
def test_every_exercise_and_prediction_that_a_section_names_exists(name: str) -> None:
    named = set(re.findall(r"(?:exercise|prediction) \d+", sections(TEXT)[name]))
    assert named - {check.name for check in checks(LESSONS[name])} == set()


def test_every_exercise_and_prediction_of_the_plan_of_three_hours_exists() -> None:
    hours = TEXT.partition("## A plan for three hours")[2].partition("\n## ")[0]
    rows = re.findall(r"`(\d\d_\w+)`(.*)", hours)
    assert rows
    for name, row in rows:
        there = {check.name for check in checks(LESSONS[name])}
        for kind, first, last in re.findall(
            r"(exercise|prediction)s? (\d+)(?: (?:to|and) (\d+))?", row
        ):
            assert {f"{kind} {first}", f"{kind} {last or first}"} <= there, row


def test_every_notebook_is_in_the_plan_of_three_days() -> None:
    days = TEXT.partition("## A plan for three days")[2].partition("\n## ")[0]
    assert set(re.findall(r"`(\d\d_\w+)`", days)) == LESSONS.keys()


def test_the_plan_of_three_hours_takes_three_hours() -> None:
    hours = TEXT.partition("## A plan for three hours")[2].partition("\n## ")[0]
    assert sum(map(int, re.findall(r"^\| (\d+) \|", hours, re.MULTILINE))) == 180


def test_a_day_of_the_plan_leaves_half_an_hour_and_gives_each_notebook_the_time_it_needs() -> None:
    days = TEXT.partition("## A plan for three days")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| \d.*", days, re.MULTILINE)
    assert len(rows) == 3
    for row in rows:
        assert sum(map(int, re.findall(r"` (\d+)", row))) <= 6 * 60 - 30
    for name, minutes in re.findall(r"`(\d\d_\w+)` (\d+)", days):
        (needed,) = re.findall(r"^Time: .*?\.", sections(TEXT)[name], re.MULTILINE)
        assert minutes in re.findall(r"\d+", needed), name


def test_a_table_says_what_checks_each_objective() -> None:
    rows = ["| count to two, and further | exercise 1 |", "| draw | prediction 1 |"]
    assert table(sound()) == HEAD + "\n".join(rows) + "\n"


def test_a_table_that_is_old_is_renewed_and_what_is_written_by_hand_stays() -> None:
    guide = f"# Guide\n\n## 01_a\n\nTime.\n\n{HEAD}| an old one | exercise 7 |\n\nTo discuss:\n"
    assert up_to_date(guide, {"01_a": sound()}) == (
        f"# Guide\n\n## 01_a\n\nTime.\n\n{table(sound())}\nTo discuss:\n"
    )


def test_a_new_notebook_gets_a_section() -> None:
    assert up_to_date("# Guide\n\n", {"01_a": sound()}) == f"# Guide\n\n## 01_a\n\n{table(sound())}"


def test_a_section_on_no_notebook_is_refused() -> None:
    with pytest.raises(KeyError, match="01_a"):
        up_to_date("# Guide\n\n## 01_a\n", {})


def test_the_links_lead_to_files() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", TEXT):
        assert (Path(GUIDE).parent / target).exists(), target
