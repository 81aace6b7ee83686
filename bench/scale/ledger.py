"""A stand-in for the ledger's DynamoDB table, with DynamoDB's limits and units.

It answers the requests of botocore's client in the wire format, without HTTP. moto copies all its
tables at each transaction, which takes too long for a million mentors. A test compares the answers
of both (`tests/unit/bench/scale/test_ledger.py`).

The limits are those that AWS publishes: an item of 400 KB, a transaction of 100 items and 4 MB, a
read of 100 items and 16 MB, a query page of 1 MB. Units: a write counts the larger of the old and
the new item in steps of 1 KB, a read counts steps of 4 KB, and a transaction costs twice as much.
"""

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from bench.counting import item_size
from bench.scale.expressions import Given, Item, Value, changed, holds

LONGEST_ITEM = 400 * 1024
LARGEST_TRANSACTION = 4 * 1024 * 1024
LARGEST_READ = 16 * 1024 * 1024
LARGEST_QUERY = 1024 * 1024
MOST_ITEMS = 100

type Answer = dict[str, Any]
type Request = Mapping[str, Any]
type _Key = tuple[str, str]


class Refused(Exception):
    """DynamoDB's answer to a request that it does not carry out."""

    def __init__(self, code: str, message: str = "", **more: Any) -> None:  # noqa: ANN401
        super().__init__(f"{code}: {message}")
        self.answer: Answer = {"Error": {"Code": code, "Message": message}, **more}


@dataclass(slots=True)
class Usage:
    """The requests to a table, and their units."""

    requests: Counter[str] = field(default_factory=Counter[str])
    write_units: float = 0
    read_units: float = 0
    largest_item: int = 0
    largest_transaction: int = 0
    written: Counter[tuple[str, int]] = field(default_factory=Counter[tuple[str, int]])
    """Write units by partition key and second."""
    read: Counter[tuple[str, int]] = field(default_factory=Counter[tuple[str, int]])
    """Read units by partition key and second."""


