"""The provider over HTTP: what each answer tells of the charge, and when its token is read."""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, NamedTuple

import pytest

from sagakit.contract.events import encode
from sagakit.contract.operations import Ask
from sagakit.contract.ports import Answer, TimedOut, Unavailable
from sagakit.payments.topology import PROVIDER
from sagakit.worlds.aws.handling import HttpProvider
from sagakit.worlds.aws.resources import Resources

CHARGE = Ask(PROVIDER, False, "", "tx-ana:A", ("ana", Decimal("70.00")), 600_000)


class Secrets(Resources):
    """Resources of which only the secret is asked: each time it is read, the next token."""

    def __init__(self) -> None:
        super().__init__("prod")
        self.read = 0

    def call(self, service: str, action: str, what: str, **arguments: Any) -> Any:
        self.read += 1
        return {"SecretString": f"token {self.read}\n"}  # as from a file


class Answering(NamedTuple):
    url: str
    provider: HttpProvider
    secrets: Secrets
    shown: list[tuple[str, str]]  # what it was asked: at which path, by whom


@contextmanager
def answering(status: int, body: str, headers: dict[str, str] | None = None) -> Iterator[Answering]:
    """A provider that always answers so."""
    shown: list[tuple[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            shown.append((self.path, self.headers["Authorization"]))
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    url, secrets = f"http://127.0.0.1:{server.server_port}", Secrets()
    try:
        yield Answering(url, HttpProvider(secrets, PROVIDER, url), secrets, shown)
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "outcome"), [(200, "executed"), (402, "declined"), (409, "void")]
)
def test_an_answer_with_an_outcome_is_the_providers_word(status: int, outcome: str) -> None:
    with answering(status, encode({"outcome": outcome})) as one:
        assert one.provider.ask(CHARGE) == Answer(status, outcome)


@pytest.mark.parametrize("status", [401, 403, 404, 429, 503])
def test_who_is_not_let_in_has_charged_nobody(status: int) -> None:
    with (
        answering(status, "<html>no</html>") as one,
        pytest.raises(Unavailable, match=str(status)),
    ):
        one.provider.ask(CHARGE)


@pytest.mark.parametrize(
    ("status", "body"),
    [(200, "<html>"), (200, "[]"), (200, "{}"), (200, '{"outcome": 7}'), (500, "{}"), (502, "")],
)
def test_an_answer_that_does_not_tell_what_was_done_is_none(status: int, body: str) -> None:
    with answering(status, body) as one, pytest.raises(TimedOut, match=str(status)):
        one.provider.ask(CHARGE)


def test_what_is_no_http_tells_nothing_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BaseHTTPRequestHandler, "send_response", lambda *_: None)
    with (
        answering(200, "hello") as one,
        pytest.raises(TimedOut, match="gave no answer"),
    ):
        one.provider.ask(CHARGE)


def test_nobody_is_followed_elsewhere_with_the_token() -> None:
    with answering(200, encode({"outcome": "executed"})) as elsewhere:
        with (
            answering(302, "", {"Location": f"{elsewhere.url}/execute"}) as one,
            pytest.raises(Unavailable, match="answered 302: is that its URL"),
        ):
            one.provider.ask(CHARGE)
        assert elsewhere.shown == []


def test_a_slash_at_the_end_of_the_url_does_no_harm() -> None:
    with answering(200, encode({"outcome": "executed"})) as one:
        provider = HttpProvider(one.secrets, PROVIDER, f"{one.url}/")
        assert provider.ask(CHARGE) == Answer(200, "executed")
    assert one.shown == [("/execute", "Bearer token 1")]


def test_a_token_that_is_accepted_is_read_once() -> None:
    with answering(200, encode({"outcome": "executed"})) as one:
        one.provider.ask(CHARGE)
        one.provider.ask(CHARGE)
        assert one.secrets.read == 1


def test_one_that_is_refused_is_read_again_so_that_it_can_be_changed() -> None:
    """A function that is warm has kept the token from before."""
    with answering(401, "{}") as one:
        for _ in (1, 2):
            with pytest.raises(Unavailable, match="is the token in prod-external-provider-api the"):
                one.provider.ask(CHARGE)
    assert [token for _, token in one.shown] == ["Bearer token 1", "Bearer token 2"]
