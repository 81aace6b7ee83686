"""Runs of many pages, written into the ledger as the dispatcher and the workers leave them."""

from collections.abc import Sequence
from itertools import batched
from uuid import UUID

from mentor_pause.domain.runs import PageOutcome, Run, Trigger
from mentor_pause.ledger.items import expiry, new_run, page_key, run_key
from mentor_pause.ledger.lock import Lock
from support.night import JOB, Night
from support.roster import ORG, TODAY

TRIGGER = Trigger(JOB, ORG, "schedule", "large", "rule")
"""The trigger of the run."""


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
