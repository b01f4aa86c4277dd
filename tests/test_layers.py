"""Arrows point down: who may import whom, and what no module of the package may use.

Every import counts, those inside a function and those for types alone too.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

PACKAGE = Path(__file__).parents[1] / "sagakit"

WORDS = {
    "sagakit.contract.events",
    "sagakit.contract.ports",
    "sagakit.contract.suggest",
    "sagakit.contract.imports",
    "sagakit.contract.terminal",
    "sagakit.contract.validation",
    "sagakit.contract.timing",
    "sagakit.contract.deployment",
    "sagakit.contract.uses",
}
VIEWS = {"pandas", "matplotlib", "numpy"}

RUN_IN = {  # a world
    *WORDS,
    "sagakit.payments",
    "sagakit.sim",
    "sagakit.scenarios",
    "sagakit.run",
    "sagakit.report",
    "sagakit.trace.context",
}

# What of sagakit a layer may import, besides itself. A module is of the innermost layer named here.
MAY_IMPORT = {
    "sagakit.contract.events": set[str](),
    "sagakit.contract.ports": {"sagakit.contract.events"},
    # What is wrong with data is put into words when it is.
    "sagakit.contract.suggest": set[str](),
    "sagakit.contract.imports": set[str](),
    "sagakit.contract.terminal": set[str](),
    "sagakit.contract.problems": {"sagakit.contract.suggest", "sagakit.contract.terminal"},
    "sagakit.contract.validation": {"sagakit.contract.problems", "sagakit.contract.terminal"},
    "sagakit.contract.timing": {"sagakit.contract.validation"},
    # A deployment imports its views when they are asked for, as a `Run` does.
    "sagakit.contract.deployment": {
        "sagakit.contract.events",
        "sagakit.contract.ports",
        "sagakit.contract.suggest",
        "sagakit.contract.validation",
        "sagakit.contract.timing",
        "sagakit.draw.deployed",
        "sagakit.draw.figure",
        "sagakit.trace.tables",
        "sagakit.laws.configuration",
    },
    "sagakit.contract.uses": {
        "sagakit.contract.events",
        "sagakit.contract.ports",
        "sagakit.contract.deployment",
    },
    "sagakit.sweeps.intervals": set[str](),
    "sagakit.trace.context": set[str](),
    "sagakit.payments": WORDS,
    "sagakit.sim": WORDS,
    "sagakit.scenarios": {*WORDS, "sagakit.payments", "sagakit.sim"},
    "sagakit.laws": {
        *WORDS,
        "sagakit.payments",
        "sagakit.sim",
        "sagakit.scenarios",
        "sagakit.run",
        "sagakit.contract.progress",
    },
    "sagakit.sweeps": {
        *WORDS,
        "sagakit.payments",
        "sagakit.sim",
        "sagakit.scenarios",
        "sagakit.laws",
        "sagakit.run",
        "sagakit.contract.progress",
    },
    "sagakit.draw": {
        "sagakit.contract.events",
        "sagakit.contract.deployment",
        "sagakit.contract.uses",
        "sagakit.trace.trace",
        "sagakit.sweeps.intervals",
        "sagakit.trace.context",
        "sagakit.contract.imports",
        "sagakit.contract.terminal",
    },
    # Nothing below may import the zoo: what is sound knows no flaw.
    "sagakit.zoo": {
        *WORDS,
        "sagakit.payments",
        "sagakit.scenarios",
        "sagakit.laws",
        "sagakit.draw",
        "sagakit.run",
        "sagakit.report",
    },
    # What a learner touches. Nothing below imports it but `Run.play`, when it is called.
    "sagakit.lab": {
        *WORDS,
        "sagakit.payments",
        "sagakit.sim",
        "sagakit.scenarios",
        "sagakit.laws",
        "sagakit.draw",
        "sagakit.run",
    },
    # The real worlds. Nothing below imports them, and none knows the others; the emulator is AWS.
    "sagakit.worlds": RUN_IN,
    "sagakit.worlds.sqlite": {*RUN_IN, "sagakit.worlds.driving", "sagakit.worlds.packing"},
    "sagakit.worlds.aws": {*RUN_IN, "sagakit.worlds.driving", "sagakit.worlds.packing"},
    "sagakit.worlds.emulator": {
        *RUN_IN,
        "sagakit.worlds.driving",
        "sagakit.worlds.packing",
        "sagakit.worlds.aws",
    },
    "sagakit.exercises": {
        *WORDS,
        "sagakit.payments",
        "sagakit.sim",
        "sagakit.scenarios",
        "sagakit.laws",
        "sagakit.run",
        "sagakit.draw.sequence",  # of what went wrong
        "sagakit.zoo",
        "sagakit.sweeps",
        "sagakit.sweeps.intervals",
        "sagakit.worlds.sqlite",  # whose process a learner kills
    },
    # In the middle: a run imports its views when they are asked for.
    "sagakit.run": {
        *WORDS,
        "sagakit.payments",
        "sagakit.sim",
        "sagakit.scenarios",
        "sagakit.laws",
        "sagakit.draw",
        "sagakit.lab",
    },
    # What is written to a terminal, and to pages.
    "sagakit.contract.progress": set[str](),
    "sagakit.gallery": set[str](),
    "sagakit.report": {
        "sagakit.contract.events",
        "sagakit.trace.trace",
        "sagakit.laws",
        "sagakit.trace.activity",
        "sagakit.run",
        "sagakit.contract.terminal",
    },
    "sagakit.showcase": {
        *WORDS,
        "sagakit.payments",
        "sagakit.scenarios",
        "sagakit.laws",
        "sagakit.draw",
        "sagakit.run",
        "sagakit.zoo",
        "sagakit.sweeps",
        "sagakit.exercises",
        "sagakit.gallery",
        "sagakit.report",
    },
    "sagakit.cli": {
        *WORDS,
        "sagakit.payments",
        "sagakit.sim",
        "sagakit.scenarios",
        "sagakit.laws",
        "sagakit.run",
        "sagakit.zoo",
        "sagakit.worlds",
        "sagakit.report",
        "sagakit.showcase",
    },
    # The two doors.
    "sagakit.__main__": {
        *WORDS,
        "sagakit.cli",
        "sagakit.scenarios",
        "sagakit.worlds.sqlite",
        "sagakit.__version__",
    },
    "sagakit": {
        "sagakit.contract.suggest",
        "sagakit.run",
        "sagakit.scenarios",
        "sagakit.laws",
        "sagakit.sweeps",
    },
}

# What a layer may not import from elsewhere.
MAY_NOT_IMPORT = {
    "sagakit.contract.events": VIEWS,
    "sagakit.contract.ports": VIEWS,
    "sagakit.contract.deployment": VIEWS
    - {"pandas"},  # whose name is its check's type, and no more
    "sagakit.payments": VIEWS | {"asyncio", "sqlite3", "time"},
}

# The same scenario and seed give the same trace: time is the world's, and randomness is drawn from
# `random.Random(name)` with a name.
NEVER = {
    "time.time",
    "time.time_ns",
    "datetime.datetime.now",
    "datetime.datetime.today",
    "datetime.datetime.utcnow",
    "datetime.date.today",
    "uuid.uuid1",
    "uuid.uuid4",
    "os.urandom",
    "secrets",
    "numpy.random",
    "random",
}


REAL_CLOCKS = {  # where a real world reads the time
    "sagakit.worlds.sqlite.clock",
    "sagakit.worlds.aws.handling",
}


class Imported(NamedTuple):
    line: int
    name: str  # the full one
    bound: str  # the name that the module knows it by, and what that stands for
    stands_for: str


def imports(tree: ast.Module, package: str) -> Iterator[Imported]:
    """All that a module imports. `package` is where a relative import starts."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for name, alias in ((each.name, each.asname) for each in node.names):
                top = name.partition(".")[0]
                yield Imported(node.lineno, name, alias or top, name if alias else top)
        elif isinstance(node, ast.ImportFrom):
            above = package.rsplit(".", node.level - 1)[0] if node.level else ""
            origin = ".".join(part for part in (above, node.module) if part)
            for each in node.names:
                name = f"{origin}.{each.name}"
                yield Imported(node.lineno, name, each.asname or each.name, name)


