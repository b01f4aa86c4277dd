"""The rules that every notebook keeps, and for each rule something that it rejects."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from notebooks.course.glossary import terms
from tests.notebooks import lint
from tests.notebooks.lint import RULES, Rule

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_every_notebook_keeps_the_rule(rule: Rule, path: Path) -> None:
    assert list(rule(nbformat.read(path, as_version=4))) == []


def test_the_first_notebook_draws_asks_and_runs_within_five_cells() -> None:
    first = nbformat.read(NOTEBOOKS[0], as_version=4).cells[:5]
    sources = [cell.source for cell in first if cell.cell_type == "code"]
    for part, source in zip(
        ("deployment_diagram(", "prediction = ...", "run("), sources, strict=True
    ):
        assert part in source


TITLE = """\
# A title

When you have worked through this you will be able to

* count to two, and
  further;
* draw."""
HINT = "<details><summary>Hint</summary>\n\nCount.\n\n</details>"
SOLUTION = "<details><summary>Solution</summary>\n\n```python\nanswer = 2\n```\n\n</details>"


def text(shown: str, **data: str) -> list[NotebookNode]:
    return [new_output("execute_result", data={"text/plain": shown, **data})]


def figure(alternative: str = "A line from the left to the right") -> list[NotebookNode]:
    return text(alternative, **{"text/html": "<img src='data:'>"})


def sound() -> NotebookNode:
    """A notebook that keeps all rules."""
    notebook: NotebookNode = new_notebook()
    notebook.cells = [
        new_markdown_cell(TITLE),
        new_markdown_cell("## A heading\n\n*Figure: a line.*"),
        new_code_cell("draw()", outputs=figure()),
        new_markdown_cell("A [saga](../docs/glossary.md#saga) is drawn."),
        new_code_cell("compare(prediction, 2)", outputs=text("No prediction. The run says 2.")),
        new_markdown_cell("**Exercise 1.** Count."),
        new_code_cell("answer = ...\ncheck(answer)", outputs=text("Not answered yet. Put ...")),
        new_markdown_cell(f"{HINT}\n\n{SOLUTION}"),
    ]
    for index, cell in enumerate(notebook.cells):
        cell.id = f"cell-{index}"
    notebook.cells[4].metadata["tags"] = ["objective-2"]
    notebook.cells[6].metadata["tags"] = ["objective-1"]
    for number, cell in enumerate(lint.code(notebook), start=1):
        cell.execution_count = number
    return notebook


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_a_sound_notebook_keeps_the_rule(rule: Rule) -> None:
    assert list(rule(sound())) == []


def source(index: int, text: str) -> Callable[[NotebookNode], Any]:
    return lambda notebook: notebook.cells[index].update(source=text)


def cell(index: int, **changes: Any) -> Callable[[NotebookNode], Any]:
    return lambda notebook: notebook.cells[index].update(changes)


def tagged(index: int, *tags: str) -> Callable[[NotebookNode], Any]:
    return lambda notebook: notebook.cells[index].metadata.update(tags=list(tags))


@pytest.mark.parametrize(
    ("rule", "flaw", "word"),
    [
        (lint.one_title, source(1, "# Another title"), "it has 2 titles"),
        (lint.one_title, source(0, "## A heading"), "it has 0 titles"),
        (lint.one_title, source(0, "Some text\n\n# A title"), "does not begin with its title"),
        (lint.headings_in_order, source(1, "### A heading"), "level 3 below one of level 1"),
        (lint.marks_are_rendered, source(3, "*It says*\nno*, and ends.*"), "an asterisk"),
        (lint.short_cells, source(2, "draw()\n" * 16), "16 lines of code, 15 at most"),
        (lint.executed_in_order, cell(4, execution_count=None), "cell-4 was not executed"),
        (lint.executed_in_order, cell(4, execution_count=7), "as number 7 instead of 2"),
        (lint.exercises_are_whole, source(5, "**Exercise 2.** Count."), "are numbered [2]"),
        (lint.exercises_are_whole, source(5, "Count."), "0 exercises, but 1 cells"),
        (lint.exercises_are_whole, source(7, HINT), "a solution, and only one, must follow"),
        (lint.exercises_are_whole, source(7, SOLUTION), "cell-7: a solution without a hint"),
        (lint.objectives_are_checked, source(0, "# A title"), "no list of objectives"),
        (lint.objectives_are_checked, tagged(6), "exercise 1 has no tag"),
        (lint.objectives_are_checked, tagged(4), "objective 2 has no check: draw"),
        (lint.objectives_are_checked, tagged(4, "objective-3"), "there is no objective 3"),
        (lint.objectives_are_checked, tagged(2, "objective-2"), "and checks nothing"),
        (lint.figures_have_captions, source(1, "## A heading"), "cell-2: no caption"),
        (lint.figures_have_captions, cell(4, outputs=figure()), "cell-4: no caption"),
        (
            lint.figures_have_alternatives,
            cell(2, outputs=figure("<Figure>")),
            "no text alternative",
        ),
        (lint.figures_have_alternatives, cell(2, outputs=figure("A line")), "no text alternative"),
        (lint.terms_are_linked, source(3, "A saga is drawn."), "'saga' is not linked"),
        (lint.terms_are_linked, source(3, "**Sagas** are drawn."), "'saga' is not linked"),
        (lint.terms_are_linked, source(1, "A saga.\n\n*Figure*"), "cell-1: 'saga' is not linked"),
        (lint.terms_are_linked, source(3, "A dead letter is read."), "'dead letter' is not"),
        (lint.terms_are_linked, source(3, "[X](../docs/glossary.md#x)"), "glossary has no 'x'"),
        (lint.nothing_from_outside, source(1, "![A](https://example.org/a.png)"), "example.org"),
        (lint.nothing_from_outside, source(1, '<img src="//example.org/a.png">'), "example.org"),
        (lint.nothing_from_outside, source(2, "get('https://example.org')"), "fetches something"),
        (lint.nothing_from_outside, source(2, "%pip install this"), "fetches something"),
        (
            lint.nothing_from_outside,
            cell(2, outputs=text("", **{"text/html": "<script src='https://example.org/a.js'>"})),
            "what it shows loads",
        ),
    ],
)
def test_the_rule_rejects(rule: Rule, flaw: Callable[[NotebookNode], Any], word: str) -> None:
    notebook = sound()
    flaw(notebook)
    assert word in "\n".join(rule(notebook))


@pytest.mark.parametrize(
    "prose",
    [
        "`saga` is a name.",
        "```text\nsaga\n```",
        "The Wallet Service and the Event Store are names.",
        "### Saga",
        "<details><summary>What is a saga?</summary>",
        "A [saga](../docs/glossary.md#saga) once, and a saga again.",
    ],
)
def test_what_is_no_first_use_needs_no_link(prose: str) -> None:
    notebook = sound()
    notebook.cells[3].source = prose
    assert list(lint.terms_are_linked(notebook)) == []


def test_the_glossary_is_in_the_order_of_the_alphabet_and_has_each_term_once() -> None:
    known = [term.replace("-", " ") for term in terms()]
    assert known == sorted(set(known))


def test_a_link_to_click_on_is_not_loaded() -> None:
    notebook = sound()
    notebook.cells[3].source = "[A site](https://example.org)"
    assert list(lint.nothing_from_outside(notebook)) == []
