"""The ledger's table reads DynamoDB's answers and repeats failed calls."""

from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from mentor_pause.errors import LedgerContended, LedgerUnavailable
from mentor_pause.ledger.table import RETRY, Table
from mentor_pause.retry import Retry

NO_WAIT = Retry(attempts=3, on=LedgerUnavailable, sleep=lambda _seconds: None)


class Answers:
    """A DynamoDB client that gives its answers in turn."""

    def __init__(self, *answers: Any) -> None:
        """It raises answers that are errors."""
        self._answers = list(answers)
        self.requests: list[dict[str, Any]] = []

    def update_item(self, **request: Any) -> Any:
        """Return the next answer, and note the request."""
        self.requests.append(deepcopy(request))
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    transact_write_items = batch_get_item = query = get_item = update_item


def refusal(code: str, *reasons: str) -> ClientError:
    """Return an error as botocore raises it."""
    response: Any = {
        "Error": {"Code": code, "Message": "no"},
        "CancellationReasons": [{"Code": reason} for reason in reasons],
    }
    return ClientError(response, "Operation")


def update(*answers: Any) -> Any:
    """Update an item, and return the result."""
    table: Any = Answers(*answers)
    return Table(table, "t", NO_WAIT).update(
        "p", "s", "SET #a = :a", "attribute_exists(pk)", {"a": 1}
    )


def transact(*answers: Any) -> bool:
    """Write a transaction, and return the result."""
    table: Any = Answers(*answers)
    return Table(table, "t", NO_WAIT).transact([])


def test_two_simultaneous_writes_of_one_item_are_not_an_outage() -> None:
    """DynamoDB refuses one, for example a worker's update during a dispatcher's transaction."""
    conflict = refusal("TransactionConflictException")
    assert update(conflict, conflict, {"Attributes": {"a": {"N": "1"}}}) == (True, {"a": 1})
    cancelled = refusal("TransactionCanceledException", "None", "TransactionConflict")
    assert transact(cancelled, {})


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (refusal("TransactionConflictException"), LedgerContended, "TransactionConflictException"),
        (refusal("TransactionCanceledException", "TransactionConflict"), LedgerContended,
         "TransactionCanceledException"),
        (refusal("TransactionCanceledException", "ThrottlingError"), LedgerUnavailable,
         "TransactionCanceledException"),
        (refusal("ThrottlingException"), LedgerUnavailable, "ThrottlingException"),
    ],
)  # fmt: skip
def test_an_outage_and_a_conflict_are_told_apart(
    error: ClientError, kind: type[Exception], text: str
) -> None:
    """E8: after the last attempt; a conflict says that another writer is alive."""
    with pytest.raises(LedgerUnavailable) as raised:
        update(error, error, error)
    assert (type(raised.value), str(raised.value)) == (kind, f"DynamoDB Operation: {text}")


def test_a_transaction_succeeds_or_fails() -> None:
    """E8: the answer is a truth value."""
    assert transact({}) is True
    assert transact(refusal("TransactionCanceledException", "ConditionalCheckFailed")) is False


def item(name: str) -> dict[str, Any]:
    """Return an item as DynamoDB returns it."""
    return {"pk": {"S": "p"}, "sk": {"S": name}}


def read(name: str) -> dict[str, str]:
    """Return an item as the table returns it."""
    return {"pk": "p", "sk": name}


def test_many_items_are_read_until_none_is_left() -> None:
    """E7: DynamoDB names the keys that it left out; an answer without any item is an outage."""
    first: Any = {
        "Responses": {"t": [item("a")]},
        "UnprocessedKeys": {"t": {"Keys": [item("b"), item("c")]}},
    }
    nothing: Any = {"Responses": {}, "UnprocessedKeys": {"t": {"Keys": [item("b"), item("c")]}}}
    last: Any = {"Responses": {"t": [item("b")]}, "UnprocessedKeys": {}}
    client: Any = Answers(first, nothing, last)
    assert Table(client, "t", NO_WAIT).get_all("p", ["a", "b", "c"]) == [read("a"), read("b")]
    asked = [request["RequestItems"]["t"] for request in client.requests]
    assert [len(some["Keys"]) for some in asked] == [3, 2, 2]
    assert all(some["ConsistentRead"] for some in asked)
    silent: Any = Answers(nothing, nothing, nothing)
    with pytest.raises(LedgerUnavailable, match="it read none of the items"):
        Table(silent, "t", NO_WAIT).get_all("p", ["b", "c"])


def test_a_long_list_is_read_page_by_page() -> None:
    """E7: an answer has at most 1 MB, and says where the next one begins."""
    client: Any = Answers(
        {"Items": [item("a")], "LastEvaluatedKey": item("a")}, {"Items": [item("b")]}
    )
    found = list(Table(client, "t", NO_WAIT).query("p", "a", "z"))
    assert found == [read("a"), read("b")]
    first, second = client.requests
    assert "ExclusiveStartKey" not in first
    assert second == first | {"ExclusiveStartKey": item("a")}
    assert (first["TableName"], first["ConsistentRead"]) == ("t", True)
    assert first["ExpressionAttributeValues"] == {
        ":pk": {"S": "p"}, ":first": {"S": "a"}, ":last": {"S": "z"},
    }  # fmt: skip


def test_the_time_is_asked_for_by_a_read_of_nothing() -> None:
    """D6: the answer's header has it, and an outage leaves this machine's clock."""
    header = {"ResponseMetadata": {"HTTPHeaders": {"date": "Sun, 01 Mar 2026 02:00:00 GMT"}}}
    here = datetime(2026, 3, 1, tzinfo=UTC)
    client: Any = Answers(header)
    assert Table(client, "t", NO_WAIT, local_clock=lambda: here).now() == here + timedelta(hours=2)
    assert client.requests == [{"TableName": "t", "Key": {"pk": {"S": "CLOCK"}, "sk": {"S": "-"}}}]
    away: Any = Answers(EndpointConnectionError(endpoint_url="https://dynamodb"))
    assert Table(away, "t", NO_WAIT, local_clock=lambda: here).now() == here


def test_the_ledger_waits_for_dynamodb_for_ten_seconds() -> None:
    """E6: nine attempts; the first waits are short, because conflicts last milliseconds."""
    waits = list[float]()
    retry = replace(RETRY, sleep=waits.append)
    client: Any = Answers(*[refusal("ThrottlingException")] * 9)
    with pytest.raises(LedgerUnavailable):
        Table(client, "t", retry).transact([])
    assert len(waits) == 8
    assert all(wait <= min(4.0, 0.03 * 2**n) for n, wait in enumerate(waits, 1))
    assert (RETRY.patience, RETRY.longest) == (10, 4)


def test_a_failed_condition_is_an_answer() -> None:
    """In an update, and in a transaction."""
    assert update(refusal("ConditionalCheckFailedException")) == (False, {})
    assert not transact(refusal("TransactionCanceledException", "ConditionalCheckFailed", "None"))


@pytest.mark.parametrize(
    "error",
    [
        refusal("ProvisionedThroughputExceededException"),
        refusal("AccessDeniedException"),
        EndpointConnectionError(endpoint_url="https://dynamodb"),
    ],
)
def test_every_other_error_is_an_outage_and_is_tried_again(error: Exception) -> None:
    """E6: the error after the last attempt names DynamoDB."""
    assert update(error, error, {"Attributes": {"a": {"N": "1"}}}) == (True, {"a": 1})
    with pytest.raises(LedgerUnavailable, match="DynamoDB"):
        update(error, error, error)
