"""Runs of many pages, written into the ledger as the dispatcher and the workers leave them."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import batched
from typing import Any
from uuid import UUID

from mentor_pause.domain.run_report import join_summary_lines
from mentor_pause.domain.runs import PageOutcome, Run, Trigger
from mentor_pause.engine.completion import Batches, Completion
from mentor_pause.ledger.items import expiry, new_run, page_key, run_key
from mentor_pause.ledger.lock import Lock
from support.night import JOB, Night
from support.roster import ORG, TODAY, Roster

TRIGGER = Trigger(JOB, ORG, "schedule", "large", "rule")
"""The trigger of the run."""

SMALL = Batches(ids_per_line=1, pages=2, notified=2)
"""A line for each page, and two mentors in each call."""


def open_run(night: Night, mentors: Sequence[UUID], size: int) -> int:
    """Write a run after its paging, with so many mentors on a page; return the number of pages."""
    assert isinstance(night.ledger.locks.acquire(TRIGGER, "dispatcher", 45), Lock)
    night.database.begin_execution(TRIGGER, "running", as_of=TODAY)
    pages = list(batched(mentors, size, strict=False))
    table, now = night.ledger.table, night.clock()
    totals = dict.fromkeys(("pages_planned", "pages_sent", "pages_total"), len(pages))
    assert table.transact([table.put_new_action(new_run(TRIGGER, TODAY, now) | totals)])
    for some in batched(enumerate(pages, 1), 100, strict=False):
        items = [
            {
                "pk": run_key(TRIGGER.job_run_id), "sk": page_key(number), "fence": 1,
                "mentor_ids": [str(mentor) for mentor in ids], "expires_at": expiry(now),
            }
            for number, ids in some
        ]  # fmt: skip
        assert table.transact([table.put_new_action(item) for item in items])
    return len(pages)


def closed_run(night: Night, mentors: Sequence[UUID], size: int) -> Run:
    """Write a run whose pages are all closed, and which has changed all its mentors."""
    open_run(night, mentors, size)
    run: Run | None = None
    for number, ids in enumerate(batched(mentors, size, strict=False), 1):
        night.ledger.pages.close(TRIGGER.job_run_id, number, ids, PageOutcome(applied=ids))
        run = night.ledger.mark_page_closed(TRIGGER.job_run_id, number)
    assert run is not None
    assert run.all_pages_closed
    return run


def completion(night: Night, **changes: Any) -> Completion:
    """Return the night's completion with small steps."""
    return replace(night.engine.completion, **{"batches": SMALL} | changes)


def joined(night: Night) -> dict[str, Any]:
    """Return the run's summary, from all its lines."""
    return join_summary_lines(
        [*night.lines("run completed, more mentors"), *night.lines("run completed")]
    )


def paused(night: Night, roster: Roster, count: int) -> list[UUID]:
    """Add mentors whom the run has paused."""
    mentors = roster.add_mentors(count)
    night.database.begin_execution(TRIGGER, "running", as_of=TODAY)
    for mentor in mentors:
        night.database.pause_expired(mentor, ORG, TRIGGER.job_run_id, TODAY)
    return mentors


def failed_run(night: Night, roster: Roster, count: int) -> Run:
    """Return a run whose mentors all count as errors, on a page each."""
    mentors = roster.add_mentors(count)
    open_run(night, mentors, 1)
    run: Run | None = None
    for number, mentor in enumerate(mentors, 1):
        outcome = PageOutcome(errored=(mentor,), reasons={mentor: "late"})
        night.ledger.pages.close(TRIGGER.job_run_id, number, [mentor], outcome)
        run = night.ledger.mark_page_closed(TRIGGER.job_run_id, number)
    assert run is not None
    return run
