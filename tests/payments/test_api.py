"""The API Gateway: what a client is told, and that bad input names its field and stores nothing."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagakit.contract.ports import Unavailable
from sagakit.payments.api import ApiGateway, Post, payment_id_of
from sagakit.payments.payment import CreatePayment, OtherRequest, Payment
from sagakit.payments.topology import payment_system
from sagakit.sim.world import World
from tests.payments.fakes import FakeCaller, drive

GOOD = '{"user_id": "ana", "amount": 70.00}'
PENDING = Payment("ana:A", "tx-ana:A", "ana", Decimal("70.00"))


def post(body: str, key: object = "A", payments: FakeCaller | None = None) -> tuple[int, dict]:
    """The status and the body of the answer."""
    gateway = ApiGateway(payments or FakeCaller(PENDING))
    status, text = drive(gateway.post(Post(body, key)))
    return status, json.loads(text)


def test_a_good_request_is_accepted_with_its_payment() -> None:
    payments = FakeCaller(PENDING)
    assert post(GOOD, payments=payments) == (202, {"payment_id": "ana:A", "status": "PENDING"})
    assert payments.commands == [CreatePayment("ana:A", "ana", Decimal("70.00"))]


def test_a_repeated_request_is_told_how_far_the_payment_is() -> None:
    done = FakeCaller(PENDING._replace(status="COMPLETED"))
    assert post(GOOD, payments=done) == (202, {"payment_id": "ana:A", "status": "COMPLETED"})


def test_the_same_key_with_another_body_names_the_field_that_differs() -> None:
    other = FakeCaller(OtherRequest("amount", "70.00"))
    assert post('{"user_id": "ana", "amount": 80}', payments=other) == (
        422,
        {"field": "amount", "error": "this Idempotency-Key was used with amount 70.00"},
    )


def test_when_the_service_fails_the_client_may_try_again() -> None:
    status, body = post(GOOD, payments=FakeCaller(Unavailable("out")))
    assert (status, body) == (503, {"error": "try again with the same Idempotency-Key"})


def body_with(**changes: str) -> str:
    """The text of a good request with some values replaced by other JSON text, or added."""
    fields = {"user_id": '"ana"', "amount": "70.00"} | changes
    return "{" + ", ".join(f'"{name}": {text}' for name, text in fields.items()) + "}"


BAD_AMOUNTS = {
    "0": "must be more than zero, not 0",
    "0.00": "must be more than zero",
    "-0.01": "must be more than zero, not -0.01",
    "-70": "must be more than zero",
    "0.001": "at most two decimals, not 0.001",
    "70.005": "at most two decimals",
    "1e-400": "at most two decimals",
    "NaN": "must be finite, not nan",
    "Infinity": "must be finite, not inf",
    "-Infinity": "must be finite",
    "1000000000": "at most 999,999,999.99",
    "1e20": "at most 999,999,999.99",
    '"70.00"': "must be a number, not '70.00'",
    '"seventy"': "must be a number",
    "null": "must be a number, not None",
    "true": "must be a number, not True",
    "[70]": "must be a number",
    "{}": "must be a number",
}
BAD_IDS = [
    '""',
    "null",
    "7",
    '"ana maria"',
    '"ana:A"',
    '"añ"',
    '"' + "a" * 65 + '"',
    '"a\\n"',
    "[]",
]


@pytest.mark.parametrize("amount", BAD_AMOUNTS)
def test_a_bad_amount_is_refused(amount: str) -> None:
    payments = FakeCaller()
    status, body = post(body_with(amount=amount), payments=payments)
    assert (status, body["field"]) == (400, "amount")
    assert BAD_AMOUNTS[amount] in body["error"]
    assert payments.commands == []


@pytest.mark.parametrize("user_id", BAD_IDS)
def test_a_bad_user_id_is_refused(user_id: str) -> None:
    payments = FakeCaller()
    status, body = post(body_with(user_id=user_id), payments=payments)
    assert (status, body["field"]) == (400, "user_id")
    assert body["error"].startswith("must be 1 to 64 letters, digits, dots")
    assert payments.commands == []


@pytest.mark.parametrize("key", ["", " ", "A B", "a:b", "k" * 65, "A\n", None, 7])
def test_a_bad_idempotency_key_is_refused(key: object) -> None:
    status, body = post(GOOD, key)
    assert (status, body["field"]) == (400, "Idempotency-Key")


@pytest.mark.parametrize(
    ("body", "field", "complaint"),
    [
        ("", "body", "not JSON: Expecting value at line 1, column 1"),
        ("{", "body", "not JSON: Expecting property name"),
        ("user_id=ana", "body", "not JSON"),
        ('{"user_id": "ana", "amount": 1, "amount": 2}', "body", "'amount' stands twice in one"),
        ("[" * 100_000, "body", "nested too deeply"),
        (body_with(amount="7" * 5_000), "body", "too large"),
        (body_with(amount="1e1000000"), "body", "too large"),
        ("null", "body", "must be an object"),
        ("[]", "body", "must be an object"),
        ("70", "body", "must be an object"),
        ("{}", "user_id", "is missing"),
        ('{"amount": 70}', "user_id", "is missing"),
        ('{"user_id": "ana"}', "amount", "is missing"),
        (body_with(currency='"EUR"'), "currency", "is unknown: send user_id and amount"),
        (body_with(amuont="7"), "amuont", "is unknown"),
    ],
)
def test_a_bad_body_is_refused(body: str, field: str, complaint: str) -> None:
    status, said = post(body)
    assert (status, said["field"]) == (400, field)
    assert complaint in said["error"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(body=st.text() | JSON.map(json.dumps), key=st.text())
def test_no_body_does_worse_than_being_refused(body: str, key: str) -> None:
    status, said = post(body, key)
    assert status == 400
    assert said["field"] in ("body", "user_id", "Idempotency-Key")


USERS = st.from_regex(r"[A-Za-z0-9_.-]{1,64}", fullmatch=True)


@given(USERS, USERS, USERS, USERS)
def test_two_requests_share_a_payment_only_with_the_same_user_and_key(
    user: str, key: str, other_user: str, other_key: str
) -> None:
    same = (user, key) == (other_user, other_key)
    assert (payment_id_of(user, key) == payment_id_of(other_user, other_key)) == same


# In the whole system: what is refused leaves nothing behind.


def world_after(*posts: Post) -> tuple[World, list[str]]:
    """The world after these requests, a second apart, and what the clients were told."""
    world = World(payment_system())
    for second, request in enumerate(posts):
        world.request(second * 1_000, "User", "API Gateway", request)
    trace = world.run()
    return world, [
        each.label for each in trace.arrows() if each.target == "User" and each.kind == "return"
    ]


def test_bad_input_stores_nothing_and_publishes_nothing() -> None:
    bad = [body_with(amount="-1"), "{", body_with(x="1")]
    world, told = world_after(*(Post(body, "A") for body in bad), Post(GOOD, ""))
    assert [answer[:3] for answer in told] == ["400"] * 4
    assert world.stores["Payments DB"].items == {}
    assert not [each for each in world.trace.arrows() if each.target == "EventBridge"]


def test_the_same_key_with_another_amount_leaves_the_first_payment_as_it_is() -> None:
    world, (first, second, third) = world_after(
        Post(GOOD, "A"), Post(body_with(amount="80"), "A"), Post(GOOD, "A")
    )
    assert first == '202 {"payment_id": "ana:A", "status": "PENDING"}'
    assert second.startswith('422 {"field": "amount"')
    assert third == '202 {"payment_id": "ana:A", "status": "FAILED"}'  # Ana has no wallet
    (payment,) = world.stores["Payments DB"].items.values()
    assert payment.amount == Decimal("70.00")
