"""What the tests of the exercises share."""

import pytest


@pytest.fixture(autouse=True)
def _in_this_process(request: pytest.FixtureRequest) -> None:
    if request.path.stem != "test_timeouts":
        request.getfixturevalue("judged_here")
