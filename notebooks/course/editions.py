"""Make the two editions of the notebooks: the learner's and the teacher's.

python -m notebooks.course.editions learner               without solutions, to out/learner
python -m notebooks.course.editions teacher               solved, to out/teacher
python -m notebooks.course.editions teacher --execute     ... and run

There is one source, the notebooks in this folder: unanswered, with each solution in a block that is
folded up (see `lesson.py`). Each edition is a folder that can be handed out as it is. One that was
there is renewed, but for the notebooks in which somebody has worked.
"""

import argparse
import json
import shutil
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from notebooks.course.lesson import SOLUTION, answered, exercises
from notebooks.execute import EXERCISES, GLOSSARY, HERE, run

OUT = HERE.parent / "out"
RECORD = ".editions.json"  # of each notebook, the digest of what was written here last

Edition = Callable[[NotebookNode], NotebookNode]


def learner(notebook: NotebookNode) -> NotebookNode:
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
        cell = notebook.cells[exercise.asked_at]
        cell.source = answered(cell.source, exercise.solution)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = SOLUTION.sub(r"\g<word>", cell.source).rstrip()
        else:
            cell.update(outputs=[], execution_count=None)
    notebook.cells = [cell for cell in notebook.cells if cell.source]
    return notebook


def write(edition: Edition, folder: Path) -> list[Path]:
    """Write an edition of every notebook to a folder, with the glossary and the checks of the
    exercises, which need nothing but sagakit.

    A notebook that somebody has changed there since it was written stays as it is. Returns those
    that stayed although the lesson is another by now.
    """
    folder.mkdir(parents=True, exist_ok=True)
    record = folder / RECORD
    digests = json.loads(record.read_text(encoding="utf-8")) if record.exists() else {}
    outdated = []
    for source in sorted(HERE.glob("*.ipynb")):
        lesson = _text(edition, source)
        path = folder / source.name
        before = digests.get(path.name)
        if path.exists() and _changed(path, before):
            if _digest(lesson) != before:
                outdated.append(path)
            continue
        path.write_text(lesson, encoding="utf-8")
        digests[path.name] = _digest(lesson)
    record.write_text(json.dumps(digests, indent=1) + "\n", encoding="utf-8")
    shutil.copy(GLOSSARY, folder)
    shutil.rmtree(folder / EXERCISES.name, ignore_errors=True)  # a module may be gone
    shutil.copytree(
        EXERCISES, folder / EXERCISES.name, ignore=shutil.ignore_patterns("__pycache__")
    )
    return outdated


def _text(edition: Edition, source: Path) -> str:
    notebook = edition(nbformat.read(source, as_version=4))
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = cell.source.replace("](../docs/", "](")
    return f"{nbformat.writes(notebook)}\n"


def _changed(path: Path, before: str | None) -> bool:
    try:
        return _digest(path.read_text(encoding="utf-8")) != before
    except (ValueError, LookupError, TypeError, AttributeError):  # no notebook, whatever it is
        return True


def _digest(text: str) -> str:
    """Digest what somebody works on. The rest of a notebook JupyterLab changes by opening it."""
    cells = json.loads(text).get("cells", [])
    worked_on = [("".join(cell["source"]), cell.get("outputs")) for cell in cells]
    return sha256(json.dumps(worked_on).encode()).hexdigest()


EDITIONS: dict[str, Edition] = {"learner": learner, "teacher": teacher}


def main(arguments: list[str] | None = None) -> int:
    """Return the exit status: 0, or 1 if a notebook that was to be run failed."""
    parser = argparse.ArgumentParser(description="Make the editions of the notebooks.")
    parser.add_argument("edition", choices=EDITIONS)
    parser.add_argument("--execute", action="store_true", help="run the notebooks that were made")
    parser.add_argument("--out", type=Path, metavar="DIR", help="default: out/EDITION")
    options = parser.parse_args(arguments)
    folder = options.out or OUT / options.edition
    outdated = write(EDITIONS[options.edition], folder)
    print(f"The {options.edition}'s edition is in {folder}/")
    for path in outdated:
        print(f"  {path.name} stays as you left it; there is a newer one: rename yours to get it")
    return run(sorted(folder.glob("*.ipynb")), None) if options.execute else 0


if __name__ == "__main__":
    sys.exit(main())
