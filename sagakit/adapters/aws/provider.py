"""The provider over HTTP: POST with the Idempotency-Key, credentials from Secrets Manager."""

import json
import socket
import urllib.error
import urllib.request

from sagakit.adapters.aws.resources import Resources
from sagakit.events import encode, loads
from sagakit.ports import Answer, TimedOut, Unavailable
from sagakit.sim.operations import Ask


class HttpProvider:
    """A client. Its secret is JSON: `{"url": ..., "token": ...}`."""

    def __init__(self, resources: Resources, name: str) -> None:
        self._name = name
        self._resources = resources
        self._secret: dict[str, str] | None = None

    def ask(self, request: Ask) -> Answer:
        """Raises `TimedOut` after the request's timeout, `Unavailable` if it cannot be reached."""
        secret = self._of_secret()
        path = "void" if request.void else "execute"
        body = encode({"request": list(request.request)}).encode()
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": request.key,
            "Authorization": f"Bearer {secret['token']}",
        }
        call = urllib.request.Request(f"{secret['url']}/{path}", body, headers, method="POST")
        try:
            with urllib.request.urlopen(call, timeout=request.timeout / 1000) as response:
                return Answer(response.status, str(loads(response.read())["outcome"]))
        except urllib.error.HTTPError as error:
            return self._refused(error)
        except TimeoutError:
            raise self._silent(request) from None
        except urllib.error.URLError as error:
            if isinstance(error.reason, TimeoutError | socket.timeout):
                raise self._silent(request) from None
            raise Unavailable(f"{self._name} cannot be reached: {error.reason}") from None
        except OSError as error:  # it hung up: what it did is unknown
            raise TimedOut(f"{self._name} gave no answer: {error}") from None

    def _refused(self, error: urllib.error.HTTPError) -> Answer:
        if error.code == 503:
            raise Unavailable(f"{self._name} cannot be reached: 503")
        if error.code >= 500:  # what it did is unknown
            raise TimedOut(f"{self._name} gave no answer: {error.code}")
        return Answer(error.code, str(loads(error.read())["outcome"]))

    def _silent(self, request: Ask) -> TimedOut:
        return TimedOut(f"no answer from {self._name} within {request.timeout} ms")

    def _of_secret(self) -> dict[str, str]:
        if self._secret is None:
            name = self._resources.called(self._name)
            found = self._resources.call(
                "secretsmanager", "get_secret_value", self._name, SecretId=name
            )
            self._secret = json.loads(found["SecretString"])
        return self._secret
