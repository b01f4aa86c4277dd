"""Feedback: at once, in words, never a traceback."""

from sagakit.exercises import Feedback, compare, exercise


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


def test_who_has_not_answered_or_has_predicted_is_not_called_wrong() -> None:
    for feedback in (is_four(...), compare(..., 3), compare(2, 3)):
        assert "Not yet." not in repr(feedback)
        assert "✘" not in feedback._repr_html_()
    assert "✘" in is_four(5)._repr_html_()
