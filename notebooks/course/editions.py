"""Make the two editions of the notebooks: the learner's and the teacher's.

python -m notebooks.course.editions student               without solutions, to out/student
python -m notebooks.course.editions teacher               solved, to out/teacher
python -m notebooks.course.editions teacher --execute     ... and run

There is one source, the notebooks in this folder: unanswered, with each solution in a block that is
folded up (see `lesson.py`). Each edition is a folder that can be handed out as it is.
"""

import argparse
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from notebooks.course.lesson import SOLUTION, answered, exercises
from notebooks.execute import GLOSSARY, HERE, run

OUT = HERE.parent / "out"


def student(notebook: NotebookNode) -> NotebookNode:
    """Take out the solutions, and what was shown, which tells what to predict. Hints stay."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = SOLUTION.sub("", cell.source).rstrip()
        else:
            cell.update(outputs=[], execution_count=None)
    notebook.cells = [cell for cell in notebook.cells if cell.source]
    return notebook


def teacher(notebook: NotebookNode) -> NotebookNode:
    """Put each solution in its exercise. What is said about it stays below."""
    for exercise in exercises(notebook):
        cell = notebook.cells[exercise.place]
        cell.source = answered(cell.source, exercise.solution)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = SOLUTION.sub(r"\g<word>", cell.source).rstrip()
        else:
            cell.update(outputs=[], execution_count=None)
    notebook.cells = [cell for cell in notebook.cells if cell.source]
    return notebook


def write(edition: Callable[[NotebookNode], NotebookNode], folder: Path) -> list[Path]:
    """Write an edition of every notebook to a folder, and the glossary that they link to."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for path in sorted(HERE.glob("*.ipynb")):
        notebook = edition(nbformat.read(path, as_version=4))
        for cell in notebook.cells:
            if cell.cell_type == "markdown":
                cell.source = cell.source.replace("](../docs/", "](")
        nbformat.write(notebook, folder / path.name)
        written.append(folder / path.name)
    shutil.copy(GLOSSARY, folder)
    return written


def worked_in(folder: Path) -> list[str]:
    """The learners' notebooks in a folder that somebody has begun to run."""
    return [
        path.name
        for path in sorted(folder.glob("*.ipynb"))
        if any(cell.get("execution_count") for cell in nbformat.read(path, as_version=4).cells)
    ]


EDITIONS = {"student": student, "teacher": teacher}


def main(arguments: list[str] | None = None) -> int:
    """Exit status 0, 1 if a notebook that was to be run failed, or 2 if a learner's work would be
    lost."""
    parser = argparse.ArgumentParser(description="Make the editions of the notebooks.")
    parser.add_argument("edition", choices=EDITIONS)
    parser.add_argument("--execute", action="store_true", help="run the notebooks that were made")
    parser.add_argument("--out", type=Path, metavar="DIR", help="default: out/EDITION")
    options = parser.parse_args(arguments)
    folder = options.out or OUT / options.edition
    if options.edition == "student" and (worked := worked_in(folder)):
        parser.error(
            f"somebody has worked in {folder} ({', '.join(worked)}), and would lose it: "
            "move these notebooks away, or name another folder with --out"
        )
    written = write(EDITIONS[options.edition], folder)
    print(f"{len(written)} notebooks in {folder}")
    return run(written, None) if options.execute else 0


if __name__ == "__main__":
    sys.exit(main())
