"""The API Gateway: `POST /api/v1/payments/process`, the way in.

The payment's id is made of the user's id and the client's idempotency key, so a repeated request
is the same payment. Bad input gets a 4xx that names the field, and nothing is stored.
"""

import re
from decimal import Decimal
from typing import Any, NamedTuple

from sagakit.contract.events import NotUnderstood, encode, loads
from sagakit.contract.ports import Caller, Unavailable, on
from sagakit.payments.money import exact
from sagakit.payments.payment import CreatePayment, OtherRequest

PATH = "/api/v1/payments/process"
IDENTIFIER = re.compile(r"[A-Za-z0-9_.-]{1,64}")
FIELDS = ("user_id", "amount")


class Post(NamedTuple):
    """A POST request: the body's text and the Idempotency-Key header."""

    body: str
    idempotency_key: str
    label: str = f"POST {PATH}"


class Response(NamedTuple):
    status: int
    body: str

    def __str__(self) -> str:
        return f"{self.status} {self.body}"


class BadRequest(Exception):
    """A request that cannot be carried out: the status, the field, and what is wrong with it."""

    def __init__(self, status: int, field: str, problem: str) -> None:
        super().__init__(problem)
        self.response = Response(status, encode({"field": field, "error": problem}))


def payment_id_of(user_id: str, idempotency_key: str) -> str:
    # A colon is in neither, so no two pairs share an id.
    return f"{user_id}:{idempotency_key}"


class ApiGateway:
    """Validates a request and hands it to the Payment Service."""

    def __init__(self, payments: Caller) -> None:
        self.payments = payments

    @on(Post)
    async def post(self, request: Post) -> Response:
        """Answer 202 with the payment, 400 or 422 with the wrong field, or 503: try again."""
        try:
            command = parse(request)
            outcome = await self.payments.invoke(command)
        except BadRequest as error:
            return error.response
        except Unavailable:
            return Response(503, encode({"error": "try again with the same Idempotency-Key"}))
        if isinstance(outcome, OtherRequest):
            problem = f"this Idempotency-Key was used with {outcome.field} {outcome.first}"
            return BadRequest(422, outcome.field, problem).response
        return Response(202, encode({"payment_id": outcome.payment_id, "status": outcome.status}))


def parse(request: Post) -> CreatePayment:
    """Read a request. Raises `BadRequest`."""
    key = _identifier("Idempotency-Key", request.idempotency_key)
    try:
        body = loads(request.body, once=True)
    except NotUnderstood as error:
        raise BadRequest(400, "body", str(error)) from None
    if not isinstance(body, dict):
        raise BadRequest(400, "body", 'must be an object: {"user_id": ..., "amount": ...}')
    for field in FIELDS:
        if field not in body:
            raise BadRequest(400, field, "is missing")
    for field in body:
        if field not in FIELDS:
            raise BadRequest(400, str(field), f"is unknown: send {' and '.join(FIELDS)}")
    user_id = _identifier("user_id", body["user_id"])
    return CreatePayment(payment_id_of(user_id, key), user_id, _amount(body["amount"]))


def _identifier(field: str, value: Any) -> str:
    if not isinstance(value, str) or not IDENTIFIER.fullmatch(value):
        raise BadRequest(400, field, "must be 1 to 64 letters, digits, dots, dashes or underscores")
    return value


def _amount(value: Any) -> Decimal:
    try:
        amount = exact(value)
    except ValueError as error:
        raise BadRequest(400, "amount", str(error)) from None
    if amount <= 0:
        raise BadRequest(400, "amount", f"an amount must be more than zero, not {value}")
    return amount
