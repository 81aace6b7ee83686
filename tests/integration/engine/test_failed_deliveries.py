"""How a page comes back after its worker failed, and with which reason (R1, R3)."""

import pytest

from mentor_pause.domain.error_reasons import RequeueReason
from mentor_pause.domain.runs import PageOutcome
from mentor_pause.engine.failed_delivery import FailedDelivery
from mentor_pause.engine.page_worker import delivery_of
from mentor_pause.engine.requeue import DeliveryFailed
from mentor_pause.errors import (
    DatabaseUnavailable,
    InvalidRequest,
    LedgerUnavailable,
    QueueUnavailable,
)
from support.faults import failures
from support.night import Night, run_id
from support.roster import Roster

WAITING = DatabaseUnavailable("no answer")


def failed(night: Night, error: Exception, *, dead: bool = False, count: int = 2) -> FailedDelivery:
    """Return a delivery of a run's only page at which a worker failed."""
    night.fire()
    (message,) = night.receive()
    delivery = delivery_of(night.record(message, dead=dead, receive_count=count))
    return FailedDelivery(delivery, error, night.ledger, night.worker_queue())


def last_reason(night: Night) -> RequeueReason | None:
    """Return why the page was not finished, and at which delivery."""
    page = night.ledger.pages.find(run_id(), 1)
    assert page is not None
    return page.last_requeue


def test_a_page_that_waits_for_a_service_is_sent_again(night: Night, roster: Roster) -> None:
    """R3: this delivery does not count, and the page knows its reason."""
    roster.add_mentors(1)
    assert failed(night, WAITING).bring_back() is True
    assert len(night.receive()) == 1
    assert last_reason(night) == ("no answer", 2)


@pytest.mark.parametrize(
    ("error", "dead", "reason"),
    [
        (ValueError("a mistake of ours"), False, ("ValueError", 2)),
        (QueueUnavailable("SQS is away"), False, ("SQS is away", 2)),
        (WAITING, True, None),
        (DeliveryFailed("locked", 7), False, None),
    ],
)
def test_other_failures_count_as_a_delivery(
    night: Night, roster: Roster, error: Exception, dead: bool, reason: tuple[str, int] | None
) -> None:
    """R3: SQS delivers the same message again. A failure that has its reason gets no other one."""
    roster.add_mentors(1)
    assert failed(night, error, dead=dead).bring_back() is False
    assert night.receive() == []
    assert last_reason(night) == reason


def test_a_message_that_can_never_succeed_is_delivered_again_at_once(
    night: Night, roster: Roster
) -> None:
    """R5: so that it reaches the dead-letter queue soon; the page itself gets no reason."""
    roster.add_mentors(1)
    delivery = failed(night, InvalidRequest("another page"))
    assert delivery.bring_back() is False
    (same,) = night.receive()
    assert same.get("Body") == delivery.delivery.body
    assert last_reason(night) is None


def test_a_queue_that_does_not_take_the_page_counts_the_delivery(
    night: Night, roster: Roster
) -> None:
    """R3: perhaps SQS took it and the answer was lost, so no other message is sent."""
    roster.add_mentors(1)
    delivery = failed(night, LedgerUnavailable("away"))
    night.plan.then(*failures(1), after=1)  # the ledger records the requeue; then SQS
    assert delivery.bring_back() is False
    assert night.receive() == []


def test_a_page_that_is_closed_gets_no_reason(night: Night, roster: Roster) -> None:
    """R1: another worker has finished it meanwhile."""
    mentors = roster.add_mentors(1)
    delivery = failed(night, WAITING)
    night.ledger.pages.close(run_id(), 1, mentors, PageOutcome(applied=tuple(mentors)))
    assert delivery.bring_back() is True
    assert last_reason(night) is None
