"""CPU seconds: of work in this process, and of a process of its own."""

import gc
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any


def cpu_seconds(work: Callable[[], Any]) -> float:
    """Return the CPU seconds that `work` takes, without what collecting its garbage takes."""
    gc.collect()
    gc.disable()
    try:
        start = time.process_time()
        work()
        return time.process_time() - start
    finally:
        gc.enable()


def cpu_seconds_of_python(*arguments: str) -> float:
    """Return the CPU seconds of `python *arguments`, from its start to its end."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
