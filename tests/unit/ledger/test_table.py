"""The ledger's table reads DynamoDB's answers and repeats failed calls."""

from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from mentor_pause.errors import LedgerUnavailable
from mentor_pause.ledger.table import Table
from mentor_pause.retry import Retry

NO_WAIT = Retry(attempts=3, on=LedgerUnavailable, sleep=lambda _seconds: None)


class Answers:
    """A DynamoDB client that gives its answers in turn."""

    def __init__(self, *answers: Any) -> None:
        """It raises answers that are errors."""
        self._answers = list(answers)

    def update_item(self, **request: Any) -> Any:
        """Return the next answer."""
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    transact_write_items = update_item


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
