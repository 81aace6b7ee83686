"""The stand-in of the ledger's table answers as moto's DynamoDB does, and holds the limits."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from bench.scale.ledger import LONGEST_ITEM, LedgerTable, Refused
from support.aws import Clients, create_ledger_table

type Call = tuple[str, dict[str, Any]]

KEY = {"pk": {"S": "RUN#a"}, "sk": {"S": "RUN"}}


def page(number: int, **more: Any) -> dict[str, Any]:
    """Return a page's item."""
    return {"pk": {"S": "RUN#a"}, "sk": {"S": f"PAGE#{number}"}} | more


def update(change: str, condition: str | None = None, **values: Any) -> dict[str, Any]:
    """Return an update of the run's item; its answer has the new item, or the refused one."""
    given = {f":{name}": value for name, value in values.items()}
    names = {"#s": "status"} if "#s" in f"{change}{condition}" else {}
    optional = {
        "ConditionExpression": condition,
        "ExpressionAttributeValues": given,
        "ExpressionAttributeNames": names,
    }
    return {
        "Key": KEY,
        "UpdateExpression": change,
        **{name: value for name, value in optional.items() if value},
    }


def alone(*change: str, **values: Any) -> Call:
    """Return an update outside a transaction."""
    returned = {"ReturnValues": "ALL_NEW", "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    return "UpdateItem", update(*change, **values) | returned


def transaction(*actions: dict[str, Any]) -> Call:
    """Return a transaction."""
    return "TransactWriteItems", {"TransactItems": list(actions)}


NEW = {"ConditionExpression": "attribute_not_exists(pk)"}
RUNNING, ONE, TWO, FOUR = {"S": "running"}, {"N": "1"}, {"N": "2"}, {"N": "4"}
PAGES = {
    "KeyConditionExpression": "pk = :pk and begins_with(sk, :sk)",
    "ExpressionAttributeValues": {":pk": {"S": "RUN#a"}, ":sk": {"S": "PAGE#"}},
    "ConsistentRead": True,
}
CALLS: list[Call] = [
    ("GetItem", {"Key": KEY}),
    ("PutItem", {"Item": KEY | {"status": RUNNING}} | NEW),
    ("PutItem", {"Item": KEY} | NEW),
    alone("SET planned = :n", "#s = :r and attribute_not_exists(closed_pages)", n=ONE, r=RUNNING),
    alone("SET planned = :n", "planned = :b or planned > :n", n=TWO, b=TWO),
    alone("ADD closed_pages :p, fence :n SET note = :t", p={"NS": ["1", "2"]}, n=ONE, t=RUNNING),
    alone("ADD closed_pages :p, fence :n REMOVE note", p={"NS": ["2", "3"]}, n=TWO),
    alone("DELETE closed_pages :p SET fence = fence + :n", p={"NS": ["1"]}, n=ONE),
    alone("SET a = if_not_exists(a, :n)", "not contains(closed_pages, :n)", n=ONE),
    alone("SET a = :n", "size(closed_pages) = :n or (a < :n and a <> :n)", n=TWO),
    alone("SET b = :n", "fence between :n and :m and fence in (:m, :k)", n=ONE, m=TWO, k=FOUR),
    transaction(
        {"Update": update("SET planned = :n", "planned = :n", n=ONE)},
        {"Put": {"Item": page(1, x=ONE)}},
    ),
    transaction(
        {"Put": {"Item": page(2)}}, {"Update": update("SET a = :n", "planned = :n", n=TWO)}
    ),
    transaction(*[{"Put": {"Item": page(number)}} for number in (2, 3, 10)]),
    ("Query", PAGES),
    ("BatchGetItem", {"RequestItems": {"ledger": {"Keys": [page(3)], "ConsistentRead": True}}}),
    ("DeleteItem", {"Key": page(10)}),
    ("GetItem", {"Key": page(10)}),
    ("GetItem", {"Key": KEY, "ConsistentRead": True}),
]


def test_the_stand_in_answers_as_moto_does(aws: Clients) -> None:
    """The calls are of the forms that the ledger uses, with conditions that hold and that fail."""
    create_ledger_table(aws.dynamodb, "ledger")
    table = LedgerTable()
    for operation, request in CALLS:
        assert ours(table, operation, request) == motos(aws, operation, request), request


def ours(table: LedgerTable, operation: str, request: dict[str, Any]) -> Any:
    """Return the stand-in's answer, in any order of sets."""
    try:
        return plain(table.answer(operation, request, 0))
    except Refused as refused:
        return plain(refused.answer)


def motos(clients: Clients, operation: str, request: dict[str, Any]) -> Any:
    """Return moto's answer to the same request."""
    method = {
        "GetItem": "get_item", "PutItem": "put_item", "UpdateItem": "update_item",
        "DeleteItem": "delete_item", "Query": "query", "BatchGetItem": "batch_get_item",
        "TransactWriteItems": "transact_write_items",
    }[operation]  # fmt: skip
    named = {} if operation in ("BatchGetItem", "TransactWriteItems") else {"TableName": "ledger"}
    for action in request.get("TransactItems", []):
        next(iter(action.values()))["TableName"] = "ledger"
    try:
        return plain(getattr(clients.dynamodb, method)(**named, **request))
    except ClientError as error:
        return plain(error.response)


def plain(answer: Any) -> Any:
    """Leave out what the ledger does not read, and order the sets."""
    if isinstance(answer, dict):
        left_out = (
            "ResponseMetadata",
            "Message",
            "message",
            "ConsumedCapacity",
            "ItemCollectionMetrics",
        )
        found = {k: plain(v) for k, v in answer.items() if k not in left_out}
        return {k: sorted(v) if k in ("SS", "NS") else v for k, v in found.items()}
    return [plain(one) for one in answer] if isinstance(answer, list) else answer


def test_an_item_may_have_400_kb_and_a_transaction_100_items() -> None:
    """AWS's published limits."""
    table = LedgerTable()
    table.answer("PutItem", {"Item": page(1, x={"S": "x" * (LONGEST_ITEM - 100)})}, 0)
    with pytest.raises(Refused, match="400 KB"):
        table.answer("PutItem", {"Item": page(1, x={"S": "x" * LONGEST_ITEM})}, 0)
    puts = [{"Put": {"Item": page(number)}} for number in range(101)]
    with pytest.raises(Refused, match="too many items"):
        table.answer("TransactWriteItems", {"TransactItems": puts}, 0)


def test_units_are_counted_by_the_size_of_the_item_and_twice_in_a_transaction() -> None:
    """3 KB of text: 4 write units with the names, 8 in a transaction, 1 read unit."""
    table = LedgerTable()
    item = page(1, x={"S": "x" * 3072})
    table.answer("PutItem", {"Item": item}, 7.5)
    assert table.usage.write_units == 4
    table.answer("TransactWriteItems", {"TransactItems": [{"Put": {"Item": item}}]}, 7.9)
    assert (table.usage.write_units, table.usage.written["RUN#a", 7]) == (12, 12)
    table.answer("GetItem", {"Key": page(1), "ConsistentRead": True}, 8)
    assert table.usage.read_units == 1
