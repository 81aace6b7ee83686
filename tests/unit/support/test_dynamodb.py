"""The short way to moto's tables gives the same answers as the long one."""

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, ParamValidationError

from support.aws import Clients, create_ledger_table
from support.dynamodb import OPERATIONS

type Call = tuple[str, dict[str, Any]]

KEY = {"pk": {"S": "a"}, "sk": {"S": "A"}}
OTHER = {"pk": {"S": "a"}, "sk": {"S": "B"}}
VALUES = {
    "a": {"N": "1"}, "b": {"BOOL": True}, "n": {"NULL": True}, "s": {"SS": ["x", "y"]},
    "l": {"L": [{"S": "q"}, {"N": "2"}]}, "m": {"M": {"z": {"S": ""}}},
}  # fmt: skip
ONE = {":one": {"N": "1"}}


def put(item: dict[str, Any], **more: Any) -> Call:
    """Store an item."""
    return "put_item", {"Item": item} | more


def update(change: str, **more: Any) -> Call:
    """Change the item."""
    changed = {"Key": KEY, "UpdateExpression": change, "ExpressionAttributeValues": ONE}
    return "update_item", changed | more


def query(**more: Any) -> Call:
    """Read the partition."""
    condition = {
        "KeyConditionExpression": "pk = :pk and begins_with(sk, :sk)",
        "ExpressionAttributeValues": {":pk": {"S": "a"}, ":sk": {"S": "A"}},
    }
    return "query", condition | more


NEW = {"ConditionExpression": "attribute_not_exists(pk)"}
REFUSED = {"ConditionExpression": "a > :one"}
CALLS: list[Call] = [
    ("get_item", {"Key": KEY, "ConsistentRead": True}),
    put(KEY | VALUES, **NEW),
    put(KEY | VALUES, **NEW),
    put(KEY | VALUES, ReturnValues="ALL_OLD"),
    put({"pk": {"S": "a"}}),
    put({"pk": {"S": ""}, "sk": {"S": "A"}}),
    ("get_item", {"Key": KEY, "ConsistentRead": True}),
    ("get_item", {"Key": KEY, "ProjectionExpression": "a, sk"}),
    update("SET c = :one"),
    update("SET c = :one", **REFUSED),
    update("SET c = :one", **REFUSED, ReturnValuesOnConditionCheckFailure="ALL_OLD"),
    update("SET a = a + :one", ReturnValues="ALL_NEW"),
    update("SETT a = :one"),
    update("SET status = :one"),
    query(ConsistentRead=True),
    query(Limit=1, ReturnConsumedCapacity="TOTAL"),
    query(FilterExpression="m <> :sk"),
    ("delete_item", {"Key": KEY, "ReturnValues": "ALL_OLD"}),
    ("delete_item", {"Key": KEY}),
    query(),
]


def transaction(table: str, *actions: tuple[str, dict[str, Any]]) -> Call:
    """Do all actions, or none."""
    items = [{kind: {"TableName": table} | action} for kind, action in actions]
    return "transact_write_items", {"TransactItems": items}


def batch_get(table: str, *keys: dict[str, Any]) -> Call:
    """Read the items that exist."""
    wanted = {"Keys": list(keys), "ConsistentRead": True}
    return "batch_get_item", {"RequestItems": {table: wanted}}


def calls(table: str) -> list[Call]:
    """Return the calls for a table, with those that name none or another."""
    add = ("Put", {"Item": OTHER} | NEW)
    change = {"Key": KEY, "UpdateExpression": "SET a = :one", "ExpressionAttributeValues": ONE}
    return [
        *((name, {"TableName": table} | arguments) for name, arguments in CALLS),
        transaction(table, add, ("Update", change)),
        transaction(table, add, ("Update", change)),
        batch_get(table, KEY, OTHER),
        ("get_item", {"TableName": "nobody's", "Key": KEY}),
    ]


def outcome(client: Any, call: Call) -> Any:
    """Return what the caller of a client sees, without what differs by chance."""
    name, arguments = call
    error = None
    try:
        answer = getattr(client, name)(**arguments)
    except ClientError as refused:
        error, answer = (type(refused).__name__, str(refused)), refused.response
    metadata = answer.pop("ResponseMetadata")
    if name == "batch_get_item":  # moto names it although nobody asked
        answer.pop("ConsumedCapacity")
    status = metadata["HTTPStatusCode"]
    return error, answer, status, metadata["RetryAttempts"], "date" in metadata["HTTPHeaders"]


@pytest.fixture
def long_way(aws: Clients) -> Any:
    """A client whose calls go through botocore and all of moto."""
    session: Any = boto3.Session(region_name="eu-north-1")
    return session.client("dynamodb")


def test_the_answers_are_the_same(aws: Clients, long_way: Any) -> None:
    """Items, errors with what is in them, status and date."""
    for client, table in ((aws.dynamodb, "short"), (long_way, "long")):
        create_ledger_table(client, table)
    for short, long in zip(calls("short"), calls("long"), strict=True):
        expected = repr(outcome(long_way, long)).replace("'long'", "'short'")
        assert repr(outcome(aws.dynamodb, short)) == expected, short


def test_each_operation_of_the_short_way_is_compared() -> None:
    """One that is added needs calls above."""
    compared = {name.replace("_", "") for name, _ in calls("t")}
    assert compared == {operation.lower() for operation in OPERATIONS}


def test_the_client_still_validates(aws: Clients) -> None:
    """An argument that DynamoDB does not know is found by botocore's own model."""
    with pytest.raises(ParamValidationError):
        aws.dynamodb.get_item(Key=KEY, Table="t")  # pyright: ignore[reportCallIssue]


def test_what_a_caller_does_to_an_answer_is_not_in_the_table(aws: Clients) -> None:
    """Each answer is a copy."""
    create_ledger_table(aws.dynamodb, "copied")
    aws.dynamodb.put_item(TableName="copied", Item=KEY | {"l": {"L": []}})
    client: Any = aws.dynamodb
    for _ in range(2):
        item = client.get_item(TableName="copied", Key=KEY)["Item"]
        assert item["l"] == {"L": []}
        item["l"]["L"].append({"S": "more"})
