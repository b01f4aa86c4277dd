"""What every notebook owes its learners, as rules. Each takes a saved notebook and yields what is
wrong with it, a sentence each."""

import re
from collections.abc import Callable, Iterator

import mistune
from nbformat import NotebookNode

from notebooks.course.glossary import anchor, linked, terms, unlinked
from notebooks.course.lesson import TAG, checks, exercises, objectives

Rule = Callable[[NotebookNode], Iterator[str]]

LINES = 15  # of a code cell, so that it is seen whole beside what it shows
HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)
RENDERED_CODE = re.compile(r"<(code|pre)\b.*?</\1>", re.DOTALL)
FENCED = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
CAPTION = re.compile(r"^\*Figures?\b", re.MULTILINE)
EXERCISE = re.compile(r"\*\*Exercise (\d+)\.")

# An address that something is loaded from: by code, by a page, by a picture. A link to click on is
# none, and neither is the name of a namespace in an SVG.
LOADED = re.compile(r"""(?:\bsrc=|\bhref=|url\(|@import )["']?(?:https?:)?//[^\s"')>]+""")
FETCHED = re.compile(r"https?://|^\s*[%!]\s*(?:pip|conda|curl|wget)\b", re.MULTILINE)
PICTURE = re.compile(r"!\[[^\]]*\]\((https?:[^)]*)\)")


