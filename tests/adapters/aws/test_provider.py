"""The provider over HTTP: what each answer tells of the charge, and whose word the secret is."""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from sagakit.adapters.aws.provider import HttpProvider
from sagakit.adapters.aws.resources import Resources
from sagakit.events import encode
from sagakit.payments.topology import PROVIDER
from sagakit.ports import Answer, TimedOut, Unavailable
from sagakit.sim.operations import Ask

CHARGE = Ask(PROVIDER, False, "", "tx-ana:A", ("ana", Decimal("70.00")), 2_000)


class Secrets(Resources):
    """Resources of which only the secret is asked: each time it is read, the next token."""

    def __init__(self, url: str) -> None:
        super().__init__("prod")
        self.url = url
        self.read = 0

    def call(self, service: str, action: str, what: str, **arguments: Any) -> Any:
        self.read += 1
        secret = {"url": self.url, "token": f"token {self.read}"}
        return {"SecretString": encode(secret)}


@contextmanager
def answering(
    status: int, body: str, headers: dict[str, str] | None = None
) -> Iterator[tuple[HttpProvider, Secrets, list[tuple[str, str]]]]:
    """A provider that always answers so; with its secret, and what it was asked: at which path, by
    whom."""
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
    Thread(target=server.serve_forever, daemon=True).start()
    secrets = Secrets(f"http://127.0.0.1:{server.server_port}")
    try:
        yield HttpProvider(secrets, PROVIDER), secrets, shown
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "outcome"), [(200, "executed"), (402, "declined"), (409, "void")]
)
def test_an_answer_with_an_outcome_is_the_providers_word(status: int, outcome: str) -> None:
    with answering(status, encode({"outcome": outcome})) as (provider, _, _):
        assert provider.ask(CHARGE) == Answer(status, outcome)


@pytest.mark.parametrize("status", [401, 403, 404, 429, 503])
def test_who_is_not_let_in_has_charged_nobody(status: int) -> None:
    with (
        answering(status, "<html>no</html>") as (provider, _, _),
        pytest.raises(Unavailable, match=str(status)),
    ):
        provider.ask(CHARGE)


@pytest.mark.parametrize(
    ("status", "body"),
    [(200, "<html>"), (200, "[]"), (200, "{}"), (200, '{"outcome": 7}'), (500, "{}"), (502, "")],
)
def test_an_answer_that_does_not_tell_what_was_done_is_none(status: int, body: str) -> None:
    with answering(status, body) as (provider, _, _), pytest.raises(TimedOut, match=str(status)):
        provider.ask(CHARGE)


def test_what_is_no_http_tells_nothing_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BaseHTTPRequestHandler, "send_response", lambda *_: None)
    with (
        answering(200, "hello") as (provider, _, _),
        pytest.raises(TimedOut, match="gave no answer"),
    ):
        provider.ask(CHARGE)


def test_nobody_is_followed_elsewhere_with_the_token() -> None:
    with answering(200, encode({"outcome": "executed"})) as (_, elsewhere, shown):
        with (
            answering(302, "", {"Location": f"{elsewhere.url}/execute"}) as (provider, _, _),
            pytest.raises(Unavailable, match="answered 302: is that its URL"),
        ):
            provider.ask(CHARGE)
        assert shown == []


def test_a_slash_at_the_end_of_the_url_does_no_harm() -> None:
    with answering(200, encode({"outcome": "executed"})) as (provider, secrets, shown):
        secrets.url += "/"
        assert provider.ask(CHARGE) == Answer(200, "executed")
    assert shown == [("/execute", "Bearer token 1")]


def test_a_token_that_is_accepted_is_read_once() -> None:
    with answering(200, encode({"outcome": "executed"})) as (provider, secrets, _):
        provider.ask(CHARGE)
        provider.ask(CHARGE)
        assert secrets.read == 1


def test_one_that_is_refused_is_read_again_so_that_it_can_be_changed() -> None:
    """A function that is warm has kept the token from before."""
    with answering(401, "{}") as (provider, _, shown):
        for _ in (1, 2):
            with pytest.raises(Unavailable, match="is the token in prod-external-provider-api the"):
                provider.ask(CHARGE)
    assert [token for _, token in shown] == ["Bearer token 1", "Bearer token 2"]
