"""Two editions of one source: the learner's fails at its exercises and nowhere else, the teacher's
is solved."""

from copy import deepcopy
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from notebooks.course import editions
from notebooks.course.editions import learner, main, teacher, write
from notebooks.course.lesson import answered, exercises
from notebooks.execute import EXERCISES
from tests.notebooks.shown import Shown, saved, shown

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


def unlike(learners: Shown, teachers: Shown) -> tuple[set[str], set[str], set[str]]:
    """The ids of the cells in which two editions show something else; of those that refuse the
    answer in the learner's; and of those that refuse it in the teacher's."""
    assert learners.keys() == teachers.keys()
    differing = {one for one in learners if learners[one] != teachers[one]}
    return differing, refusing(learners), refusing(teachers)


def refusing(cells: Shown) -> set[str]:
    """Predictions are not among them: nobody is wrong who has only predicted."""
    refusals = ("Not answered yet.", "Not yet.")
    return {cell for cell, texts in cells.items() if texts[-1].startswith(refusals)}


@pytest.mark.usefixtures("judged_here")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_learners_edition_fails_at_its_exercises_alone_and_the_teachers_nowhere(
    path: Path,
) -> None:
    """nbval holds that the learner's cells show what is saved."""
    source = nbformat.read(path, as_version=4)
    asked = {source.cells[one.asked_at].id for one in exercises(source)}
    assert asked
    assert unlike(saved(source), shown(teacher(deepcopy(source)))) == (asked, asked, set())


HINT = "<details><summary>Hint</summary>\n\nCount.\n\n</details>"
SOLUTION = """\
<details><summary>Solution</summary>

```python
answer = 2
```

Because one and one are two.

</details>"""


def lesson(*cells: str, solution: str = SOLUTION) -> NotebookNode:
    """One exercise, and cells after it."""
    notebook: NotebookNode = new_notebook()
    notebook.cells = [
        new_markdown_cell("# A lesson\n\nSee [event](../docs/glossary.md#event)."),
        new_code_cell(
            "from exercises import Feedback\n\nanswer = ...  # a number\nFeedback(answer == 2, '')",
        ),
        new_markdown_cell(f"{HINT}\n\n{solution}"),
        *map(new_code_cell, cells),
    ]
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number}"
    return notebook


def test_the_learner_gets_the_task_and_the_hint_and_no_solution() -> None:
    learners = learner(lesson())
    assert [cell.source for cell in learners.cells[1:]] == [lesson().cells[1].source, HINT]


def test_the_learner_gets_no_output_which_would_tell_what_to_predict() -> None:
    source = lesson()
    source.cells[1].update(outputs=["seen"], execution_count=1)
    cell = learner(source).cells[1]
    assert (cell.outputs, cell.execution_count) == ([], None)


def test_the_teacher_gets_the_solution_in_its_place_and_the_word_on_it() -> None:
    teachers = teacher(lesson())
    assert "answer = 2\nFeedback(answer == 2, '')" in teachers.cells[1].source
    assert teachers.cells[2].source == f"{HINT}\n\nBecause one and one are two."


def test_a_solution_that_is_wrong_is_found() -> None:
    wrong = lesson(solution=SOLUTION.replace("answer = 2", "answer = 3"))
    assert refusing(shown(teacher(wrong))) == {"cell-1"}


def test_a_cell_that_needs_the_answer_is_found() -> None:
    needs = lesson("print(answer)")
    differing, _, _ = unlike(shown(learner(deepcopy(needs))), shown(teacher(needs)))
    assert differing == {"cell-1", "cell-3"}


def test_a_solution_without_an_exercise_is_refused() -> None:
    notebook = lesson()
    del notebook.cells[1]
    with pytest.raises(ValueError, match="no exercise stands before"):
        teacher(notebook)


def test_what_a_solution_defines_takes_the_place_of_what_was_given() -> None:
    given = "import this\n\n\ndef f(a):\n    return ...\n\n\nanswer = ...  # f\ncheck(answer)"
    solution = "def f(a):\n    return a\n\n\nanswer = f\n"
    assert answered(given, solution) == f"import this\n\n\n{solution}check(answer)"


def test_a_class_replaces_three_dots_with_two_lines_around_it() -> None:
    assert answered(
        "import this\n\nMine = ...  # class Mine\ncheck(Mine)", "class Mine:\n    x = 1\n"
    ) == ("import this\n\n\nclass Mine:\n    x = 1\n\n\ncheck(Mine)")


@pytest.fixture
def lessons(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one lesson, in place of the fifteen."""
    monkeypatch.setattr(editions, "HERE", tmp_path / "source")
    (tmp_path / "source").mkdir()
    nbformat.write(lesson(), tmp_path / "source" / "lesson.ipynb")
    return tmp_path


def renew(lessons: Path) -> None:
    """Have the source say something else."""
    nbformat.write(lesson("print('newer')"), lessons / "source" / "lesson.ipynb")


def test_an_edition_is_a_folder_that_can_be_handed_out(tmp_path: Path) -> None:
    assert write(learner, tmp_path) == []
    written = sorted(tmp_path.glob("*.ipynb"))
    assert [path.name for path in written] == [path.name for path in NOTEBOOKS]
    texts = "".join(path.read_text() for path in written)
    assert "../docs/" not in texts
    assert "<summary>Hint</summary>" in texts
    assert "<summary>Solution</summary>" not in texts
    assert (tmp_path / "glossary.md").exists()
    copied = {path.name for path in (tmp_path / "exercises").iterdir()}
    assert copied == {path.name for path in EXERCISES.glob("*.py")}


def test_a_lesson_nobody_has_worked_in_is_renewed(lessons: Path) -> None:
    write(learner, lessons / "mine")
    renew(lessons)
    assert write(learner, lessons / "mine") == []
    assert "newer" in (lessons / "mine" / "lesson.ipynb").read_text()


def test_a_newer_lesson_does_not_overwrite_work(
    lessons: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = lessons / "mine" / "lesson.ipynb"
    write(learner, mine.parent)
    mine.write_text(mine.read_text().replace("answer = ...", "answer = 2"))
    worked = mine.read_text()
    assert write(learner, mine.parent) == []
    renew(lessons)
    assert main(["learner", "--out", str(mine.parent)]) == 0
    assert "lesson.ipynb stays as you left it" in capsys.readouterr().out
    assert mine.read_text() == worked


def test_a_lesson_that_was_only_opened_is_renewed(lessons: Path) -> None:
    mine = lessons / "mine" / "lesson.ipynb"
    write(learner, mine.parent)
    opened = nbformat.read(mine, as_version=4)
    opened.metadata["toc"] = {"what": "JupyterLab adds"}
    nbformat.write(opened, mine)
    renew(lessons)
    assert write(learner, mine.parent) == []
    assert "newer" in mine.read_text()


def test_a_renamed_lesson_makes_room_for_the_newer_one(lessons: Path) -> None:
    mine = lessons / "mine" / "lesson.ipynb"
    write(learner, mine.parent)
    mine.rename(mine.with_name("old.ipynb"))
    renew(lessons)
    assert write(learner, mine.parent) == []
    assert "newer" in mine.read_text()
    assert "newer" not in mine.with_name("old.ipynb").read_text()


def test_a_notebook_of_unknown_origin_is_left_alone(lessons: Path) -> None:
    mine = lessons / "mine" / "lesson.ipynb"
    mine.parent.mkdir()
    for text in ("{}", "[]", "no JSON"):
        mine.write_text(text)
        assert write(learner, mine.parent) == [mine]
        assert mine.read_text() == text