def code(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def prose(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "markdown"]


def headings(notebook: NotebookNode) -> list[tuple[str, int, str]]:
    """The cell, the level and the text of each."""
    return [
        (cell.id, len(sign), text)
        for cell in prose(notebook)
        for sign, text in HEADING.findall(FENCED.sub("", cell.source))
    ]


def one_title(notebook: NotebookNode) -> Iterator[str]:
    titles = [text for _, level, text in headings(notebook) if level == 1]
    if len(titles) != 1:
        yield f"it has {len(titles)} titles (headings with one #) instead of one: {titles}"
    if not notebook.cells[0].source.startswith("# "):
        yield "it does not begin with its title"


def headings_in_order(notebook: NotebookNode) -> Iterator[str]:
    above = 0
    for cell, level, text in headings(notebook):
        if level > above + 1:
            yield f"{cell}: the heading {text!r} has level {level} below one of level {above}"
        above = level


def marks_are_rendered(notebook: NotebookNode) -> Iterator[str]:
    """No asterisk of Markdown is left in the text: `say*this*` opens nothing."""
    for cell in prose(notebook):
        html = RENDERED_CODE.sub("", str(mistune.html(cell.source)))
        if found := re.search(r".{0,30}\*.{0,30}", html):
            yield f"{cell.id}: an asterisk is shown as it is: {found[0]!r}"


def short_cells(notebook: NotebookNode) -> Iterator[str]:
    for cell in code(notebook):
        lines = len(cell.source.splitlines())
        if lines > LINES:
            yield f"{cell.id}: {lines} lines of code, {LINES} at most"


def executed_in_order(notebook: NotebookNode) -> Iterator[str]:
    """From top to bottom, once: so nothing that is shown rests on what is not seen."""
    for number, cell in enumerate(code(notebook), start=1):
        if cell.execution_count is None:
            yield f"{cell.id} was not executed"
        elif cell.execution_count != number:
            yield f"{cell.id} was executed as number {cell.execution_count} instead of {number}"


def exercises_are_whole(notebook: NotebookNode) -> Iterator[str]:
    """Counted from 1; each with a check, a hint and a solution."""
    asked = [int(n) for cell in prose(notebook) for n in EXERCISE.findall(cell.source)]
    if asked != list(range(1, len(asked) + 1)):
        yield f"the exercises are numbered {asked}"
    checked = {check.cell.id for check in checks(notebook) if check.name.startswith("exercise")}
    solved = list(exercises(notebook))
    if len(checked) != len(asked):
        yield f"{len(asked)} exercises, but {len(checked)} cells that say 'Not answered yet'"
    if {notebook.cells[one.asked_at].id for one in solved} != checked:
        yield "a solution, and only one, must follow each exercise's check"
    for one in solved:
        if "<summary>Hint</summary>" not in notebook.cells[one.solved_at].source:
            yield f"{notebook.cells[one.solved_at].id}: a solution without a hint"


def objectives_are_checked(notebook: NotebookNode) -> Iterator[str]:
    """An objective for each exercise, a check for each objective."""
    stated = objectives(notebook)
    if not stated:
        yield "its first cell has no list of objectives"
    checked = set()
    for check in checks(notebook):
        checked.update(check.objectives)
        if check.name.startswith("exercise") and not check.objectives:
            yield f"{check.cell.id}: {check.name} has no tag that says which objective it checks"
        for number in check.objectives:
            if number not in range(1, len(stated) + 1):
                yield f"{check.cell.id}: there is no objective {number}"
    for number, objective in enumerate(stated, start=1):
        if number not in checked:
            yield f"objective {number} has no check: {objective}"
    tagged = {cell.id for cell in notebook.cells if any(map(TAG.fullmatch, tags(cell)))}
    for cell in sorted(tagged - {check.cell.id for check in checks(notebook)}):
        yield f"{cell}: it is tagged as a check of an objective, and checks nothing"


def tags(cell: NotebookNode) -> list[str]:
    return list(cell.metadata.get("tags", []))


def figures_have_captions(notebook: NotebookNode) -> Iterator[str]:
    """In italics in the text above, or else below; a caption for each cell with figures."""
    free = {cell.id: len(CAPTION.findall(cell.source)) for cell in prose(notebook)}
    for index, cell in enumerate(notebook.cells):
        if not pictures(cell):
            continue
        above = [one.id for one in reversed(notebook.cells[:index]) if one.id in free]
        below = [one.id for one in notebook.cells[index:] if one.id in free]
        caption = next((one for one in (*above[:1], *below[:1]) if free[one]), None)
        if caption is None:
            yield f"{cell.id}: no caption (*Figure: ...*) in the text above or below"
        else:
            free[caption] -= 1


def figures_have_alternatives(notebook: NotebookNode) -> Iterator[str]:
    """A text that says what is to be seen, for those who cannot see it."""
    for cell in code(notebook):
        for data in pictures(cell):
            text = data.get("text/plain", "")
            if len(text.split()) < 5 or text.startswith("<"):
                yield f"{cell.id}: the figure has no text alternative, but {text!r}"


def pictures(cell: NotebookNode) -> list[NotebookNode]:
    data = [output.get("data", {}) for output in cell.get("outputs", [])]
    return [one for one in data if one.get("text/html", "").startswith("<img ")]


def terms_are_linked(notebook: NotebookNode) -> Iterator[str]:
    """Each term of the glossary at its first use, and no link to what is not there."""
    known = terms()
    for term, index, *_ in unlinked(notebook, known):
        yield f"{notebook.cells[index].id}: {term!r} is not linked to the glossary at its first use"
    for target in linked(notebook).keys() - set(map(anchor, known)):
        yield f"the glossary has no {target!r}"


def nothing_from_outside(notebook: NotebookNode) -> Iterator[str]:
    """No address that is needed when the notebook runs or is shown."""
    for cell in prose(notebook):
        for found in PICTURE.findall(cell.source) + LOADED.findall(cell.source):
            yield f"{cell.id} loads {found}"
    for cell in code(notebook):
        if found := FETCHED.search(cell.source):
            yield f"{cell.id} fetches something: {found[0].strip()}"
        for output in cell.outputs:
            for found in LOADED.findall(str(output.get("data", ""))):
                yield f"{cell.id}: what it shows loads {found}"


RULES: tuple[Rule, ...] = (
    one_title,
    headings_in_order,
    marks_are_rendered,
    short_cells,
    executed_in_order,
    exercises_are_whole,
    objectives_are_checked,
    figures_have_captions,
    figures_have_alternatives,
    terms_are_linked,
    nothing_from_outside,
)
