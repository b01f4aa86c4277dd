"""Make `.venv-3.12` and the like: one for each other Python that this machine has.

`make setup` runs it. They hold pydantic, which is all that a run needs, so that
`test_same_on_every_python.py` can run the scenarios under each; and, from 3.12 on, simloom, so that
`make bench` can stand beside it whatever Python it runs in itself.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
SUPPORTED = ("3.11", "3.12", "3.13")
SIMLOOM = "simloom; python_version >= '3.12'"


def candidates(version: str) -> list[str]:
    """Where a Python of that version may be: on the path, or among those of pyenv."""
    pyenv = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"), reverse=True)
    return [f"python{version}", *map(str, pyenv)]


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
    this = "{}.{}".format(*sys.version_info)
    for version in SUPPORTED:
        if version == this:
            continue
        python = next((each for each in candidates(version) if works(each, version)), None)
        if python is None:
            print(f"Python {version}: not on this machine, the same-traces test goes without it")
            continue
        print(f"Python {version}: {python}, into .venv-{version}", flush=True)
        try:
            make(python, ROOT / f".venv-{version}")
        except subprocess.CalledProcessError as error:
            print(f"Python {version}: left out, {error}")


if __name__ == "__main__":
    main()
