"""A message that is not a planned page of this job is refused (D8, R5)."""

from uuid import uuid4

import pytest
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from mentor_pause.errors import InvalidRequest
from support.aws import sqs_record
from support.night import Night
from support.roster import TOMORROW, Roster


def test_a_page_from_another_queue_is_refused(night: Night, roster: Roster) -> None:
    """R5: it may be a dead letter of another stack, so the worker must not process it."""
    (mentor,) = roster.add_mentors(1)
    night.fire()
    (message,) = night.receive()
    record = SQSRecord(sqs_record(message, "another-DeadLetterQueue", 1))
    with pytest.raises(InvalidRequest, match="from a queue that this worker does not read"):
        night.consume(record, night.remaining(60))
    assert roster.status(mentor) == "active"
    (line,) = night.lines("page not done")
    assert line["message_id"] == message.get("MessageId")
    assert night.deliver(message)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "no json",
        "{}",
        "[]",
        '{"version": 2}',
        '{"version": 1, "job_name": "certification_expiry"}',
    ],
)
@pytest.mark.parametrize("dead", [False, True])
def test_a_message_that_is_not_a_page_is_refused(
    night: Night, roster: Roster, body: str, dead: bool
) -> None:
    """The log names its message id and not its content, and nothing is changed."""
    assert not night.deliver({"Body": body}, dead=dead)
    (line,) = night.lines("page not done")
    assert line["reason"].startswith("not a valid MentorPage")
    assert roster.history() == []


def test_a_page_of_another_organisation_or_job_is_refused(night: Night, roster: Roster) -> None:
    """D8: the worker checks the scope, too."""
    roster.add_mentors(1)
    night.fire()
    (page,) = night.pages()
    for other in ({"org_id": uuid4()}, {"job_name": "hlf_sync"}):
        body = page.model_copy(update=other).model_dump_json()
        assert not night.deliver({"Body": body})
    reasons = [line["reason"] for line in night.lines("page not done")]
    assert len(reasons) == 2
    assert all(reason.endswith("is of another job or organisation") for reason in reasons)
    assert roster.history() == []


@pytest.mark.parametrize(
    "change",
    [
        {"job_run_id": uuid4()}, {"page": 2}, {"dry_run": True}, {"as_of": TOMORROW},
        {"mentor_ids": (uuid4(),)},
    ],
)  # fmt: skip
def test_a_page_that_no_dispatcher_has_planned_pauses_nobody(
    night: Night, roster: Roster, change: dict[str, object]
) -> None:
    """R5: the right to send to the queue does not allow a sender to invent a page."""
    mentors = roster.add_mentors(2)
    night.fire()
    (page,) = night.pages()
    body = page.model_copy(update=change).model_dump_json()
    assert not night.deliver({"Body": body})
    assert [roster.status(mentor) for mentor in mentors] == ["active", "active"]
    (line,) = night.lines("page not done")
    assert line["again_in"] == 0, "on its way to the dead letters"


def test_a_real_page_with_the_id_of_a_dry_run_pauses_nobody(night: Night, roster: Roster) -> None:
    """R5: the dry run planned this page as a dry one."""
    (mentor,) = roster.add_mentors(1)
    night.fire(dry_run=True)
    (page,) = night.pages()
    assert not night.deliver({"Body": page.model_copy(update={"dry_run": False}).model_dump_json()})
    assert roster.status(mentor) == "active"


def test_a_message_that_can_never_succeed_becomes_visible_at_once(night: Night) -> None:
    """E8: so that SQS moves it to the dead letters without a delay."""
    night.sqs.send_message(QueueUrl=night.queue_url, MessageBody='{"version": 9}')
    (message,) = night.receive()
    assert night.receive() == []
    assert not night.deliver(message)
    (again,) = night.receive()
    assert again["MessageId"] == message["MessageId"]
    assert night.lines("page not done")[-1]["message_id"] == message["MessageId"]
