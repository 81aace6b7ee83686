"""The stand-in of SQS: delays, visibility time-outs, dead letters and limits."""

import pytest

from bench.scale.ledger import Refused
from bench.scale.queues import LONGEST_MESSAGE, Queue, Queues, open_queues
from local.template import load_template


def queues() -> Queues:
    """Return a queue that delivers a message twice, 360 s apart, and its dead letters."""
    dead = Queue("dead", 360, 0)
    return Queues({"pages": Queue("pages", 360, 2, dead), "dead": dead})


def send(to: Queues, body: str = "page", delay: int = 0) -> None:
    """Send one message at second 100."""
    request = {"QueueUrl": "https://sqs/1/pages", "MessageBody": body, "DelaySeconds": delay}
    to.answer("SendMessage", request, 100)


def test_a_message_that_is_not_acknowledged_comes_back_and_then_is_a_dead_letter() -> None:
    """The template's queues do this after five deliveries."""
    sqs = queues()
    pages, dead = sqs.by_name["pages"], sqs.by_name["dead"]
    send(sqs, delay=30)
    assert pages.next_at == 130
    for at, comes_back in ((130, 490), (490, 850)):
        message = pages.receive(at)
        assert message is not None
        pages.finish(message, acknowledged=False)
        assert pages.next_at == comes_back
    assert pages.receive(850) is None
    assert (pages.next_at, dead.next_at) == (None, 850)


def test_a_changed_visibility_decides_when_the_message_comes_back() -> None:
    """A worker asks for this when a page has to wait."""
    sqs = queues()
    send(sqs)
    pages = sqs.by_name["pages"]
    message = pages.receive(100)
    assert message is not None
    request = {"QueueUrl": "x/pages", "ReceiptHandle": "0", "VisibilityTimeout": 15}
    sqs.answer("ChangeMessageVisibility", request, 120)
    pages.finish(message, acknowledged=False)
    assert pages.next_at == 135


def test_a_message_has_256_kib_and_a_batch_ten_messages() -> None:
    """SQS's limits."""
    sqs = queues()
    send(sqs, "x" * LONGEST_MESSAGE)
    with pytest.raises(Refused):
        send(sqs, "x" * (LONGEST_MESSAGE + 1))
    entries = [{"Id": str(number), "MessageBody": "page"} for number in range(11)]
    with pytest.raises(Refused):
        sqs.answer("SendMessageBatch", {"QueueUrl": "x/pages", "Entries": entries}, 0)


def test_the_queues_are_those_of_the_template() -> None:
    """The page queue has its dead letters, which a worker reads too."""
    found = open_queues(load_template()).by_name
    pages = found["CertificationExpiryQueue"]
    assert (pages.visibility, pages.most_receives) == (360, 5)
    assert pages.dead_letters is found["CertificationExpiryDeadLetterQueue"]
