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
    "sagakit.events",
    "sagakit.ports",
    "sagakit.meant",
    "sagakit.extras",
    "sagakit.terminal",
    "sagakit.checked",
    "sagakit.timing",
    "sagakit.deployment",
    "sagakit.uses",
}
VIEWS = {"pandas", "matplotlib", "numpy"}

RUN_IN = {  # a world
    *WORDS,
    "sagakit.payments",
    "sagakit.sim",
    "sagakit.scenarios",
    "sagakit.run",
    "sagakit.report",
    "sagakit.tracing",
}

# What of sagakit a layer may import, besides itself. A module is of the innermost layer named here.
MAY_IMPORT = {
    "sagakit.events": set[str](),
    "sagakit.ports": {"sagakit.events"},
    # What is wrong with data is put into words when it is.
    "sagakit.meant": set[str](),
    "sagakit.extras": set[str](),
    "sagakit.terminal": set[str](),
    "sagakit.problems": {"sagakit.meant", "sagakit.terminal"},
    "sagakit.checked": {"sagakit.problems", "sagakit.terminal"},
    "sagakit.timing": {"sagakit.checked"},
    # A deployment imports its views when they are asked for, as a `Run` does.
    "sagakit.deployment": {
        "sagakit.events",
        "sagakit.ports",
        "sagakit.meant",
        "sagakit.checked",
        "sagakit.timing",
        "sagakit.plot.deployed",
        "sagakit.plot.figure",
        "sagakit.plot.tables",
        "sagakit.check.configuration",
    },
    "sagakit.uses": {"sagakit.events", "sagakit.ports", "sagakit.deployment"},
    "sagakit.intervals": set[str](),
    "sagakit.tracing": set[str](),
    "sagakit.payments": WORDS,
    "sagakit.sim": WORDS,
    "sagakit.scenarios": {*WORDS, "sagakit.payments", "sagakit.sim"},
    "sagakit.check": {
        *WORDS,
        "sagakit.payments",
        "sagakit.sim",
        "sagakit.scenarios",
        "sagakit.run",
        "sagakit.progress",
    },
    "sagakit.sweeps": {
        *WORDS,
        "sagakit.payments",
        "sagakit.sim",
        "sagakit.scenarios",
        "sagakit.check",
        "sagakit.run",
        "sagakit.progress",
    },
    "sagakit.plot": {
        "sagakit.events",
        "sagakit.deployment",
        "sagakit.uses",
        "sagakit.sim.trace",
        "sagakit.intervals",
        "sagakit.tracing",
        "sagakit.extras",
        "sagakit.terminal",
    },
    # Nothing below may import the zoo: what is sound knows no flaw.
    "sagakit.zoo": {
        *WORDS,
        "sagakit.payments",
        "sagakit.scenarios",
        "sagakit.check",
        "sagakit.plot",
        "sagakit.run",
        "sagakit.report",
    },
    # What a learner touches. Nothing below imports it but `Run.play`, when it is called.
    "sagakit.lab": {
        *WORDS,
        "sagakit.payments",
        "sagakit.sim",
        "sagakit.scenarios",
        "sagakit.check",
        "sagakit.plot",
        "sagakit.run",
    },
    # The real worlds. Nothing below imports them, and none knows the others; the emulator is AWS.
    "sagakit.adapters": RUN_IN,
    "sagakit.adapters.sqlite": {*RUN_IN, "sagakit.adapters.driving", "sagakit.adapters.packing"},
    "sagakit.adapters.aws": {*RUN_IN, "sagakit.adapters.driving", "sagakit.adapters.packing"},
    "sagakit.adapters.emulator": {
        *RUN_IN,
        "sagakit.adapters.driving",
        "sagakit.adapters.packing",
        "sagakit.adapters.aws",
    },
    "sagakit.exercises": {
        *WORDS,
        "sagakit.payments",
        "sagakit.sim",
        "sagakit.scenarios",
        "sagakit.check",
        "sagakit.run",
        "sagakit.plot.sequence",  # of what went wrong
        "sagakit.zoo",
        "sagakit.sweeps",
        "sagakit.intervals",
        "sagakit.adapters.sqlite",  # whose process a learner kills
    },
    # In the middle: a run imports its views when they are asked for.
    "sagakit.run": {
        *WORDS,
        "sagakit.payments",
        "sagakit.sim",
        "sagakit.scenarios",
        "sagakit.check",
        "sagakit.plot",
        "sagakit.lab",
    },
    # What is written to a terminal, and to pages.
    "sagakit.progress": set[str](),
    "sagakit.gallery": set[str](),
    "sagakit.report": {
        "sagakit.events",
        "sagakit.sim.trace",
        "sagakit.check",
        "sagakit.plot.pieces",
        "sagakit.run",
        "sagakit.terminal",
    },
    "sagakit.showcase": {
        *WORDS,
        "sagakit.payments",
        "sagakit.scenarios",
        "sagakit.check",
        "sagakit.plot",
        "sagakit.run",
        "sagakit.zoo",
        "sagakit.sweeps",
        "sagakit.exercises",
        "sagakit.gallery",
        "sagakit.report",
    },
    "sagakit.commands": {
        *WORDS,
        "sagakit.payments",
        "sagakit.sim",
        "sagakit.scenarios",
        "sagakit.check",
        "sagakit.run",
        "sagakit.zoo",
        "sagakit.adapters",
        "sagakit.report",
        "sagakit.showcase",
    },
    # The two doors.
    "sagakit.__main__": {
        *WORDS,
        "sagakit.commands",
        "sagakit.scenarios",
        "sagakit.adapters.sqlite",
        "sagakit.__version__",
    },
    "sagakit": {
        "sagakit.meant",
        "sagakit.run",
        "sagakit.scenarios",
        "sagakit.check",
        "sagakit.sweeps",
    },
}