class LedgerTable:
    """The items of one table, whose keys are `pk` and `sk`."""

    def __init__(self) -> None:
        """Start empty."""
        self.usage = Usage()
        self._items: dict[_Key, Item] = {}
        self._sizes: dict[_Key, int] = {}
        self._sorted: dict[str, list[str]] = {}
        self._second = 0
        self._operations: dict[str, Callable[[Request], Answer]] = {
            "GetItem": self._get,
            "BatchGetItem": self._batch_get,
            "Query": self._query,
            "PutItem": lambda request: self._write_alone("Put", request),
            "UpdateItem": lambda request: self._write_alone("Update", request),
            "DeleteItem": lambda request: self._write_alone("Delete", request),
            "TransactWriteItems": self._transact,
        }

    @property
    def count(self) -> int:
        """The number of items."""
        return len(self._items)

    @property
    def bytes(self) -> int:
        """The bytes of all items."""
        return sum(self._sizes.values())

    def partition(self, pk: str) -> list[Item]:
        """Return the items of a partition in order; this costs nothing."""
        return [self._items[pk, sk] for sk in self._sorted.get(pk, [])]

    def answer(self, operation: str, request: Request, at: float) -> Answer:
        """Carry out a request at a moment, in seconds.

        Raises:
            Refused: a condition failed, or the request exceeds a limit.
        """
        self._second = int(at)
        self.usage.requests[operation] += 1
        return self._operations[operation](request)

    def _get(self, request: Request) -> Answer:
        key = _key(request["Key"])
        self._count_read(key[0], self._sizes.get(key, 0), request)
        item = self._items.get(key)
        return {"Item": _projected(item, request)} if item is not None else {}

    def _batch_get(self, request: Request) -> Answer:
        ((table, asked),) = request["RequestItems"].items()
        keys, found, left, size = asked["Keys"], list[Item](), list[Item](), 0
        if len(keys) > MOST_ITEMS:
            raise Refused("ValidationException", "too many items requested")
        for one in keys:
            key = _key(one)
            size += self._sizes.get(key, 0)
            if size > LARGEST_READ:
                left.append(one)
                continue
            self._count_read(key[0], self._sizes.get(key, 0), asked)
            if key in self._items:
                found.append(_projected(self._items[key], asked))
        unprocessed = {table: {**asked, "Keys": left}} if left else {}
        return {"Responses": {table: found}, "UnprocessedKeys": unprocessed}

    def _query(self, request: Request) -> Answer:
        values, names = _given(request)
        pk = _partition_of(request["KeyConditionExpression"], values, names)
        keys, start = self._sorted.get(pk, []), 0
        if request.get("ExclusiveStartKey"):
            after = request["ExclusiveStartKey"]["sk"]["S"]
            start = bisect_left(keys, after) + 1
        found, size, last = list[Item](), 0, None
        for sk in keys[start:]:
            item = self._items[pk, sk]
            if not holds(request["KeyConditionExpression"], Given(item, values, names)):
                continue
            size += self._sizes[pk, sk]
            found.append(_projected(item, request))
            if size >= LARGEST_QUERY or len(found) == request.get("Limit"):
                last = {"pk": {"S": pk}, "sk": {"S": sk}}
                break
        self._count_read(pk, size, request)
        answer: Answer = {"Items": found, "Count": len(found), "ScannedCount": len(found)}
        return answer | ({"LastEvaluatedKey": last} if last else {})

    def _write_alone(self, kind: str, request: Request) -> Answer:
        key = _key(request["Item"] if kind == "Put" else request["Key"])
        old = self._items.get(key)
        if not self._condition_holds(key, request):
            self._count_write(key, self._sizes.get(key, 0))
            wanted = request.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD" and old
            more = {"Item": old} if wanted else {}
            raise Refused("ConditionalCheckFailedException", "a condition failed", **more)
        new, size = self._result(kind, key, request)
        self._store(key, new, size)
        returned = {"ALL_NEW": new, "ALL_OLD": old}.get(request.get("ReturnValues", ""))
        return {"Attributes": returned} if returned else {}

    def _transact(self, request: Request) -> Answer:
        actions = [next(iter(action.items())) for action in request["TransactItems"]]
        keys = [_key(part["Item"] if kind == "Put" else part["Key"]) for kind, part in actions]
        if len(actions) > MOST_ITEMS or len(set(keys)) < len(keys):
            raise Refused("ValidationException", "too many items, or one item twice")
        codes = [
            "None" if self._condition_holds(key, part) else "ConditionalCheckFailed"
            for key, (_, part) in zip(keys, actions, strict=True)
        ]
        if set(codes) != {"None"}:
            for key in keys:
                self._count_write(key, self._sizes.get(key, 0), 2)
            reasons = [{"Code": code} for code in codes]
            raise Refused("TransactionCanceledException", str(codes), CancellationReasons=reasons)
        results = [
            self._result(kind, key, part) for key, (kind, part) in zip(keys, actions, strict=True)
        ]
        total = sum(size for _, size in results)
        if total > LARGEST_TRANSACTION:
            raise Refused("ValidationException", "a transaction of more than 4 MB")
        self.usage.largest_transaction = max(self.usage.largest_transaction, total)
        for key, (new, size) in zip(keys, results, strict=True):
            self._store(key, new, size, 2)
        return {}

    def _condition_holds(self, key: _Key, request: Request) -> bool:
        given = Given(self._items.get(key, {}), *_given(request))
        return holds(request.get("ConditionExpression"), given)

    def _result(self, kind: str, key: _Key, request: Request) -> tuple[Item | None, int]:
        """Return the item after a write, and its size."""
        old = self._items.get(key)
        if kind == "ConditionCheck":
            return old, self._sizes.get(key, 0)
        if kind == "Delete":
            return None, 0
        if kind == "Put":
            return request["Item"], item_size(request["Item"])
        before: Item = old or dict(request["Key"])
        changes = changed(request["UpdateExpression"], Given(before, *_given(request)))
        size = self._sizes.get(key) or item_size(before)
        size -= item_size({name: before[name] for name in changes if name in before})
        size += item_size({name: value for name, value in changes.items() if value})
        merged = before | changes
        return {name: value for name, value in merged.items() if value}, size

    def _store(self, key: _Key, item: Item | None, size: int, price: int = 1) -> None:
        if size > LONGEST_ITEM:
            raise Refused("ValidationException", f"item size of {size} bytes exceeds 400 KB")
        self._count_write(key, max(size, self._sizes.get(key, 0)), price)
        self.usage.largest_item = max(self.usage.largest_item, size)
        pk, sk = key
        if item is None:
            if self._items.pop(key, None) is not None:
                del self._sizes[key]
                self._sorted[pk].remove(sk)
            return
        if key not in self._items:
            insort(self._sorted.setdefault(pk, []), sk)
        self._items[key], self._sizes[key] = item, size

    def _count_write(self, key: _Key, size: int, price: int = 1) -> None:
        units = price * max(1, ceil(size / 1024))
        self.usage.write_units += units
        self.usage.written[key[0], self._second] += units

    def _count_read(self, pk: str, size: int, request: Request) -> None:
        units = max(1, ceil(size / 4096)) * (1.0 if request.get("ConsistentRead") else 0.5)
        self.usage.read_units += units
        self.usage.read[pk, self._second] += int(units) or 1


def _key(key: Mapping[str, Value]) -> _Key:
    return key["pk"]["S"], key["sk"]["S"]


def _given(request: Request) -> tuple[Mapping[str, Value], Mapping[str, str]]:
    return (
        request.get("ExpressionAttributeValues", {}),
        request.get("ExpressionAttributeNames", {}),
    )


def _partition_of(condition: str, values: Mapping[str, Value], names: Mapping[str, str]) -> str:
    first, _, rest = condition.strip().partition(" ")
    sign, token = rest.split()[:2]
    if (names.get(first, first), sign) != ("pk", "="):
        raise ValueError(f"a query begins with its partition: {condition}")
    return values[token]["S"]


def _projected(item: Item, request: Request) -> Item:
    wanted = request.get("ProjectionExpression")
    if not wanted:
        return item
    names = request.get("ExpressionAttributeNames", {})
    attributes = [names.get(token, token) for token in map(str.strip, wanted.split(","))]
    return {name: item[name] for name in attributes if name in item}
