"""Sending pages to SQS, and recognising a worker's queues."""

from datetime import date
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from mentor_pause.aws.error_codes import error_code
from mentor_pause.aws.queues import Delivery, PageQueues, WorkerQueue
from mentor_pause.domain.messages import MentorPage
from mentor_pause.errors import QueueUnavailable
from mentor_pause.retry import Retry


def a_page(number: int, mentors: int = 1) -> MentorPage:
    """Return a page with this number."""
    ids = tuple(uuid4() for _ in range(mentors))
    return MentorPage(
        job_name="job", job_run_id=uuid4(), org_id=uuid4(), as_of=date(2026, 3, 1), page=number,
        mentor_ids=ids,
    )  # fmt: skip


class FlakySqs:
    """An SQS client that refuses some entries the first time, or does not answer."""

    def __init__(self, refuses: set[str], silent: int = 0) -> None:
        """`refuses` are entry ids; `silent` is how many calls get no answer."""
        self.refuses, self.silent = refuses, silent
        self.batches: list[list[str]] = []
        self.largest = 0

    def send_message_batch(self, QueueUrl: str, Entries: list[dict[str, str]]) -> dict[str, Any]:
        """Accept the entries that are not to be refused."""
        if self.silent:
            self.silent -= 1
            raise EndpointConnectionError(endpoint_url="https://sqs")
        self.batches.append([entry["Id"] for entry in Entries])
        self.largest = max(self.largest, sum(len(entry["MessageBody"]) for entry in Entries))
        failed = [e for e in Entries if e["Id"] in self.refuses]
        self.refuses = set()
        return {
            "Successful": [{"Id": e["Id"]} for e in Entries if e not in failed],
            "Failed": [{"Id": e["Id"], "Code": "Throttled"} for e in failed],
        }


def send(sqs: FlakySqs, pages: list[MentorPage], attempts: int = 3) -> None:
    """Send pages with this client."""
    retry = Retry(attempts, sleep=lambda _: None)
    PageQueues(sqs, {"job": "https://queue"}, retry).send("job", pages)  # type: ignore[arg-type]


def test_only_refused_entries_are_sent_again() -> None:
    """A batch can fail in part."""
    sqs = FlakySqs({"2", "3"})
    send(sqs, [a_page(n) for n in range(1, 5)])
    assert sqs.batches == [["1", "2", "3", "4"], ["2", "3"]]


def test_a_batch_without_an_answer_is_sent_again_whole() -> None:
    """Its pages may arrive twice, but each is closed once."""
    sqs = FlakySqs(set(), silent=2)
    send(sqs, [a_page(1), a_page(2)])
    assert sqs.batches == [["1", "2"]]


def test_pages_that_cannot_be_sent_are_named() -> None:
    """The error has their numbers."""
    with pytest.raises(QueueUnavailable, match=r"SQS did not accept pages 2: Throttled"):
        send(FlakySqs({"2"}), [a_page(1), a_page(2)], attempts=1)


def test_ten_full_pages_stay_below_sqs_limit() -> None:
    """A batch may have 256 KiB."""
    sqs = FlakySqs(set())
    send(sqs, [a_page(n, 500) for n in range(1, 11)])
    assert 100_000 < sqs.largest < 262_144


def test_nothing_of_the_clients_text_is_kept() -> None:
    """R6: it names ARNs, accounts and roles, and coordinators see the run's row."""
    text = "User: arn:aws:sts::123456789012:assumed-role/x is not authorized"
    error = ClientError({"Error": {"Code": "AccessDenied", "Message": text}}, "SendMessage")
    assert error_code(error) == "AccessDenied"
    assert error_code(ClientError({"Error": {"Code": text}}, "SendMessage")) == "ClientError"

    class Refusing(FlakySqs):
        def send_message_batch(self, QueueUrl: str, Entries: list[dict[str, str]]) -> Any:
            raise error

        def change_message_visibility(self, **_: Any) -> Any:
            raise error

    with pytest.raises(QueueUnavailable) as raised:
        send(Refusing(set()), [a_page(1)], attempts=1)
    assert str(raised.value) == "SQS did not accept pages 1: AccessDenied"
    queue = WorkerQueue(Refusing(set()), "https://q/live", "https://q/dead")  # type: ignore[arg-type]
    with pytest.raises(
        QueueUnavailable, match=r"^SQS did not change a message's visibility: AccessDenied$"
    ):
        queue.redeliver(Delivery("live", "r", 1, "{}"), 1)


def test_a_worker_knows_its_queue_and_its_dead_letter_queue_and_no_other() -> None:
    """R5: by the whole name, so that dead letters of another stack are not processed as pages."""
    queue = WorkerQueue(FlakySqs(set()), "https://q/1/live", "https://q/1/dead")  # type: ignore[arg-type]
    known = {name: queue.reads(Delivery(name, "r", 1, "{}")) for name in ("live", "dead", "other")}
    assert known == {"live": True, "dead": True, "other": False}
    assert not queue.reads(Delivery("x-dead", "r", 1, "{}"))