# What a layer may not import from elsewhere.
MAY_NOT_IMPORT = {
    "sagakit.events": VIEWS,
    "sagakit.ports": VIEWS,
    "sagakit.deployment": VIEWS - {"pandas"},  # whose name is its check's type, and no more
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
    "sagakit.adapters.sqlite.clock",
    "sagakit.adapters.aws.handling",
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
        ("sagakit.plot.lanes", "from sagakit.sim import queue", "sagakit.sim.queue"),
        ("sagakit.plot.lanes", "import sagakit.scenarios", "sagakit.scenarios"),
        ("sagakit.plot.lanes", "from sagakit.check import laws", "sagakit.check.laws"),
        ("sagakit.events", "from sagakit.ports import Store", "sagakit.ports.Store"),
        (
            "sagakit.ports",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import sagakit.sim.store",
            "sagakit.sim.store",
        ),
        ("sagakit.run", "from sagakit.zoo import flaw", "sagakit.zoo.flaw"),
        ("sagakit.report", "import sagakit.exercises", "sagakit.exercises"),
        ("sagakit.progress", "from sagakit.lab import play", "sagakit.lab.play"),
        ("sagakit", "from sagakit.zoo import flaw", "sagakit.zoo.flaw"),
        (
            "sagakit.adapters.aws.tables",
            "from sagakit.adapters.sqlite import stores",
            "sagakit.adapters.sqlite.stores",
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
        ("sagakit.payments.wallet", "from sagakit.ports import Store\nfrom . import money"),
        ("sagakit.plot.lanes", "from sagakit.sim.trace import Record\nimport pandas"),
        ("sagakit.scenarios.late", "import sagakit.payments\nsagakit.payments.topology"),
        ("sagakit.sim.kernel", "from random import Random\nRandom('seed/bus').random()"),
        ("sagakit.run", "def f(self):\n    from sagakit.plot import lanes\n    self.time.time()"),
    ],
)
def test_what_the_rules_allow_passes(module: str, source: str) -> None:
    assert broken_rules(source, module, package=module.rpartition(".")[0]) == []


def test_a_deployment_loads_no_view_until_it_is_asked_for_one() -> None:
    views = "{'sagakit.plot', 'sagakit.check', 'pandas'}"
    code = f"import sys, sagakit.deployment; print({views} & set(sys.modules))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout == "set()\n"


def test_importing_sagakit_loads_neither_pandas_nor_matplotlib() -> None:
    code = "import sys, sagakit; print({'pandas', 'matplotlib', 'numpy'} & set(sys.modules))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout == "set()\n"
