"""What never ends is interrupted; what ends in time is left alone."""

import threading
import time

import pytest

from sagakit.exercises.patience import OutOfPatience, patience


def forever() -> None:
    while True:
        pass


def stubborn(begun: float) -> None:
    while time.process_time() < begun + 10:
        try:
            while time.process_time() < begun + 0.5:
                pass
        except BaseException:
            continue


def test_a_loop_without_an_end_is_interrupted() -> None:
    with pytest.raises(OutOfPatience), patience(0.2):
        forever()


def test_a_loop_that_catches_everything_is_interrupted_too() -> None:
    begun = time.process_time()
    with pytest.raises(OutOfPatience), patience(0.2):
        stubborn(begun)
    assert time.process_time() < begun + 5


def test_what_ends_in_time_is_left_alone() -> None:
    with patience(0.2):
        pass
    end = time.process_time() + 0.5
    while time.process_time() < end:
        pass
    assert "watch" not in {one.name for one in threading.enumerate()}


def test_an_error_goes_through() -> None:
    with pytest.raises(IndexError), patience():
        [].pop()


def test_it_works_in_another_thread() -> None:
    caught = []

    def loop() -> None:
        try:
            with patience(0.2):
                forever()
        except OutOfPatience as error:
            caught.append(error)

    thread = threading.Thread(target=loop)
    thread.start()
    thread.join(20)
    assert caught
