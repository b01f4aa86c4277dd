"""Keep the rows of a sweep: in memory, or as they come in a folder of Parquet files."""

import json
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

from sagakit.contract.imports import extra
from sagakit.sweeps.outcome import Outcome
from sagakit.sweeps.plan import BadSweep, Case, Plan

if TYPE_CHECKING:
    import pandas as pd

EVERY = 10.0  # s between two files
PLAIN = int | float | bool | str | None
PLAN_FILE = "_sweep.json"  # Parquet readers pass over what begins with "_"

FinishedRun = tuple[int, Case, Outcome]  # its number first


class Memory:
    """Rows in memory."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.done: set[int] = set()
        self._rows: list[FinishedRun] = []

    def add(self, rows: Sequence[FinishedRun]) -> None:
        self._rows.extend(rows)

    def flush(self) -> None:
        """Do nothing: all is where it stays."""

    def frame(self) -> "pd.DataFrame":
        """Return all rows in the order of the runs' numbers."""
        return _frame(self.plan, sorted(self._rows))


class Folder(Memory):
    """Rows in Parquet files of a folder: each file is written at once or not at all.

    done    the numbers of the runs that were there at the start

    Raises `BadSweep` if the folder holds something else, `MissingExtra` without pyarrow.
    """

    def __init__(self, plan: Plan, to: str | Path) -> None:
        with extra("parquet"):
            import_module("pyarrow")  # with which pandas writes the files
        super().__init__(plan)
        self.to = Path(to)
        self._written = time.perf_counter()
        self._claim()
        self.done = {int(number) for number in self._read()["run"]}

    def _claim(self) -> None:
        """Take the folder for this plan. Rows of another one must not be mixed with it."""
        if self.to.exists() and not self.to.is_dir():
            raise BadSweep(f"to: {self.to} is a file: name a folder")
        self.to.mkdir(parents=True, exist_ok=True)
        described = _described(self.plan)
        file = self.to / PLAN_FILE
        if file.exists():
            if file.read_text(encoding="utf-8") != described:
                raise BadSweep(
                    f"to: {self.to} holds another sweep (see {PLAN_FILE} there): name a new folder"
                )
            return
        if any(self.to.iterdir()):
            raise BadSweep(f"to: {self.to} holds something else: name a new folder")
        _write_at_once(file, lambda path: path.write_text(described, encoding="utf-8"))

    def add(self, rows: Sequence[FinishedRun]) -> None:
        super().add(rows)
        if time.perf_counter() - self._written > EVERY:
            self.flush()

    def flush(self) -> None:
        """Write the rows that wait."""
        if self._rows:
            rows = sorted(self._rows)
            frame = _frame(self.plan, rows).reset_index()
            file = self.to / f"runs-{rows[0][0]:09}-{rows[-1][0]:09}-{len(rows)}.parquet"
            _write_at_once(file, lambda path: frame.to_parquet(path, engine="pyarrow", index=False))
            self._rows.clear()
        self._written = time.perf_counter()

    def frame(self) -> "pd.DataFrame":
        """Return all rows of the folder in the order of the runs' numbers."""
        return self._read().drop_duplicates("run").set_index("run").sort_index()

    def _read(self) -> "pd.DataFrame":
        import pandas as pd

        frames = [pd.read_parquet(file) for file in sorted(self.to.glob("runs-*.parquet"))]
        return pd.concat(frames or [_frame(self.plan, []).reset_index()], ignore_index=True)


def _write_at_once(file: Path, write: Callable[[Path], object]) -> None:
    """Write a file that is there whole or not at all, whenever the process ends."""
    unfinished = file.with_name(f".{file.name}.unfinished")
    write(unfinished)
    unfinished.replace(file)


def _described(plan: Plan) -> str:
    """Return a plan as text, to tell it from others."""
    services = {
        name: f"{getattr(service, '__module__', '')}.{getattr(service, '__qualname__', service)}"
        for name, service in (plan.services or {}).items()
    }
    over = {path: [_cell(value) for value in values] for path, values in plan.over.items()}
    fields = {"over": over, "seeds": plan.seeds, "services": services}
    return json.dumps({**fields, "scenario": plan.scenario.to_json()}, indent=1)


def _frame(plan: Plan, rows: Sequence[FinishedRun]) -> "pd.DataFrame":
    """Return the rows as a table whose types depend on the plan alone."""
    import pandas as pd

    columns: dict[str, Any] = {
        path: pd.Series([_cell(case.values[index]) for _, case, _ in rows], dtype=_type(values))
        for index, (path, values) in enumerate(plan.over.items())
    }
    columns["seed"] = pd.Series([case.seed for _, case, _ in rows], dtype="int64")
    for name, hint in get_type_hints(Outcome).items():
        kind: Any = "str" if hint is str else "Int64"
        columns[name] = pd.Series([getattr(out, name) for _, _, out in rows], dtype=kind)
    index = pd.Index([number for number, _, _ in rows], dtype="int64", name="run")
    return pd.DataFrame(columns).set_axis(index)


def _type(values: tuple[Any, ...]) -> Any:
    import pandas as pd

    return pd.Series([_cell(value) for value in values], dtype=object).convert_dtypes().dtype


def _cell(value: Any) -> PLAIN:
    """Return a value as it stands in a table: of what has parts, its text."""
    return value if isinstance(value, PLAIN) else str(value)
