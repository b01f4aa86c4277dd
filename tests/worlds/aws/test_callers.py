"""Who may pay: a caller whom Cognito knows, from the wallet of that name and no other."""

from typing import Any

import pytest

from sagakit.contract.events import loads
from sagakit.payments.payment import CreatePayment, Payment
from sagakit.payments.topology import payment_system
from sagakit.trace.facts import Answered, Invoked, Record
from sagakit.worlds.aws.functions import Function
from sagakit.worlds.aws.resources import Resources
from sagakit.worlds.invocation import Invocation

BODY = '{"user_id": "ana", "amount": 70}'


class Entrance:
    """The API's function, with a Payment Service that takes whatever it is asked."""

    def __init__(self) -> None:
        self.asked: list[CreatePayment] = []
        self.records: list[Record] = []
        self.function = Function(
            "API Gateway", payment_system(), Resources("prod", {"region_name": "eu-west-1"}),
            write=self.records.append, invoke=self._create,
        )  # fmt: skip

    def _create(self, _service: str, command: CreatePayment, _by: Invocation) -> Payment:
        self.asked.append(command)
        return Payment(command.payment_id, "tx", command.user_id, command.amount)

    def post(self, context: Any, body: str = BODY) -> tuple[int, Any]:
        event = {"requestContext": context, "headers": {"Idempotency-Key": "A"}, "body": body}
        answer = self.function(event)
        return answer["statusCode"], loads(answer["body"])


@pytest.fixture
def entrance() -> Entrance:
    return Entrance()


def signed_in(name: Any) -> dict[str, Any]:
    """The request context that API Gateway makes of an ID token."""
    return {"authorizer": {"claims": {"sub": "8f1c", "cognito:username": name}}}


def test_a_caller_pays_from_a_wallet_of_that_name(entrance: Entrance) -> None:
    status, answer = entrance.post(signed_in("ana"))
    assert (status, answer["payment_id"]) == (202, "ana:A")
    assert [one.user_id for one in entrance.asked] == ["ana"]


@pytest.mark.parametrize("caller", ["ben", "Ana", "ana ", "8f1c"])
def test_nobody_pays_from_anothers(caller: str, entrance: Entrance) -> None:
    status, answer = entrance.post(signed_in(caller))
    assert (status, answer["field"]) == (403, "user_id")
    assert answer["error"].startswith(f"is not yours: signed in as {caller}, you can pay")
    assert entrance.asked == []


@pytest.mark.parametrize(
    "context",
    [
        None, {}, {"authorizer": None}, {"authorizer": {}}, {"authorizer": {"claims": None}},
        {"authorizer": {"claims": {"sub": "8f1c"}}}, signed_in(""), signed_in(None),
        signed_in(["ana"]),
    ],
)  # fmt: skip
def test_without_a_caller_nothing_is_asked_for(context: Any, entrance: Entrance) -> None:
    status, answer = entrance.post(context)
    assert (status, list(answer)) == (401, ["error"])
    assert entrance.asked == []


@pytest.mark.parametrize("caller", ["ana", "ben"])
def test_a_body_with_two_names_pays_from_neither(caller: str, entrance: Entrance) -> None:
    body = '{"user_id": "ben", "user_id": "ana", "amount": 70}'
    assert entrance.post(signed_in(caller), body)[0] == 400
    assert entrance.asked == []


def test_what_cannot_be_read_is_told_as_in_every_world(entrance: Entrance) -> None:
    status, answer = entrance.post(signed_in("ana"), '{"user_id": "ana"}')
    assert (status, answer) == (400, {"field": "amount", "error": "is missing"})


def test_a_refusal_is_in_the_log(entrance: Entrance) -> None:
    entrance.post(signed_in("ben"))
    request, response = entrance.records
    assert isinstance(request.fact, Invoked)
    assert (request.fact.source, request.fact.service) == ("User", "API Gateway")
    assert isinstance(response.fact, Answered)
    assert response.fact.status == 403
