"""The ten events on the wire: the original's form, exact numbers, and a reason for a refusal."""

import json
from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagakit.contract.events import Event, Header, NotUnderstood, decode
from sagakit.payments import events as e
from sagakit.payments.money import LARGEST
from tests.payments.saga import PAYMENT, TYPES, event

IDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=200)
BALANCES = st.integers(0, int(LARGEST * 100)).map(lambda cents: Decimal(cents).scaleb(-2))
AMOUNTS = BALANCES.filter(bool)


def with_any_payload(cls: type[Event]) -> st.SearchStrategy[Event]:
    fields = {
        "payment_id": IDS, "transaction_id": IDS, "user_id": IDS, "reason": st.text(),
        "amount": AMOUNTS, "amount_debited": AMOUNTS, "amount_refunded": AMOUNTS,
        "amount_left": BALANCES, "available": BALANCES,
        "wallet_version": st.integers(1, 2**31), "attempt": st.integers(1, 100),
    }  # fmt: skip
    header = st.builds(
        Header, IDS, IDS, IDS, st.just(cls.__name__), st.integers(0, 2**53), st.just(1)
    )
    own = {name: fields[name] for name in cls.model_fields if name != "header"}
    return st.builds(cls, header=header, **own)


ANY = st.sampled_from(TYPES).flatmap(with_any_payload)


@given(ANY)
def test_an_event_is_read_back_as_it_was_sent(sent: Event) -> None:
    read = decode(sent.wire(), TYPES)
    assert read == sent
    assert type(read) is type(sent)


@given(ANY)
def test_the_wire_form_is_plain_json_with_exact_numbers(sent: Event) -> None:
    message = json.loads(sent.wire(), parse_float=Decimal)
    assert message == {"header": sent.header._asdict(), "payload": sent.payload()}


def test_the_wire_form_is_the_original_system_s() -> None:
    assert event(e.PaymentInit).wire() == (
        '{"header": {"event_id": "ff77ffc820931598", "correlation_id": "ana:A", '
        '"causation_id": "ana:A", "event_type": "PaymentInit", "timestamp": 0, "version": 1}, '
        '"payload": {"payment_id": "ana:A", "transaction_id": "tx-ana:A", "user_id": "ana", '
        '"amount": 70.00}}'
    )


@pytest.mark.parametrize("cls", TYPES)
def test_an_event_cannot_be_changed(cls: type[e.PaymentEvent]) -> None:
    with pytest.raises(ValueError, match="frozen"):
        event(cls).amount = Decimal("0.01")


def doctored(**changes: object) -> str:
    """A PaymentInit's text with some of its payload or header (dotted) replaced."""
    message = json.loads(event(e.PaymentInit).wire())
    for place, value in changes.items():
        part, _, field = place.partition("_in_")
        message[field][part] = value
    return json.dumps(message)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "not JSON: Expecting value at line 1, column 1"),
        ('{"header": ', "not JSON: Expecting value at line 1, column 12"),
        ("null", "no header"),
        ("[]", "no header"),
        ('"PaymentInit"', "no header"),
        ("{}", "no header"),
        ('{"header": 1, "payload": {}}', "no header"),
        ('{"header": {}}', "no payload"),
        ('{"header": {}, "payload": []}', "no payload"),
        ('{"header": {}, "payload": {}}', "unknown event type None"),
        (doctored(event_type_in_header="PaymentInnit"), "unknown event type 'PaymentInnit'"),
        (doctored(event_type_in_header=7), "unknown event type 7"),
        (doctored(version_in_header=2), "unknown version 2 of PaymentInit: expected 1"),
        (doctored(version_in_header=None), "unknown version None of PaymentInit"),
        (doctored(event_id_in_header=""), "PaymentInit: header.event_id: "),
        (doctored(correlation_id_in_header=7), "header.correlation_id: "),
        (doctored(timestamp_in_header="noon"), "header.timestamp: "),
        (doctored(colour_in_header="red"), "header.colour: "),
        (doctored(payment_id_in_payload=""), "PaymentInit: payment_id: "),
        (doctored(user_id_in_payload=None), "user_id: "),
        (doctored(user_id_in_payload="u" * 201), "user_id: string should have at most 200"),
        (doctored(amount_in_payload=0), "amount: an amount must be more than zero, not 0"),
        (doctored(amount_in_payload=-1), "amount: an amount must be more than zero, not -1"),
        (doctored(amount_in_payload="70"), "amount: an amount must be a number, not '70'"),
        (doctored(amount_in_payload=70.001), "amount: an amount has at most two decimals"),
        (doctored(amount_in_payload=float("nan")), "amount: an amount must be finite, not nan"),
        (doctored(amount_in_payload=10**12), "amount: an amount must be at most 999,999,999.99"),
        (doctored(colour_in_payload="red"), "colour: extra inputs are not permitted"),
        (doctored(header_in_payload={}), "payload.header: the header stands beside the payload"),
        (event(e.PaymentInit).wire().replace("70.00", "1e1000000"), "too large, or has too many"),
        (event(e.PaymentInit).wire().replace("70.00", "1" * 5_000), "too large"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_a_text_that_is_no_event_is_refused_with_what_is_wrong(text: str, complaint: str) -> None:
    with pytest.raises(NotUnderstood) as caught:
        decode(text, TYPES)
    assert complaint in str(caught.value)


@given(st.text() | st.binary().map(lambda data: data.decode("latin-1")))
def test_no_text_does_worse_than_being_refused(text: str) -> None:
    with pytest.raises(NotUnderstood):
        decode(text, TYPES)


COUNTS = [(e.ProviderPaymentInit, "attempt"), (e.BalanceDebited, "wallet_version")]


@pytest.mark.parametrize(("cls", "field"), COUNTS)
@pytest.mark.parametrize("count", [0, -1, 1.5, True, "2", None])
def test_attempts_and_versions_are_counted_from_one(
    cls: type[e.PaymentEvent], field: str, count: object
) -> None:
    message = json.loads(event(cls).wire())
    message["payload"][field] = count
    with pytest.raises(NotUnderstood, match=f"{cls.__name__}: {field}: "):
        decode(json.dumps(message), TYPES)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(field=st.sampled_from([*PAYMENT, *Header._fields]), value=JSON)
def test_a_field_with_any_value_is_read_or_refused(field: str, value: object) -> None:
    part = "payload" if field in PAYMENT else "header"
    with suppress(NotUnderstood):
        read = decode(doctored(**{f"{field}_in_{part}": value}), TYPES)
        assert decode(read.wire(), TYPES) == read


def test_a_type_that_the_reader_does_not_expect_is_named_with_those_it_does() -> None:
    expected = "unknown event type 'PaymentInit': expected BalanceDebited, PaymentFailed"
    with pytest.raises(NotUnderstood, match=expected):
        decode(event(e.PaymentInit).wire(), [e.BalanceDebited, e.PaymentFailed])
