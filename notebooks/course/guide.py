"""The tables of docs/teaching.md: for each notebook its objectives, and what checks each of them.

python -m notebooks.course.guide      bring the tables up to date; a new notebook gets a section

All else in the guide is written by hand and left as it is.
"""

import re
import sys
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from notebooks.course.lesson import checks, objectives
from notebooks.execute import HERE

GUIDE = HERE.parent / "docs" / "teaching.md"
HEAD = "| objective | checked by |\n| --- | --- |\n"
TABLE = re.compile(re.escape(HEAD) + r"(?:\|.*\n)*")


def table(notebook: NotebookNode) -> str:
    """A row an objective."""
    found = list(checks(notebook))
    rows = [
        (objective, ", ".join(one.name for one in found if number in one.objectives))
        for number, objective in enumerate(objectives(notebook), start=1)
    ]
    return HEAD + "".join(f"| {objective} | {names} |\n" for objective, names in rows)


def sections(guide: str) -> dict[str, str]:
    """Return what the guide says of each notebook, by the notebook's name."""
    found = re.split(r"^## (\d\d_\w+)\n", guide, flags=re.MULTILINE)
    return dict(zip(found[1::2], found[2::2], strict=True))


def up_to_date(guide: str, notebooks: dict[str, NotebookNode]) -> str:
    """The guide with the tables of these notebooks, by name. The last section is the last notebook.

    Raises KeyError if the guide has a section on a notebook that there is not.
    """
    parts = sections(guide)
    before = guide.partition(f"## {next(iter(parts), '')}\n")[0] if parts else guide
    if strangers := parts.keys() - notebooks.keys():
        raise KeyError(f"docs/teaching.md has sections on no notebook: {sorted(strangers)}")
    for name, notebook in sorted(notebooks.items()):
        new = table(notebook)
        text = parts.get(name, f"\n{new}")
        parts[name] = TABLE.sub(new.replace("\\", r"\\"), text)
    return before + "".join(f"## {name}\n{parts[name]}" for name in sorted(parts))


def read(paths: list[Path]) -> dict[str, NotebookNode]:
    return {path.stem: nbformat.read(path, as_version=4) for path in paths}


def main() -> int:
    guide = GUIDE.read_text(encoding="utf-8")
    GUIDE.write_text(up_to_date(guide, read(sorted(HERE.glob("*.ipynb")))), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
