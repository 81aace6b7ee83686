"""One DynamoDB table, in Python values; failures translated at this edge.

A failed condition is an answer, not an error: the calls return False or the item that was in the
way.
"""

import re
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import BotoCoreError, ClientError

from mentor_pause.errors import LedgerContended, LedgerUnavailable
from mentor_pause.ledger.clock import LocalClock, ServerClock, utc_now
from mentor_pause.retry import Retry

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import QueryInputTypeDef

type Value = str | int | bool | set[int] | set[str] | Sequence[str]
type Item = dict[str, Any]
type Action = dict[str, dict[str, Any]]
"""One action of a transaction, as `Table.update_action` and its like make it."""

_serialize = TypeSerializer().serialize
_deserialize = TypeDeserializer().deserialize


class Table:
    """The table by its client and name; keys are `pk` and `sk`."""

    def __init__(
        self, client: "DynamoDBClient", name: str, local_clock: LocalClock = utc_now
    ) -> None:
        """`client` is a DynamoDB client; `local_clock` is this machine's."""
        self._client = client
        self._name = name
        self._clock = ServerClock(self._ask_for_the_time, local_clock)
        self._retry = Retry(attempts=8, base=0.03, longest=0.5, on=LedgerContended)

    def now(self) -> datetime:
        """Return the present moment by DynamoDB, or by this machine if DynamoDB does not tell."""
        return self._clock()

    def _ask_for_the_time(self) -> None:
        """Read an item that there is not; the answer's header tells the time."""
        with suppress(LedgerUnavailable, LedgerContended), self._translated():
            self._clock.note(self._client.get_item(TableName=self._name, Key=_key("CLOCK", "-")))

    def get(self, pk: str, sk: str) -> Item | None:
        """Return the item as it is now (a consistent read), or None."""
        with self._translated():
            found = self._client.get_item(
                TableName=self._name, Key=_key(pk, sk), ConsistentRead=True
            )
            self._clock.note(found)
        return _python(found["Item"]) if "Item" in found else None

    def query(self, pk: str, sk_prefix: str) -> Iterator[Item]:
        """Yield the items of a partition whose sort key starts so, in order, as they are now."""
        request: QueryInputTypeDef = {
            "TableName": self._name,
            "ConsistentRead": True,
            "KeyConditionExpression": "pk = :pk and begins_with(sk, :sk)",
            "ExpressionAttributeValues": _values({"pk": pk, "sk": sk_prefix}),
        }
        while True:
            with self._translated():
                answer = self._client.query(**request)
                self._clock.note(answer)
            yield from map(_python, answer["Items"])
            if "LastEvaluatedKey" not in answer:
                return
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def update(
        self,
        pk: str,
        sk: str,
        change: str,
        condition: str,
        values: Mapping[str, Value],
    ) -> tuple[bool, Item]:
        """Change one item if the condition holds.

        `change` and `condition` are DynamoDB expressions; `values` holds their `:names`.

        Returns:
            True and the new item, or False and the item that failed the condition, if any.
        """
        action = self.update_action(pk, sk, change, condition, values)["Update"]
        try:
            answer = self._contended(
                lambda: self._client.update_item(
                    **cast("Any", action),
                    ReturnValues="ALL_NEW",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
            )
        except _ConditionFailed as failed:
            return False, failed.item
        return True, _python(answer.get("Attributes", {}))

    def transact(self, actions: Sequence[Action]) -> bool:
        """Do all or none; False when a condition failed. The client's own retries are safe."""
        try:
            self._contended(
                lambda: self._client.transact_write_items(TransactItems=cast("Any", list(actions)))
            )
        except _ConditionFailed:
            return False
        return True

    def _contended[T](self, call: Callable[[], T]) -> T:
        """Repeat a write that met another one of the same item, as a transaction does at once."""

        def translated() -> T:
            with self._translated():
                answer = call()
                self._clock.note(answer)
                return answer

        return self._retry(translated)

    @contextmanager
    def _translated(self) -> Generator[None]:
        try:
            yield
        except ClientError as error:
            self._clock.note(error.response)
            raise _translation(error) from error
        except BotoCoreError as error:
            raise LedgerUnavailable(f"DynamoDB: {type(error).__name__}") from error

    def update_action(
        self, pk: str, sk: str, change: str, condition: str, values: Mapping[str, Value]
    ) -> Action:
        """Make an update for `transact`."""
        # Names that DynamoDB reserves are written with a hash in front.
        reserved = {f"#{name}": name for name in re.findall(r"#(\w+)", change + condition)}
        return {
            "Update": {
                "TableName": self._name,
                "Key": _key(pk, sk),
                "UpdateExpression": change,
                "ConditionExpression": condition,
                "ExpressionAttributeValues": _values(values),
                **({"ExpressionAttributeNames": reserved} if reserved else {}),
            }
        }

    def put_new_action(self, item: Item) -> Action:
        """Make a creation for `transact`."""
        return {
            "Put": {
                "TableName": self._name,
                "Item": {name: _serialize(value) for name, value in item.items()},
                "ConditionExpression": "attribute_not_exists(pk)",
            }
        }


class _ConditionFailed(Exception):
    def __init__(self, item: Item) -> None:
        self.item = item


def _translation(error: ClientError) -> Exception:
    response = cast("dict[str, Any]", error.response)
    code = response["Error"]["Code"]
    if code == "ConditionalCheckFailedException":
        return _ConditionFailed(_python(response.get("Item", {})))
    reasons = {reason.get("Code") for reason in response.get("CancellationReasons", [])}
    if "ConditionalCheckFailed" in reasons:
        return _ConditionFailed({})
    contended = code == "TransactionConflictException" or "TransactionConflict" in reasons
    kind = LedgerContended if contended else LedgerUnavailable
    return kind(f"DynamoDB {error.operation_name}: {code}")


def _key(pk: str, sk: str) -> dict[str, Any]:
    return {"pk": _serialize(pk), "sk": _serialize(sk)}


def _values(values: Mapping[str, Value]) -> dict[str, Any]:
    return {f":{name}": _serialize(value) for name, value in values.items()}


def _python(item: Mapping[str, Any]) -> Item:
    return {name: _deserialize(value) for name, value in item.items()}
