"""Events: who they are, what follows from what, and their form on the wire."""

import json
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, PositiveInt, ValidationError, field_validator

from sagakit.contract.events import (
    Event,
    Header,
    NotUnderstood,
    decode,
    encode,
    explain,
    identity,
    loads,
)


class Asked(Event):
    room: str
    nights: int = 1


class Booked(Event):
    room: str
    price: Decimal = Decimal(0)


class Freed(Event):
    room: str


ASKED = Asked.first("trip-1", room="12")


# Identity is derived.


def test_the_same_cause_gives_the_same_event() -> None:
    assert Booked.after(ASKED) == Booked.after(ASKED)
    assert Asked.first("trip-1", room="12") == ASKED


def test_events_of_one_cause_differ_by_type_and_place() -> None:
    ids = {
        Booked.after(ASKED).header.event_id,
        Booked.after(ASKED, nth=1).header.event_id,
        Freed.after(ASKED).header.event_id,
        ASKED.header.event_id,
        Asked.first("trip-2", room="12").header.event_id,
    }
    assert len(ids) == 5


def test_an_identity_is_the_same_on_every_machine() -> None:
    assert identity("trip-1", "Asked", 0) == "e8e61cc155d68c6d"


LETTERS = st.characters(codec="utf-8", exclude_characters="\x1f")
PARTS = st.lists(st.text(LETTERS, max_size=3), min_size=1)


@given(PARTS, PARTS)
def test_identities_are_the_same_just_if_the_parts_are(one: list[str], two: list[str]) -> None:
    assert (identity(*one) == identity(*two)) == (one == two)


def test_an_event_after_a_cause_keeps_the_saga_and_names_the_cause() -> None:
    first, then = ASKED.header, Freed.after(Booked.after(ASKED)).header
    assert first == Header(first.event_id, "trip-1", "trip-1", "Asked")
    assert then.correlation_id == "trip-1"
    assert then.causation_id == Booked.after(ASKED).header.event_id
    assert then.event_type == "Freed"


# What follows carries on what both know.


def test_an_event_after_a_cause_takes_the_fields_that_both_have() -> None:
    assert Booked.after(ASKED).payload() == {"room": "12", "price": 0}
    assert Booked.after(ASKED, price=Decimal("9.50")).payload() == {
        "room": "12",
        "price": Decimal("9.50"),
    }
    assert Booked.after(ASKED, room="14").room == "14"


def test_a_field_that_neither_the_cause_nor_the_caller_gives_is_asked_for() -> None:
    class Paid(Event):
        amount: int

    with pytest.raises(ValidationError, match="amount"):
        Paid.after(ASKED)


def test_a_field_that_is_made_anew_each_time_is_made() -> None:
    class Listed(Event):
        room: str
        guests: list[str] = Field(default_factory=list)

    assert Listed.after(ASKED).guests == []
    assert Listed.after(ASKED).guests is not Listed.after(ASKED).guests


def test_an_event_after_a_cause_validates_fields_of_another_type() -> None:
    class Stay(Event):
        nights: PositiveInt

    class Choosy(Event):
        room: str

        @field_validator("room")
        @classmethod
        def _not_the_attic(cls, room: str) -> str:
            if room == "attic":
                raise ValueError("nobody sleeps there")
            return room

    assert Stay.after(ASKED).nights == 1
    with pytest.raises(ValidationError, match="nights"):
        Stay.after(Asked.first("trip-1", room="12", nights=-1))
    with pytest.raises(ValidationError, match="nobody sleeps there"):
        Choosy.after(Asked.first("trip-1", room="attic"))


def test_a_stamp_changes_the_time_and_nothing_else() -> None:
    stamped = ASKED.stamped(1_234)
    assert stamped.header == ASKED.header._replace(timestamp=1_234)
    assert stamped.payload() == ASKED.payload()
    assert isinstance(stamped, Asked)
    assert ASKED.header.timestamp == 0


def test_an_event_refuses_fields_that_it_does_not_have() -> None:
    with pytest.raises(ValidationError, match="colour"):
        Asked.first("trip-1", room="12", colour="red")


# On the wire.


def test_decode_reads_what_wire_writes() -> None:
    booked = Booked.after(ASKED, price=Decimal("0.10")).stamped(7)
    assert decode(booked.wire(), [Asked, Booked]) == booked


def test_each_version_of_a_schema_is_read_by_those_who_know_it() -> None:
    class Told(Event):
        schema_version: ClassVar[int] = 2

    text = Told.first("trip-1").wire()
    assert json.loads(text)["header"]["version"] == 2
    assert decode(text, [Told]).header.version == 2
    with pytest.raises(NotUnderstood, match="unknown version 1 of Told: expected 2"):
        decode(text.replace('"version": 2', '"version": 1'), [Told])


class Board(StrEnum):
    HALF = "half"
    FULL = "full"


class Guest(BaseModel):
    name: str
    born: date | None = None


class Rich(Event):
    day: date
    board: Board
    guests: tuple[Guest, ...]
    extras: Mapping[str, Decimal]


def test_an_event_may_hold_whatever_pydantic_can_write_and_read() -> None:
    rich = Rich.first(
        "trip-1", day=date(2026, 5, 1), board=Board.FULL,
        guests=[Guest(name="Ana", born=date(1990, 1, 2)), Guest(name="Ben")],
        extras={"parking": Decimal("12.10")},
    )  # fmt: skip
    assert json.loads(rich.wire())["payload"]["day"] == "2026-05-01"
    assert decode(rich.wire(), [Rich]) == rich


NUMBERS = st.decimals(allow_nan=False, allow_infinity=False, places=4) | st.integers()
VALUES = st.recursive(
    st.none() | st.booleans() | st.text() | NUMBERS,
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(VALUES)
def test_json_keeps_every_number_exactly(value: Any) -> None:
    assert loads(encode(value)) == value


def test_a_set_is_written_in_the_same_order_every_time() -> None:
    assert encode({"trips": frozenset({"b", "c", "a"})}) == '{"trips": ["a", "b", "c"]}'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_json_may_come_as_bytes(encoding: str) -> None:
    assert loads('{"name": "Añ"}'.encode(encoding)) == {"name": "Añ"}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[1, 2", "not JSON: Expecting ',' delimiter at line 1, column 6"),
        ('{\n "a": b}', "not JSON: Expecting value at line 2, column 7"),
        ("[1,\n]", "not JSON: nothing follows the comma at line 1, column 3"),
        (b"\xff\xfe\xfa", "it is no text"),
        (b"\xe9", "it is no text"),
        ("1e1000000", "too large, or has too many digits"),
        ("1e-1000000", "too large, or has too many digits"),
        ("1e99999999999999999999", "too large, or has too many digits"),
        ("9" * 5_000, "too large, or has too many digits"),
        ("[" * 200_000, "nested too deeply"),
        ('{"a":' * 200_000, "nested too deeply"),
    ],
)
def test_loads_refuses_invalid_json_with_the_place(text: str | bytes, complaint: str) -> None:
    with pytest.raises(NotUnderstood, match=complaint):
        loads(text)


@given(st.binary())
def test_no_bytes_do_worse_than_being_refused(data: bytes) -> None:
    try:
        loads(data)
    except NotUnderstood as error:
        assert len(str(error)) < 200  # noqa: PT017


def test_an_explanation_is_one_line_for_people() -> None:
    with pytest.raises(ValidationError) as caught:
        Asked.first("trip-1", nights="many")
    assert explain(caught.value) == (
        "room: field required; "
        "nights: input should be a valid integer, unable to parse string as an integer"
    )
