"""The result of a job's work on a page, and when SQS delivers an unfinished page again."""

from collections.abc import Callable
from dataclasses import dataclass

from mentor_pause.domain.messages import MentorPage
from mentor_pause.domain.runs import PageOutcome
from mentor_pause.errors import (
    DatabaseMisconfigured,
    DatabaseUnavailable,
    InvalidRequest,
    MentorPauseError,
    TransientError,
    describe,
)
from mentor_pause.retry import Remaining

SERVICE_WAIT = 15
"""Seconds until the next delivery of a page that waits for the database or another service."""

OPERATOR_WAIT = 120
"""The same when an operator has to act. Poolers lock out a role after several wrong passwords."""


@dataclass(frozen=True, slots=True)
class Requeue:
    """Why some mentors of a page are not processed yet, and when SQS delivers the page again."""

    reason: str
    seconds: int
    is_waiting: bool = False
    """The page waits for a service: this delivery does not count as failed."""
    wait_reason: str | None = None
    """The failure that an operator has to repair; the ledger keeps it with the run."""


@dataclass(frozen=True, slots=True)
class PageResult:
    """The mentors that an invocation processed, and when the others are delivered again."""

    outcome: PageOutcome
    requeue: Requeue | None = None
    """None: every mentor of the page is processed."""


type Work = Callable[[MentorPage, Remaining], PageResult]
"""A job's work on a page. It gets the unprocessed mentors; the list may be empty. If it raises
`TransientError`, it has processed no mentor, and the page waits."""


class DeliveryFailed(MentorPauseError):
    """The message is not acknowledged. SQS delivers it again in `seconds`, and counts this one."""

    def __init__(self, reason: str, seconds: int) -> None:
        super().__init__(reason)
        self.seconds = seconds


def wait_for_database(error: DatabaseUnavailable) -> Requeue:
    """Return the requeue of a page that waits until the database can be used again (R3)."""
    seconds = OPERATOR_WAIT if isinstance(error, DatabaseMisconfigured) else SERVICE_WAIT
    reason = describe(error)
    return Requeue(reason, seconds, is_waiting=True, wait_reason=reason)


def wait_for(error: TransientError) -> Requeue:
    """Return the requeue of a page that waits for the service that failed."""
    if isinstance(error, DatabaseUnavailable):
        return wait_for_database(error)
    return Requeue(describe(error), SERVICE_WAIT, is_waiting=True)


def seconds_until_retry(error: Exception) -> int | None:
    """Return the seconds until the next delivery; None: the queue's visibility time-out."""
    if isinstance(error, DeliveryFailed):
        return error.seconds
    if isinstance(error, InvalidRequest):
        return 0  # it can never succeed: let it reach the dead-letter queue at once
    return wait_for(error).seconds if isinstance(error, TransientError) else None
