"""The provider over HTTP: POST with the Idempotency-Key, and a token from Secrets Manager."""

import http.client
import urllib.error
import urllib.request
from typing import Any

from sagakit.contract.events import NotUnderstood, encode, loads
from sagakit.contract.operations import Ask
from sagakit.contract.ports import Answer, TimedOut, Unavailable
from sagakit.worlds.aws.resources import Resources


class Stays(urllib.request.HTTPRedirectHandler):
    """Follows no redirection: it would take the token elsewhere, and ask with GET."""

    def redirect_request(self, *_: Any) -> None:
        return None


OPENER = urllib.request.build_opener(Stays)


class HttpProvider:
    """A client of a party that is reached at `url`. Its secret is the token, and nothing else."""

    def __init__(self, resources: Resources, name: str, url: str) -> None:
        self._name = name
        self._resources = resources
        self._url = url.rstrip("/")
        self._token: str | None = None

    def ask(self, request: Ask) -> Answer:
        """Raises `TimedOut` after the request's timeout, and for an answer that does not tell what
        was done; `Unavailable` if nothing was done: it cannot be reached, or lets nobody in."""
        path = "void" if request.void else "execute"
        body = encode({"request": list(request.request)}).encode()
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": request.key,
            "Authorization": f"Bearer {self._secret()}",
        }
        call = urllib.request.Request(f"{self._url}/{path}", body, headers, method="POST")
        config = self._resources.config
        timeout = config.read_timeout if config else request.timeout / 1000
        try:
            with OPENER.open(call, timeout=timeout) as response:
                outcome = _outcome(response.read())
                if outcome is None:
                    raise TimedOut(f"{self._name} answered {response.status} without an outcome")
                return Answer(response.status, outcome)
        except urllib.error.HTTPError as error:
            return self._refused(error)
        except TimeoutError:
            raise self._silent(request) from None
        except urllib.error.URLError as error:
            if isinstance(error.reason, TimeoutError):
                raise self._silent(request) from None
            raise Unavailable(f"{self._name} cannot be reached: {error.reason}") from None
        except (OSError, http.client.HTTPException) as error:  # it hung up: what it did is unknown
            raise TimedOut(f"{self._name} gave no answer: {error}") from None

    def _refused(self, error: urllib.error.HTTPError) -> Answer:
        if error.code in (401, 403):
            self._token = None  # somebody may have put another one in
            secret = self._resources.called(self._name)
            raise Unavailable(
                f"{self._name}: {error.code}: is the token in {secret} the right one?"
            )
        if error.code in (429, 503):
            raise Unavailable(f"{self._name} cannot be reached: {error.code}")
        if error.code >= 500:  # what it did is unknown
            raise TimedOut(f"{self._name} gave no answer: {error.code}")
        outcome = _outcome(error.read())
        if outcome is None:
            raise Unavailable(f"{self._name} answered {error.code}: is that its URL?")
        return Answer(error.code, outcome)

    def _silent(self, request: Ask) -> TimedOut:
        return TimedOut(f"no answer from {self._name} within {request.timeout} ms")

    def _secret(self) -> str:
        if self._token is None:
            name = self._resources.called(self._name)
            found = self._resources.call(
                "secretsmanager", "get_secret_value", self._name, SecretId=name
            )
            self._token = str(found["SecretString"]).strip()  # from a file it has an end of line
        return self._token


def _outcome(body: bytes) -> str | None:
    """What the answer says of the charge; None if it says nothing that can be read."""
    try:
        content: Any = loads(body)
    except NotUnderstood:
        return None
    outcome = content.get("outcome") if isinstance(content, dict) else None
    return outcome if isinstance(outcome, str) else None
