"""When a page comes back, by what has failed (R3)."""

import pytest

from mentor_pause.engine.requeue import (
    DeliveryFailed,
    Requeue,
    seconds_until_retry,
    wait_for,
)
from mentor_pause.errors import (
    DatabaseMisconfigured,
    DatabaseUnavailable,
    InvalidRequest,
    LedgerUnavailable,
    TransientError,
)


@pytest.mark.parametrize(
    ("error", "requeue"),
    [
        (DatabaseUnavailable("away"), Requeue("away", 15, is_waiting=True, wait_reason="away")),
        (
            DatabaseMisconfigured("no right"),
            Requeue("no right", 120, is_waiting=True, wait_reason="no right"),
        ),
        (LedgerUnavailable("away"), Requeue("away", 15, is_waiting=True, wait_reason=None)),
    ],
)
def test_a_page_waits_for_the_service_that_failed(error: TransientError, requeue: Requeue) -> None:
    """R3: the run's row names only what an operator may have to repair: the database."""
    assert wait_for(error) == requeue
    assert seconds_until_retry(error) == requeue.seconds


@pytest.mark.parametrize(
    ("error", "seconds"),
    [(DeliveryFailed("locked", 7), 7), (InvalidRequest("no page"), 0), (ValueError("x"), None)],
)
def test_other_failures_have_their_own_wait(error: Exception, seconds: int | None) -> None:
    """R3: None is the queue's visibility time-out."""
    assert seconds_until_retry(error) == seconds
