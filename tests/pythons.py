"""Make `.venv-3.12` and the like: one for each other Python that this machine has.

`make test` runs it. They hold pydantic, which is all that a run needs, so that
`test_same_on_every_python.py` can run the scenarios under each; and, from 3.12 on, simloom, so that
`make bench` can stand beside it whatever Python it runs in itself. With `--newest` it makes none,
and prints the newest other Python.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
SUPPORTED = ("3.11", "3.12", "3.13", "3.14")
SIMLOOM = "simloom; python_version >= '3.12'"


def others() -> Iterator[tuple[str, str]]:
    """Yield version and path of each other Python here: on the path, or among those of pyenv."""
    for version in SUPPORTED:
        pyenv = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"), reverse=True)
        found = (each for each in (f"python{version}", *map(str, pyenv)) if works(each, version))
        if version != "{}.{}".format(*sys.version_info) and (python := next(found, None)):
            yield version, python


def works(python: str, version: str) -> bool:
    """Whether it runs, is of that version and can make a venv. A shim may be there and not run."""
    code = "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2])"
    try:
        run = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    except OSError:
        return False
    return run.returncode == 0 and run.stdout.strip() == version


def make(python: str, folder: Path) -> None:
    """Make the venv anew. Raises `subprocess.CalledProcessError` if that fails."""
    subprocess.run([python, "-m", "venv", "--clear", folder], check=True)
    install = ["-m", "pip", "--disable-pip-version-check", "install", "-q"]
    packages = ["-c", str(ROOT / "constraints.txt"), "pydantic", SIMLOOM]
    subprocess.run([str(folder / "bin" / "python"), *install, *packages], check=True)


def main() -> None:
    found = list(others())
    if "--newest" in sys.argv[1:]:
        print(*(python for _, python in found[-1:]))
        return
    for version, python in found:
        print(f"Python {version}: {python}, into .venv-{version}", flush=True)
        try:
            make(python, ROOT / f".venv-{version}")
        except subprocess.CalledProcessError as error:
            print(f"Python {version}: left out, {error}")
    if not found:
        print("No other Python is here: the same-traces test compares none.")


if __name__ == "__main__":
    main()
