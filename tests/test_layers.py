"""Arrows point down: who may import whom, and what no module of the package may use.

The layers are in pyproject.toml, for `lint-imports`, and so are the names that ruff refuses. Every
import counts, those inside a function and those for types alone too.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "sagakit"

FACADE = "sagakit.run"  # imports all views inside its methods; who runs something imports it


def lint_imports(folder: Path) -> str:
    """Return what `lint-imports` says of the package in this folder: nothing if all is well."""
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"]
    ran = subprocess.run([*command, "--no-cache"], cwd=folder, capture_output=True, text=True)
    return "" if ran.returncode == 0 else ran.stdout + ran.stderr


def circles(graph: grimp.ImportGraph) -> list[set[str]]:
    """Return the sets of modules that reach one another by imports."""
    reached = {
        module: graph.find_upstream_modules(module) | {module} for module in sorted(graph.modules)
    }
    found = []
    for module, above in reached.items():
        circle = {other for other in above if module in reached[other]}
        if len(circle) > 1 and circle not in found:
            found.append(circle)
    return found


def drawn_by_chance(folder: Path) -> list[str]:
    """Return the modules that make a `Random` without a seed."""
    return [
        path.name for path in sorted(folder.rglob("*.py")) if "Random()" in path.read_text("utf-8")
    ]


def refused_names(source: str, module: str) -> str:
    """Return what ruff says of names that the package may not use."""
    command = [
        sys.executable,
        "-m",
        "ruff",
        "check",
        "--select",
        "TID251",
        "--stdin-filename",
        module,
    ]
    ran = subprocess.run([*command, "-"], input=source, cwd=ROOT, capture_output=True, text=True)
    return "" if ran.returncode == 0 else ran.stdout


def test_imports_keep_to_the_layers() -> None:
    assert lint_imports(ROOT) == ""


def test_an_import_that_points_up_is_found(tmp_path: Path) -> None:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(PACKAGE, tmp_path / "sagakit", ignore=shutil.ignore_patterns("__pycache__"))
    rogues = {
        "payments": "def f():\n    from sagakit.sim import world",
        "sim": "from ..scenarios import scenario",
        "contract": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import pandas",
        "draw": "from sagakit import run",
        "worlds/aws": "import sagakit.worlds.sqlite",
    }
    for folder, source in rogues.items():
        (tmp_path / "sagakit" / folder / "rogue.py").write_text(source, encoding="utf-8")
    (tmp_path / "sagakit" / "utils.py").touch()
    said = lint_imports(tmp_path)
    for found in (
        "sagakit.payments.rogue -> sagakit.sim.world",
        "sagakit.sim.rogue -> sagakit.scenarios.scenario",
        "sagakit.contract.rogue -> pandas",
        "sagakit.draw.rogue -> sagakit.run",
        "sagakit.worlds.aws.rogue -> sagakit.worlds.sqlite",
        "not listed as layers:\n\n- sagakit.utils",
    ):
        assert found in said


def test_no_imports_go_in_a_circle() -> None:
    graph = grimp.build_graph("sagakit", cache_dir=None)
    assert len(graph.modules) > 100
    graph.remove_module(FACADE)
    assert circles(graph) == []


def test_a_circle_of_imports_is_found() -> None:
    graph = grimp.ImportGraph()
    for importer, imported in ["ab", "bc", "ca", "cd", "ef", "fe"]:
        graph.add_import(importer=importer, imported=imported)
    assert circles(graph) == [{"a", "b", "c"}, {"e", "f"}]


def test_nothing_is_drawn_without_a_seed(tmp_path: Path) -> None:
    (tmp_path / "rogue.py").write_text("from random import Random\nx = Random().random()")
    assert drawn_by_chance(tmp_path) == ["rogue.py"]
    assert drawn_by_chance(PACKAGE) == []


@pytest.mark.parametrize(
    "source",
    [
        "import time\nnow = time.time()",
        "from time import time as clock",
        "import datetime as dt\ndt.datetime.now()",
        "from datetime import datetime\ndatetime.now()",
        "from uuid import uuid4",
        "import secrets",
        "import random\nrandom.choice([1, 2])",
        "from random import shuffle",
        "import numpy as np\nnp.random.rand()",
    ],
)
def test_ruff_refuses_clocks_and_chance_in_the_package(source: str) -> None:
    assert "TID251" in refused_names(source, "sagakit/run.py")


def test_ruff_lets_a_module_draw_by_name_and_a_real_world_read_its_clock() -> None:
    assert (
        refused_names("from random import Random\nRandom('bus').random()", "sagakit/run.py") == ""
    )
    assert refused_names("import time\ntime.time()", "sagakit/worlds/sqlite/database.py") == ""


@pytest.mark.parametrize(
    ("module", "unwanted"),
    [
        ("sagakit", {"pandas", "matplotlib", "numpy"}),
        ("sagakit.contract.deployment", {"sagakit.draw", "sagakit.laws", "pandas"}),
    ],
)
def test_importing_it_does_not_load(module: str, unwanted: set[str]) -> None:
    code = f"import sys, {module}; print({unwanted} & set(sys.modules))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout == "set()\n"
