"""Feedback: at once, in words, never a traceback."""

from decimal import Decimal
from typing import Any

import pandas as pd
import pytest

from exercises import Feedback, compare, exercise
from sagakit import run, scenarios
from sagakit.draw.story import View
from sagakit.payments.events import PaymentInit


@exercise
def is_four(answer: int) -> Feedback:
    return Feedback(answer + 0 == 4, "Two and two.", "Count on your fingers.")


def test_a_right_answer_is_true_and_says_why() -> None:
    assert is_four(4)
    assert repr(is_four(4)).startswith("Right. Two and two.")


def test_a_wrong_answer_is_false_and_hints() -> None:
    assert not is_four(5)
    assert "Hint: Count on your fingers." in repr(is_four(5))


def test_three_dots_are_no_answer_yet() -> None:
    assert not is_four(...)
    assert "three dots" in repr(is_four(...))


def test_an_answer_that_raises_is_told_in_words() -> None:
    feedback = is_four("four")
    assert not feedback
    assert "Your answer raised TypeError" in feedback.says


def test_an_answer_that_ends_the_program_ends_nothing() -> None:
    @exercise
    def calls(answer: Any) -> Feedback:
        return Feedback(bool(answer()), "")

    def learners() -> None:
        raise SystemExit

    assert "Your answer raised SystemExit in line" in calls(learners).says


def test_an_error_in_the_learners_function_names_its_line() -> None:
    @exercise
    def calls(answer: object) -> Feedback:
        assert callable(answer)
        return Feedback(bool(answer()), "")

    def learners() -> int:
        return 1 // 0

    assert "ZeroDivisionError in line" in calls(learners).says


def test_what_the_learner_wrote_cannot_become_markup() -> None:
    assert "<script>" not in Feedback(False, "<script>")._repr_html_()


def test_a_prediction_is_held_against_the_run() -> None:
    assert compare(3, 3)
    assert not compare(2, 3, "Because.")
    assert "Because." in repr(compare(2, 3, "Because."))
    assert "You predicted 2; the run says 3." in repr(compare(2, 3))
    assert "No prediction. The run says 3." in repr(compare(..., 3))
    assert "a, b" in repr(compare(..., ["a", "b"]))


@pytest.mark.parametrize(
    ("prediction", "actual"),
    [
        ([30, 2], (Decimal("30.00"), 2)),
        (("completed", 55), ("COMPLETED", Decimal("55.00"))),
        ("Yes.", "yes"),
        ("lost_answers", ["lost_answers"]),
        ({"lost_answers"}, ["lost_answers"]),
        (29.9, Decimal("29.90")),
        ("5", 5),
    ],
)
def test_a_prediction_may_be_written_in_another_way(prediction: Any, actual: Any) -> None:
    assert "As predicted." in repr(compare(prediction, actual))


@pytest.mark.parametrize(
    ("prediction", "actual"),
    [
        ((2, 30), (Decimal("30.00"), 2)),
        (30, (Decimal("30.00"), 2)),
        ((..., 2), (Decimal("30.00"), 2)),
        (29.91, Decimal("29.90")),
        ("five", 5),
        (None, 0),
        ([], ["lost_answers"]),
        (["crashes", "lost_answers"], ["lost_answers"]),
        (pd.Series([30, 2]), (Decimal("30.00"), 2)),
        (pd.Series([3]), 3),
        (True, "yes"),
    ],
)
def test_a_prediction_of_something_else_is_another_one(prediction: Any, actual: Any) -> None:
    assert "Not as predicted." in repr(compare(prediction, actual))


def test_who_has_not_answered_or_has_predicted_is_not_called_wrong() -> None:
    for feedback in (is_four(...), compare(..., 3), compare(2, 3)):
        assert "Not yet." not in repr(feedback)
        assert "✘" not in feedback._repr_html_()
    assert "✘" in is_four(5)._repr_html_()


def test_the_task_is_what_the_check_says_of_itself() -> None:
    @exercise
    def told(answer: object) -> Feedback:
        """Add one
        and one."""
        return Feedback(True, "")

    assert told.task == repr(told) == "Add one\nand one."


def test_hints_are_told_one_by_one() -> None:
    feedback = Feedback(False, "No.", ("Look up.", "At the sky.", "<b>"))
    assert feedback.hints == ("Look up.", "At the sky.", "<b>")
    assert "Look up." in repr(feedback)
    assert "sky" not in repr(feedback)
    html = feedback._repr_html_()
    assert html.count("<details>") == 3
    assert "<b>" not in html


def test_points_stand_on_lines_of_their_own() -> None:
    feedback = Feedback(False, "No.", points=(("Expected", "1 < 2"), ("Seen", "2")))
    assert repr(feedback) == "Not yet. No.\n  Expected: 1 < 2\n  Seen: 2"
    assert "<dt><em>Expected</em></dt><dd>1 &lt; 2</dd>" in feedback._repr_html_()


def test_a_run_is_shown_as_a_picture_with_an_alternative_text() -> None:
    finished = run(scenarios.happy_path)
    view = View(participants=["Wallet Service", "Wallet DB"], title="Two lanes")
    feedback = Feedback(False, "Look.", trace=finished.records, view=view)
    assert 'alt="Two lanes.' in feedback._repr_html_()
    assert "data:image/svg+xml," in feedback._repr_html_()
    assert "svg" not in repr(feedback)


def test_an_answer_that_never_ends_is_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exercises.timeouts.COMPUTING", 0.3)

    @exercise
    def calls(answer: Any) -> Feedback:
        return Feedback(bool(answer()), "")

    def forever() -> bool:
        while True:
            pass

    said = calls(forever).says
    assert "does not come to an end in line" in said


def test_an_event_that_misses_a_field_is_told_in_one_line() -> None:
    @exercise
    def builds(answer: Any) -> Feedback:
        return Feedback(bool(answer()), "")

    def learners() -> object:
        return PaymentInit.first("ana:1", payment_id="ana:1", user_id="ana", amount=1)

    said = builds(learners).says
    assert "of your code: transaction_id: field required" in said
    assert "pydantic.dev" not in said