def uses(tree: ast.Module, known: dict[str, str]) -> Iterator[tuple[int, str]]:
    """What a module does with its imports: `d.now` is `datetime.datetime.now` if `d` stands so."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute | ast.Name) and (name := _full_name(node, known)):
            yield node.lineno, name
        if (
            isinstance(node, ast.Call)
            and not (node.args or node.keywords)
            and _full_name(node.func, known) == "random.Random"
        ):
            yield node.lineno, "random.Random without a seed"


def _full_name(node: ast.expr, known: dict[str, str]) -> str | None:
    if isinstance(node, ast.Name):
        return known.get(node.id)
    if isinstance(node, ast.Attribute) and (owner := _full_name(node.value, known)):
        return f"{owner}.{node.attr}"
    return None


def within(name: str, roots: set[str]) -> bool:
    return any(name == root or name.startswith(f"{root}.") for root in roots)


def layer_of(module: str) -> str | None:
    """The innermost layer that has the module; what stands at the top is of a layer of its own."""
    if module == "sagakit":
        return module
    layers = [layer for layer in MAY_IMPORT if layer != "sagakit" and within(module, {layer})]
    return max(layers, key=len, default=None)


def broken_rules(source: str, module: str, package: str) -> list[str]:
    """What is wrong with a module's source, a line each."""
    layer = layer_of(module)
    if layer is None:
        return [f"{module} is of no layer: say in MAY_IMPORT what it may import"]
    may_import = MAY_IMPORT[layer] | {layer} - {"sagakit"}  # which would be everything
    may_not_import = MAY_NOT_IMPORT.get(layer, set())
    tree = ast.parse(source)
    found = []
    imported = list(imports(tree, package))
    for line, name, _, _ in imported:
        upwards = within(name, {"sagakit"}) and not within(name, may_import)
        if upwards or within(name, may_not_import):
            found.append(f"{module}:{line} imports {name}")
    known = {each.bound: each.stands_for for each in imported}
    for line, name in [*((each.line, each.name) for each in imported), *uses(tree, known)]:
        allowed = {"random", "random.Random"} | ({"time.time"} if module in REAL_CLOCKS else set())
        if within(name, NEVER) and name not in allowed:
            found.append(f"{module}:{line} uses {name}")
    return found


