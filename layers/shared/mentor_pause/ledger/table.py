"""One DynamoDB table, in Python values.

The table repeats a call that got no answer, or that conflicted with another write of the same item,
by one `Retry`. A failed condition is an answer and not an error: the methods return False, or the
item that failed the condition.
"""

import re
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import BotoCoreError, ClientError

from mentor_pause.errors import LedgerContended, LedgerUnavailable
from mentor_pause.ledger.clock import Clock, ServerClock, utc_now
from mentor_pause.retry import Retry

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import BatchGetItemOutputTypeDef, QueryInputTypeDef

type Value = str | int | bool | set[int] | set[str] | Sequence[str]
type Item = dict[str, Any]
type Action = dict[str, dict[str, Any]]
"""One action of a transaction; `update_action` and `put_new_action` build it."""

RETRY = Retry(attempts=9, base=0.03, longest=4, on=LedgerUnavailable, patience=10)
"""Two writes of one item conflict for milliseconds; DynamoDB may be unavailable for seconds."""

_serialize = TypeSerializer().serialize
_deserialize = TypeDeserializer().deserialize


class Table:
    """A table whose keys are `pk` and `sk`."""

    def __init__(
        self,
        client: "DynamoDBClient",
        name: str,
        retry: Retry = RETRY,
        clock: Clock | None = None,
        local_clock: Clock = utc_now,
    ) -> None:
        """`clock` tells the time. None: `local_clock`, corrected by DynamoDB's answers."""
        self._client = client
        self.name = name
        self._retry = retry
        self._server_clock = ServerClock(self._ask_for_the_time, local_clock)
        self._clock = clock or self._server_clock

    def now(self) -> datetime:
        """Return the present moment, aware."""
        return self._clock()

    def _ask_for_the_time(self) -> None:
        """Read an item that does not exist; the answer's header has the time."""
        with suppress(LedgerUnavailable), self._translated():
            answer = self._client.get_item(TableName=self.name, Key=_key("CLOCK", "-"))
            self._server_clock.note(answer)

    def get(self, pk: str, sk: str) -> Item | None:
        """Return the item by a consistent read, or None."""
        answer = self._call(
            lambda: self._client.get_item(
                TableName=self.name, Key=_key(pk, sk), ConsistentRead=True
            )
        )
        return _python(answer["Item"]) if "Item" in answer else None

    def get_all(self, pk: str, sort_keys: Sequence[str]) -> list[Item]:
        """Return those of at most 100 items that exist, in any order, by consistent reads."""
        found: list[Item] = []
        keys = [_key(pk, sk) for sk in sort_keys]
        while keys:  # an answer has at most 16 MB, and names the keys that it left out
            answer = self._call(lambda keys=keys: self._batch_get(keys))
            found += map(_python, answer["Responses"].get(self.name, []))
            keys = _unprocessed(answer, self.name)
        return found

    def _batch_get(self, keys: list[dict[str, Any]]) -> "BatchGetItemOutputTypeDef":
        answer = self._client.batch_get_item(
            RequestItems={self.name: {"Keys": keys, "ConsistentRead": True}}
        )
        if len(_unprocessed(answer, self.name)) == len(keys):
            raise LedgerUnavailable("DynamoDB BatchGetItem: it read none of the items")
        return answer

    def query(self, pk: str, first: str, last: str) -> Iterator[Item]:
        """Yield the items of a partition between two sort keys, in order, by consistent reads."""
        request: QueryInputTypeDef = {
            "TableName": self.name,
            "ConsistentRead": True,
            "KeyConditionExpression": "pk = :pk and sk between :first and :last",
            "ExpressionAttributeValues": _values({"pk": pk, "first": first, "last": last}),
        }
        while True:
            answer = self._call(lambda: self._client.query(**request))
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
        """Change one item if the condition holds; an empty condition always holds.

        `change` and `condition` are DynamoDB expressions; `values` holds their `:names`.

        Returns:
            True and the new item, or False and the item that failed the condition, if any.
        """
        action = self.update_action(pk, sk, change, condition, values)["Update"]
        try:
            answer = self._call(
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
        """Do all actions or none; False: a condition failed."""
        try:
            self._call(
                lambda: self._client.transact_write_items(TransactItems=cast("Any", list(actions)))
            )
        except _ConditionFailed:
            return False
        return True

    def _call[T](self, call: Callable[[], T]) -> T:
        def attempt() -> T:
            with self._translated():
                answer = call()
                self._server_clock.note(answer)
                return answer

        return self._retry(attempt)

    @contextmanager
    def _translated(self) -> Generator[None]:
        try:
            yield
        except ClientError as error:
            self._server_clock.note(error.response)
            raise _translation(error) from error
        except BotoCoreError as error:
            raise LedgerUnavailable(f"DynamoDB: {type(error).__name__}") from error

    def update_action(
        self, pk: str, sk: str, change: str, condition: str, values: Mapping[str, Value]
    ) -> Action:
        """Build an update for `transact`."""
        # DynamoDB reserves some names; an expression writes them with a hash in front.
        reserved = {f"#{name}": name for name in re.findall(r"#(\w+)", change + condition)}
        return {
            "Update": {
                "TableName": self.name,
                "Key": _key(pk, sk),
                "UpdateExpression": change,
                **({"ConditionExpression": condition} if condition else {}),
                "ExpressionAttributeValues": _values(values),
                **({"ExpressionAttributeNames": reserved} if reserved else {}),
            }
        }

    def put_new_action(self, item: Item) -> Action:
        """Build a creation for `transact`."""
        return {
            "Put": {
                "TableName": self.name,
                "Item": _serialized(item),
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


def _unprocessed(answer: "BatchGetItemOutputTypeDef", table: str) -> list[dict[str, Any]]:
    left = cast("dict[str, Any]", answer.get("UnprocessedKeys", {}))
    return left.get(table, {}).get("Keys", [])


def _serialized(item: Item) -> dict[str, Any]:
    return {name: _serialize(value) for name, value in item.items()}


def _values(values: Mapping[str, Value]) -> dict[str, Any]:
    return {f":{name}": _serialize(value) for name, value in values.items()}


def _python(item: Mapping[str, Any]) -> Item:
    return {name: _deserialize(value) for name, value in item.items()}
