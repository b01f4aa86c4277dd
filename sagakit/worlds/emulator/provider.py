"""The provider over HTTP: it keeps its own books, and does to each call what the scenario says."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from sagakit.contract.events import encode, loads
from sagakit.contract.external import Entry, booked
from sagakit.contract.operations import Ask
from sagakit.contract.ports import Answer
from sagakit.payments.payment import payment_id_in
from sagakit.payments.topology import PROVIDER
from sagakit.scenarios.build import reaction_to
from sagakit.scenarios.scenario import Scenario
from sagakit.trace.trace import Asked, Record
from sagakit.worlds.aws.handling import Write
from sagakit.worlds.emulator.clock import CLOCK


class Provider:
    """Listens at `url` until it is closed. `begun` is the scenario's 0 ms; `write` takes the
    records of its books."""

    def __init__(self, scenario: Scenario, begun: int, write: Write) -> None:
        self._scenario = scenario
        self._begun = begun
        self._write = write
        self._books: dict[str, Entry] = {}
        self._calls: dict[str, int] = {}
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def answer(self, request: Ask) -> Answer | None:
        """None if it says nothing within the client's timeout, when that has passed."""
        with self._lock:
            call = self._calls[request.key] = self._calls.get(request.key, 0) + 1
            asked, timeout = CLOCK.now(), self._scenario.settings.provider_timeout
            rules = self._scenario.provider
            behaviour, delay = reaction_to(rules, request, call, asked - self._begun)
            if behaviour == "down":
                return Answer(503, "down")
            silent = behaviour in ("timeout_before", "timeout_after") or delay >= timeout
            CLOCK.pass_until(asked + (timeout if silent else delay))
            if behaviour == "timeout_before":
                return None
            answer = self._book(request, decline=behaviour == "decline")
            return None if silent else answer

    def _book(self, request: Ask, *, decline: bool) -> Answer:
        before = self._books.get(request.key)
        entry, answer = booked(before, request, decline=decline)
        if entry != before:
            self._books[request.key] = entry
            detail = Asked(request.key, entry.request, entry.state)
            saga = payment_id_in(request.key)
            self._write(
                Record(
                    CLOCK.now(), "note", PROVIDER, PROVIDER, "books:", None, saga, None, 0, detail
                )
            )
        return answer

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _handler(provider: Provider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = loads(self.rfile.read(int(self.headers["Content-Length"])))
            key, void = self.headers["Idempotency-Key"], self.path.endswith("void")
            answer = provider.answer(Ask(PROVIDER, void, "", key, (*body["request"],), 0))
            if answer is None:
                return
            text = encode({"outcome": answer.outcome}).encode()
            self.send_response(answer.status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: Any) -> None: ...

    return Handler
