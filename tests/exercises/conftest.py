"""What the tests of the exercises share."""

import pytest

from sagakit.exercises import feedback, timeouts


@pytest.fixture(autouse=True)
def judged_here(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Most answers are judged in this process: a fork of all that the tests have loaded costs more
    than most checks. `test_timeouts.py` forks, and so do the notebooks."""
    if request.path.stem != "test_timeouts":
        monkeypatch.setattr(feedback, "within_limits", timeouts.in_a_thread)
