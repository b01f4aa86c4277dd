"""What a process takes that does one thing and ends."""

from collections.abc import Callable
from functools import partial

from tests.bench.seconds import cpu_seconds_of_python

LEAST = "one pydantic model"
RUN, PICTURE = "python -m sagakit run happy_path", "run + sequence, seconds of a cold process"

CONTENDERS: dict[str, Callable[[], float]] = {
    LEAST: partial(
        cpu_seconds_of_python, "-c", "from pydantic import BaseModel\nclass One(BaseModel): x: int"
    ),
    RUN: partial(cpu_seconds_of_python, "-m", "sagakit", "run", "happy_path"),
    PICTURE: partial(
        cpu_seconds_of_python, "-c", "from sagakit import run; run('happy_path').sequence().svg()"
    ),
}
GOALS = {RUN: 1.3}
