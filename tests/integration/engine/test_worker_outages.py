"""A worker without secret, ledger or queue ends in time and makes no mentor an error (R2, R3)."""

import time
from collections.abc import Callable
from dataclasses import replace
from threading import Event
from types import SimpleNamespace
from typing import Any

import pytest

from mentor_pause.aws.clients import with_deadline
from mentor_pause.aws.queues import WorkerQueue
from mentor_pause.domain.runs import PageOutcome
from mentor_pause.engine.page_worker import PageWorker, Scope
from mentor_pause.engine.sqs_batch import take_pages
from mentor_pause.errors import ConfigurationError, SettingsUnavailable
from mentor_pause.ledger.runs import Ledger
from mentor_pause.ledger.table import Table
from support.aws import Message, sqs_record
from support.night import DEAD_LETTERS, DELIVERIES, JOB, LEASES, Night, run_id
from support.roster import ORG, Roster


@pytest.mark.parametrize(
    "error",
    [
        SettingsUnavailable("the secret x cannot be read: ThrottlingException"),
        ConfigurationError("the secret x cannot be read: AccessDeniedException"),
    ],
)
def test_a_worker_without_its_secret_makes_nobody_an_error(
    night: Night, roster: Roster, error: Exception
) -> None:
    """R3: a fault of the system is not an error of a mentor."""
    mentors = roster.add_mentors(3)
    night.fire()
    (message,) = night.receive()

    def broken() -> PageWorker:
        raise error

    for count in range(1, DELIVERIES + 1):
        if _is_done(night, message, night.queue_url.rpartition("/")[2], count, broken):
            break
    else:
        _is_done(night, message, DEAD_LETTERS, 1, lambda: night.consume)
    night.work_off()
    (summary,) = night.summaries()
    assert summary["mentor_ids_paused"] == [str(m) for m in mentors]


def _is_done(
    night: Night, message: Message, queue: str, count: int, consumer: Callable[[], PageWorker]
) -> bool:
    context: Any = SimpleNamespace(get_remaining_time_in_millis=lambda: 60_000)
    event = {"Records": [sqs_record(message, queue, count)]}
    worker = WorkerQueue(night.sqs, night.queue_url, f"https://sqs/{DEAD_LETTERS}")  # pyright: ignore[reportArgumentType]
    answer = take_pages(event, context, consumer, lambda: worker, night.logger)
    return not answer["batchItemFailures"]


def test_a_worker_whose_ledger_and_queue_are_frozen_answers_before_it_is_killed(
    night: Night, roster: Roster
) -> None:
    """R2: otherwise the invocation would end by Lambda's time-out.

    A call's deadline is 1 s here, not 6 s.
    """
    roster.add_mentors(3)
    night.fire()
    (message,) = night.receive()
    frozen: Any = with_deadline(_Frozen(), 1.0)
    ledger = Ledger(Table(frozen, "ledger"), LEASES)
    queue = WorkerQueue(frozen, night.queue_url, f"https://sqs/{DEAD_LETTERS}")
    work: Any = None
    consume = replace(night.engine, ledger=ledger).worker(Scope(JOB, ORG), work, queue)
    ends_at = time.monotonic() + 1.5
    with pytest.raises(Exception, match="DynamoDB"):
        consume(night.record(message), lambda: ends_at - time.monotonic())
    assert time.monotonic() < ends_at


class _Frozen:
    def __getattr__(self, name: str) -> Any:
        def wait(**_request: object) -> None:
            Event().wait(30)

        return wait


def test_the_reason_of_an_error_survives_the_next_invocation(night: Night, roster: Roster) -> None:
    """R3: each error has its reason in the run's row."""
    mentors = roster.add_mentors(2)
    night.fire()
    night.ledger.pages.save_progress(
        run_id(), 1, PageOutcome(errored=(mentors[0],), note="HTTP 400")
    )
    night.ledger.pages.save_progress(run_id(), 1, PageOutcome(applied=(mentors[1],)))
    page = night.ledger.pages.find(run_id(), 1)
    assert page is not None
    assert page.processed.note == "HTTP 400"
