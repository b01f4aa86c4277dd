"""Slides from a notebook's cells: where each begins, and that a page needs nothing from outside."""

import re
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from notebooks.course.slides import LINES, WIDTH, lines, reveal, slides, to_html
from tests.notebooks.test_lint import HINT, NOTEBOOKS, SOLUTION, figure, text

PREDICTED = text("No prediction. The run says 2.")


def begun(*cells: NotebookNode) -> list[tuple[str, str]]:
    """What each piece of the cells begins, and the first word of the piece."""
    notebook = new_notebook()
    notebook.cells = list(cells)
    return [
        (cell.metadata.slideshow.slide_type, cell.source.split()[0])
        for cell in slides(notebook).cells
    ]


def test_a_heading_begins_a_slide_wherever_it_stands_in_a_cell() -> None:
    assert begun(new_markdown_cell("# Title\n\nText.\n\n## Part\n\nMore.")) == [
        ("slide", "#"),
        ("-", "Text."),
        ("slide", "##"),
        ("-", "More."),
    ]


def test_a_caption_and_its_figure_are_on_one_slide_of_their_own() -> None:
    caption = new_markdown_cell("Text.\n\n*Figure: a line.*")
    assert begun(caption, new_code_cell("draw()", outputs=figure())) == [
        ("-", "Text."),
        ("subslide", "*Figure:"),
        ("-", "draw()"),
    ]


def test_a_figure_whose_caption_comes_after_it_takes_it_along() -> None:
    drawn = new_code_cell("draw()", outputs=figure())
    assert begun(drawn, new_markdown_cell("*Figure: a line.*")) == [
        ("subslide", "draw()"),
        ("-", "*Figure:"),
    ]


def test_a_task_begins_a_slide_unless_a_heading_has_just_done_so() -> None:
    cell = new_markdown_cell("## Part\n\n**Predict.** How many?\n\n**Exercise 1.** Count.")
    assert begun(cell) == [("slide", "##"), ("-", "**Predict.**"), ("subslide", "**Exercise")]


def test_what_the_run_says_of_a_prediction_comes_at_the_next_key() -> None:
    assert begun(new_code_cell("compare()", outputs=PREDICTED)) == [("fragment", "compare()")]


def test_a_solution_is_a_note_for_the_speaker_and_a_hint_is_on_the_slide() -> None:
    assert begun(new_markdown_cell(f"{HINT}\n\n{SOLUTION}")) == [
        ("-", "<details><summary>Hint</summary>"),
        ("notes", "<details><summary>Solution</summary>"),
    ]


def test_what_does_not_fit_begins_another_slide() -> None:
    paragraphs = "\n\n".join(["Text."] * LINES)
    kinds = [kind for kind, _ in begun(new_markdown_cell(f"## Part\n\n{paragraphs}"))]
    assert kinds[0] == "slide"
    assert 1 <= kinds.count("subslide") <= 3


def test_a_hint_stays_with_what_it_is_a_hint_for() -> None:
    full = "\n".join(["A line."] * LINES)
    assert begun(new_markdown_cell(f"## Part\n\n{full}\n\n{HINT}"))[-1] == (
        "-",
        "<details><summary>Hint</summary>",
    )


def test_a_row_of_a_table_takes_more_than_a_line() -> None:
    rows = ["| a | b |"] * 10
    assert lines(new_markdown_cell("\n".join(rows))) > lines(new_markdown_cell("a\n" * 10))


def test_what_leads_in_goes_with_what_it_leads_to() -> None:
    entries = "\n".join(["* An entry."] * (LINES - 3))
    cell = new_markdown_cell(f"## Part\n\nText.\n\nYou will be able to\n\n{entries}")
    assert begun(cell) == [("slide", "##"), ("-", "Text."), ("subslide", "You"), ("-", "*")]


def test_where_a_link_leads_takes_no_room() -> None:
    linked = f"[event](../docs/glossary.md#{'event' * WIDTH})"
    assert lines(new_markdown_cell(linked)) == lines(new_markdown_cell("event"))


def test_a_tag_overrules_what_would_be() -> None:
    cell = new_markdown_cell("## Part", metadata={"tags": ["skip"]})
    assert begun(cell) == [("skip", "##")]


@pytest.mark.parametrize("path", NOTEBOOKS[:2], ids=lambda path: path.stem)
def test_a_page_has_all_that_the_notebook_says_and_loads_nothing_from_outside(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    page = to_html(notebook, path.stem)
    loaded = re.findall(r"<(?:script|link|img)[^>]*?(?:src|href)=\"([^\"]+)", page)
    outside = [one for one in loaded if not one.startswith(("reveal.js/", "data:"))]
    assert loaded
    assert outside == []
    assert not re.search(r"@import|import .* from ['\"]http", page)
    code = [cell.id for cell in notebook.cells if cell.cell_type == "code"]
    assert [one for one in code if f"cell-id={one}" not in page] == []


def test_reveal_js_is_there() -> None:
    for part in (
        "dist/reveal.js",
        "dist/reveal.css",
        "dist/theme/white.css",
        "plugin/notes/notes.js",
    ):
        assert (reveal() / part).is_file(), part