def rules_broken_in(path: Path) -> list[str]:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    package = ".".join(parts[:-1])
    module = package if parts[-1] == "__init__" else ".".join(parts)
    return broken_rules(path.read_text(encoding="utf-8"), module, package)


def test_the_modules_keep_the_rules() -> None:
    modules = [*PACKAGE.rglob("*.py")]
    assert len(modules) > 100
    assert [rule for path in sorted(modules) for rule in rules_broken_in(path)] == []


@pytest.mark.parametrize(
    ("module", "source", "found"),
    [
        ("sagakit.payments.wallet", "from sagakit.sim import bus", "sagakit.sim.bus"),
        ("sagakit.payments.wallet", "from ..sim.bus import Bus", "sagakit.sim.bus.Bus"),
        ("sagakit.payments.wallet", "from .. import sim", "sagakit.sim"),
        ("sagakit.payments.wallet", "import sagakit.sim.bus as b", "sagakit.sim.bus"),
        ("sagakit.payments.wallet", "from sagakit import run", "sagakit.run"),
        ("sagakit.payments.wallet", "import sagakit", "sagakit"),
        ("sagakit.payments.metrics", "def f():\n    import pandas", "pandas"),
        ("sagakit.sim.kernel", "from sagakit.payments import wallet", "sagakit.payments.wallet"),
        ("sagakit.draw.lanes", "from sagakit.sim import queue", "sagakit.sim.queue"),
        ("sagakit.draw.lanes", "import sagakit.scenarios", "sagakit.scenarios"),
        ("sagakit.draw.lanes", "from sagakit.laws import laws", "sagakit.laws.laws"),
        (
            "sagakit.contract.events",
            "from sagakit.contract.ports import Store",
            "sagakit.contract.ports.Store",
        ),
        (
            "sagakit.contract.ports",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import sagakit.sim.store",
            "sagakit.sim.store",
        ),
        ("sagakit.run", "from sagakit.zoo import flaw", "sagakit.zoo.flaw"),
        ("sagakit.report", "import sagakit.exercises", "sagakit.exercises"),
        ("sagakit.contract.progress", "from sagakit.lab import play", "sagakit.lab.play"),
        ("sagakit", "from sagakit.zoo import flaw", "sagakit.zoo.flaw"),
        (
            "sagakit.worlds.aws.tables",
            "from sagakit.worlds.sqlite import stores",
            "sagakit.worlds.sqlite.stores",
        ),
        ("sagakit.run", "import time\nnow = time.time()", "time.time"),
        ("sagakit.run", "from time import time as clock", "time.time"),
        ("sagakit.run", "import datetime as dt\ndt.datetime.now()", "datetime.datetime.now"),
        ("sagakit.run", "from datetime import datetime\ndatetime.now", "datetime.datetime.now"),
        ("sagakit.run", "from uuid import uuid4", "uuid.uuid4"),
        ("sagakit.run", "import random\nrandom.choice([1, 2])", "random.choice"),
        ("sagakit.run", "from random import shuffle", "random.shuffle"),
        ("sagakit.run", "from random import Random\nRandom()", "random.Random without a seed"),
        ("sagakit.run", "import numpy as np\nnp.random.rand()", "numpy.random.rand"),
    ],
)
def test_a_broken_rule_is_found(module: str, source: str, found: str) -> None:
    problems = broken_rules(source, module, package=module.rpartition(".")[0])
    assert found in [problem.split(maxsplit=2)[2] for problem in problems]


