"""Stores on DynamoDB: a table a store; item, outbox and inbox in one `TransactWriteItems`.

Keys are `item#KEY`, `inbox#EVENT_ID` and `outbox#TIME#INDEX#EVENT_ID`. Amounts are kept as text:
DynamoDB drops the trailing zeros of a number.

An event carries its trace context as `traceparent` in its header. It is put in when the event is
written to the outbox, goes with it through EventBridge, SNS, SQS and dead letters, and is taken out
before the event is read: the services know nothing of it.
"""

from collections.abc import Iterable
from typing import Any

from pydantic import TypeAdapter
from pydantic_core import to_jsonable_python

from sagakit.contract.events import Event, decode, encode
from sagakit.contract.imports import extra
from sagakit.contract.operations import Commit
from sagakit.contract.ports import AlreadyHandled, Delayed, Unavailable, VersionConflict, event_of
from sagakit.trace.context import context_of, trace_id, traceparent
from sagakit.trace.facts import Committed
from sagakit.worlds.aws.resources import Resources, told

with extra("aws"):
    from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
    from botocore.exceptions import BotoCoreError, ClientError

FIELD = "traceparent"


def wire(event: Event, span: int | None) -> str:
    """Return the wire form of an event that this span publishes; without a span it carries no
    context."""
    if span is None:
        return event.wire()
    carried = traceparent(trace_id(event.header.correlation_id), span)
    header = {**event.header._asdict(), FIELD: carried}
    return encode({"header": header, "payload": event.payload()})


def read(message: Any, types: Iterable[type[Event]]) -> tuple[Event, str | None]:
    """Return the event of a message and the `traceparent` that came with it, None if that is not
    valid. Raises `NotUnderstood` like `decode`."""
    header = message.get("header") if isinstance(message, dict) else None
    carried = None
    if isinstance(header, dict) and FIELD in header:
        header = dict(header)
        carried = header.pop(FIELD)
        message = {**message, "header": header}
    return decode(encode(message), types), carried if context_of(carried) else None


MOST_ACTIONS = 100  # of one transaction (DynamoDB, "TransactWriteItems")
TO_ATTRIBUTE, FROM_ATTRIBUTE = TypeSerializer().serialize, TypeDeserializer().deserialize
OUTBOX = "outbox#"

Row = dict[str, Any]


