"""Copies of one page do not multiply, and an old copy does not fail a newer one (R1, R5)."""

from typing import Any

from botocore.exceptions import ReadTimeoutError

from support.faults import POOLED
from support.night import Night
from support.roster import Roster


def test_copies_of_a_page_do_not_multiply(night: Night, roster: Roster) -> None:
    """R5: each delivery of a waiting page could make a second copy: 64 copies after six rounds."""
    roster.add_mentors(3)
    night.fire()
    send, sent = night.sqs.send_message, [0]

    def answer_late(DelaySeconds: int = 0, **request: Any) -> None:
        send(DelaySeconds=DelaySeconds, **request)
        sent[0] += 1
        if sent[0] % 2:
            raise ReadTimeoutError(endpoint_url="sqs")

    night.sqs.send_message = answer_late
    night.plan.due = lambda seam, what: "before" if seam is POOLED else "ok"  # noqa: ARG005
    messages = night.receive()
    for _ in range(6):
        for message in messages:
            night.deliver(message)
        messages = night.receive()
    assert len(messages) <= 2


def test_a_dead_old_copy_of_a_page_does_not_fail_the_page(night: Night, roster: Roster) -> None:
    """R1: both copies exist after a crash between `send_again` and the acknowledgement."""
    mentors = roster.add_mentors(3)
    night.fire()
    (message,) = night.receive()
    left = iter([60.0, 60.0, 60.0])
    night.consume(
        night.record(message), lambda: next(left, 5.0)
    )  # one mentor is processed, and a new copy is sent
    night.deliver(message, dead=True)
    night.work_off()
    assert night.summaries()[0]["mentor_ids_paused"] == [str(m) for m in mentors]