def test_a_module_of_no_layer_is_found() -> None:
    (found,) = broken_rules("", "sagakit.utils", package="sagakit")
    assert found.startswith("sagakit.utils is of no layer")


@pytest.mark.parametrize(
    ("module", "source"),
    [
        (
            "sagakit.payments.wallet",
            "from sagakit.contract.ports import Store\nfrom . import money",
        ),
        ("sagakit.draw.lanes", "from sagakit.trace.trace import Record\nimport pandas"),
        ("sagakit.scenarios.late", "import sagakit.payments\nsagakit.payments.topology"),
        ("sagakit.sim.kernel", "from random import Random\nRandom('seed/bus').random()"),
        ("sagakit.run", "def f(self):\n    from sagakit.draw import lanes\n    self.time.time()"),
    ],
)
def test_what_the_rules_allow_passes(module: str, source: str) -> None:
    assert broken_rules(source, module, package=module.rpartition(".")[0]) == []


def test_a_deployment_loads_no_view_until_it_is_asked_for_one() -> None:
    views = "{'sagakit.draw', 'sagakit.laws', 'pandas'}"
    code = f"import sys, sagakit.contract.deployment; print({views} & set(sys.modules))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout == "set()\n"


def test_importing_sagakit_loads_neither_pandas_nor_matplotlib() -> None:
    code = "import sys, sagakit; print({'pandas', 'matplotlib', 'numpy'} & set(sys.modules))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout == "set()\n"
