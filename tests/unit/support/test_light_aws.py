"""The light clients answer the ledger's and the queues' calls as moto does."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from support.aws import Clients, create_ledger_table
from support.light_aws import light_clients


@pytest.fixture(params=["moto", "light"])
def clients(request: pytest.FixtureRequest, aws: Clients) -> Clients:
    """Both kinds of clients."""
    return aws if request.param == "moto" else light_clients()


def test_a_table_is_read_and_written(clients: Clients) -> None:
    """Each kind of call of the ledger; a failed condition is an answer, with the item."""
    table = create_ledger_table(clients.dynamodb, "light")
    new = {"pk": "RUN#1", "sk": "A", "tries": 1, "seen": {"x"}}
    assert table.get("RUN#1", "A") is None
    assert table.transact([table.put_new_action(new)])
    assert not table.transact([table.put_new_action(new)])
    assert table.get("RUN#1", "A") == new
    grown = new | {"seen": {"x", "y"}}
    assert table.update(
        "RUN#1", "A", "ADD seen :more", "tries = :one", {"more": {"y"}, "one": 1}
    ) == (True, grown)
    assert table.update("RUN#1", "A", "SET a = :one", "tries > :one", {"one": 1}) == (False, grown)
    assert table.update("RUN#2", "A", "SET a = :one", "tries > :one", {"one": 1}) == (False, {})
    assert table.get_all("RUN#1", ["A", "B"]) == [grown]
    assert list(table.query("RUN#1", "A", "Z")) == [grown]
    assert list(table.query("RUN#1", "B", "Z")) == []


def test_a_table_that_does_not_exist_is_named(clients: Clients) -> None:
    """A night that uses another night's table fails in both."""
    with pytest.raises((ClientError, KeyError), match=r"absent|resource"):
        clients.dynamodb.get_item(TableName="absent", Key={"pk": {"S": "a"}, "sk": {"S": "a"}})


@pytest.fixture
def bodies(clients: Clients) -> Callable[[], list[tuple[str, str]]]:
    """Take what is visible on the queue `pages`: bodies and receipts."""
    url = clients.sqs.create_queue(QueueName="pages")["QueueUrl"]

    def take() -> list[tuple[str, str]]:
        answer: Any = clients.sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=43000
        )
        return [(m["Body"], m["ReceiptHandle"]) for m in answer.get("Messages", [])]

    return take


def test_a_message_is_in_flight_until_it_is_handed_back(
    clients: Clients, bodies: Callable[[], list[tuple[str, str]]]
) -> None:
    """The oldest come first; only a visibility of 0 brings a message back."""
    sqs, url = clients.sqs, clients.sqs.create_queue(QueueName="pages")["QueueUrl"]
    sent = sqs.send_message_batch(
        QueueUrl=url, Entries=[{"Id": str(n), "MessageBody": f"page {n}"} for n in range(2)]
    )
    assert [entry["Id"] for entry in sent["Successful"]] == ["0", "1"]
    sqs.send_message(QueueUrl=url, MessageBody="page 2")
    first = bodies()
    assert [body for body, _ in first] == ["page 0", "page 1", "page 2"]
    assert bodies() == []
    for seconds, (_, receipt) in zip((0, 43000), first, strict=False):
        sqs.change_message_visibility(
            QueueUrl=url, ReceiptHandle=receipt, VisibilityTimeout=seconds
        )
    assert [body for body, _ in bodies()] == ["page 0"]


def test_a_queue_that_does_not_exist_is_an_error(clients: Clients) -> None:
    """A night has no dead-letter queue: a worker that hands a message back to it goes on."""
    with pytest.raises(ClientError, match="NonExistentQueue"):
        clients.sqs.change_message_visibility(
            QueueUrl="https://sqs/dead-letters", ReceiptHandle="r", VisibilityTimeout=0
        )
