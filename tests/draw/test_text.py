"""A run drawn in text: what a terminal shows of it."""

import pytest

from sagakit import Run, run, scenarios
from sagakit.contract.terminal import WIDTH
from sagakit.trace.trace import Trace

HAPPY = """\
                                                         External
                                                         Provider
           User       Payment     Wallet     Provider       API    Notification
     0 ms    |---------->| POST /api/v1/payments/process     |           |
    51 ms    |           |---------->| PaymentInit           |           |
    83 ms    |           |           |---------->| ProviderPaymentInit   |
    99 ms    |           |           |           |---------->| executePayment()
   303 ms    |           |           |           |< - - - - -| OK        |
   341 ms    |           |<----------------------| ProviderPaymentSuccess
   385 ms    |           |-------------- PaymentCompleted -------------->|
   385 ms    |<------------------- Send email (SES) ---------------------|
   389 ms    |<---------------- Send push notification ------------------|
   390 ms    |<---------------- Send WebSocket message ------------------|"""


def test_each_event_is_an_arrow_from_who_published_it_to_who_handles_it() -> None:
    assert run("happy_path").text() == HAPPY


def test_silence_a_retry_and_the_time_between_them_are_seen() -> None:
    lines = run("provider_error").text().splitlines()
    silent = next(place for place, line in enumerate(lines) if "* no answer in 5 s" in line)
    assert lines[silent + 1].split() == [":"] * 6
    assert "ProviderPaymentInit, 60 s later *" in lines[silent + 2]
    assert lines[silent + 2].startswith(" 65.129 s")


def test_of_few_sagas_all_are_drawn_with_their_names() -> None:
    text = run("concurrent_payments").text()
    assert "* conflict, ana:B" in text
    assert "PaymentCompleted, ana:A" in text
    assert "not drawn" not in text


def test_of_many_sagas_one_is_drawn_and_the_others_are_counted() -> None:
    done = run("circuit_breaker")
    assert done.text().endswith("\n\nThis is user-06:1; 35 more sagas are not drawn.")
    assert done.text(saga="user-15:1").endswith("This is user-15:1; 35 more sagas are not drawn.")
    with pytest.raises(ValueError, match="no saga 'x': there are user-01:1, user-02:1, "):
        done.text(saga="x")


def test_a_long_saga_is_cut_and_says_so() -> None:
    silent = [{"behaviour": "timeout_before", "end": 600_000}]
    tries = scenarios.provider_error.but(settings={"provider_attempts": 9}, provider=silent)
    *drawn, empty, rest = run(tries).text().splitlines()
    assert len(drawn) <= 25
    assert (empty, rest.split(maxsplit=1)[1]) == ("", "more arrows are not drawn.")


def test_the_loss_of_a_store_is_seen() -> None:
    text = run("disaster_recovery").text()
    for words in ("* Wallet DB lost", "| start recovery", "* PaymentInit, again"):
        assert words in text


def test_where_nothing_happens_it_says_so() -> None:
    assert Run(scenarios.happy_path, 0, Trace([])).text() == "nothing happened"


@pytest.mark.parametrize("name", scenarios.NAMES)
def test_it_is_plain_ascii_and_fits_a_terminal(name: str) -> None:
    text = run(name).text()
    assert text.isascii()
    assert max(map(len, text.splitlines())) <= WIDTH