class Table:
    """One store. `kept` is the type of its items, a `NamedTuple`."""

    def __init__(self, resources: Resources, store: str, kept: type) -> None:
        self.store = store
        self.name = resources.called(store)
        self._resources = resources
        self._client = resources.client("dynamodb")
        self._reader: TypeAdapter[Any] = TypeAdapter(kept)

    def get(self, key: str) -> Any:
        """Return the item, or None. The read is consistent: a stale one would only be refused
        later."""
        found = self._call("get_item", Key=_key(f"item#{key}"), ConsistentRead=True).get("Item")
        if not found:
            return None
        return self._reader.validate_python(FROM_ATTRIBUTE(found["item"]))

    def put(self, item: Any) -> None:
        """Put an item in, whatever was there."""
        self._call("put_item", Item=_attributes(item))

    def commit(
        self, service: str, operation: Commit, before: Any, now: int, span: int | None = None
    ) -> Committed:
        """Do it all, or raise and do nothing. Raises like `Store.commit`. `before` is the item as
        the caller last saw it: if it is written anew, that is only a check of its version. `span`
        is the handler's, which its events tell of.

        boto3 sends a ClientRequestToken, so that a retry after an answer that was lost is the same
        transaction (DynamoDB: for 10 minutes).
        """
        store, item, publish, handled = operation
        actions: list[Row] = []
        if handled is not None:
            actions.append(self._new(_key(f"inbox#{handled}")))
        following = item
        if item is not None and item == before:
            check = self._at(item.version, Key=_key(f"item#{item.key}"))
            actions.append({"ConditionCheck": check})
        elif item is not None:
            following = item._replace(version=item.version + 1)
            row = _attributes(following)
            put = {"Put": self._at(item.version, Item=row)} if item.version else self._new(row)
            actions.append(put)
        for index, entry in enumerate(publish):
            actions.append(self._new(_outbox_row(entry, now, index, span)))
        if len(actions) > MOST_ACTIONS:
            raise ValueError(f"a commit of {len(actions)} actions: DynamoDB takes {MOST_ACTIONS}")
        if actions:
            self._transact(actions, item, handled)
        ids = tuple([event_of(entry).header.event_id for entry in publish])
        return Committed(service, store, item and item.key, before, following, ids, handled)

    def outbox(self) -> list[Row]:
        """Return the rows of the outbox, oldest first. All of the table is read for them."""
        asked: Row = {
            "ConsistentRead": True,
            "FilterExpression": "begins_with(pk, :outbox)",
            "ExpressionAttributeValues": {":outbox": {"S": OUTBOX}},
        }
        rows: list[Row] = []
        while True:
            page = self._call("scan", **asked)
            rows += page["Items"]
            if "LastEvaluatedKey" not in page:
                return sorted(rows, key=lambda row: str(row["pk"]["S"]))
            asked["ExclusiveStartKey"] = page["LastEvaluatedKey"]  # a page has 1 MB at most

    def republish(self) -> int:
        """Have the outbox published that the table's stream has forgotten: each row is taken out
        and put in again a millisecond later, of which the stream tells anew. Returns how many.

        For an operator. What is published meanwhile is left alone, or published twice at worst:
        receivers know its id.
        """
        renewed = 0
        for row in self.outbox():
            _, time, rest = row["pk"]["S"].split("#", 2)
            later = {**row, **_key(f"{OUTBOX}{int(time) + 1:014}#{rest}")}
            gone = {
                "TableName": self.name,
                "Key": {"pk": row["pk"]},
                "ConditionExpression": "attribute_exists(pk)",
            }
            try:
                self._transact([{"Delete": gone}, self._new(later)], None, None)
            except VersionConflict:
                continue  # somebody has published it
            renewed += 1
        return renewed

    def published(self, key: str) -> None:
        """Take a row out of the outbox: it was published."""
        self._call("delete_item", Key=_key(key))

    def _new(self, row: Row) -> Row:
        condition = "attribute_not_exists(pk)"
        return {"Put": {"TableName": self.name, "Item": row, "ConditionExpression": condition}}

    def _at(self, version: int, **what: Row) -> Row:
        """Return an action on an item, on condition that it still has this version."""
        return {
            "TableName": self.name,
            **what,
            "ConditionExpression": "version = :version",
            "ExpressionAttributeValues": {":version": {"N": str(version)}},
        }

    def _transact(self, actions: list[Row], item: Any, handled: str | None) -> None:
        try:
            self._client.transact_write_items(TransactItems=actions)
        except self._client.exceptions.TransactionCanceledException as error:
            codes = [reason.get("Code") for reason in error.response["CancellationReasons"]]
            if handled is not None and codes[0] == "ConditionalCheckFailed":
                raise AlreadyHandled(f"{self.store}: {handled} was handled before") from None
            if {"ConditionalCheckFailed", "TransactionConflict"} & set(codes):
                what = f"{item.key} has another version by now" if item else "another write came"
                raise VersionConflict(f"{self.store}: {what}") from None
            raise Unavailable(f"{self.store}: {', '.join(map(str, codes))}") from None
        except (ClientError, BotoCoreError) as error:
            raise told(error, self.store) from None

    def _call(self, action: str, **arguments: Any) -> Any:
        called = {"TableName": self.name, **arguments}
        return self._resources.call("dynamodb", action, self.store, **called)


def _key(key: str) -> Row:
    return {"pk": {"S": key}}


def _attributes(item: Any) -> Row:
    return {
        **_key(f"item#{item.key}"),
        "version": {"N": str(item.version)},
        "item": TO_ATTRIBUTE(to_jsonable_python(item._asdict())),
    }


def _outbox_row(entry: Event | Delayed, now: int, index: int, span: int | None) -> Row:
    event = event_of(entry).stamped(now)
    delay = entry.delay if isinstance(entry, Delayed) else -1
    return {
        **_key(f"{OUTBOX}{now:014}#{index:02}#{event.header.event_id}"),
        "event": {"S": wire(event, span)},
        "delay": {"N": str(delay)},
    }
