"""The pages of a run in the ledger.

A page's results grow. A worker that requeues the page adds the mentors that it processed to sets of
ids (`progress_...`), and the next worker processes the rest. Adding is safe to repeat, and two
workers with the same page lose nothing of each other's work. A page is closed once.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import batched
from uuid import UUID

from mentor_pause.domain.error_reasons import RequeueReason, cut
from mentor_pause.domain.runs import Page, PageOutcome
from mentor_pause.ledger.items import (
    add_clause,
    expiry,
    page_key,
    progress_sets,
    read_page,
    reason_sets,
    run_key,
)
from mentor_pause.ledger.table import Action, Table, Value

AT_ONCE = 50
"""Pages that one call reads: at most 4 MB, with 500 mentors on each."""

_LONGEST_NOTE = 1000
_IS_OPEN = "attribute_not_exists(closed_at)"


@dataclass(frozen=True, slots=True)
class Pages:
    """The page items of the ledger's table."""

    table: Table

    def find(self, job_run_id: UUID, number: int) -> Page | None:
        """Return one page."""
        item = self.table.get(run_key(job_run_id), page_key(number))
        return read_page(item) if item else None

    def list(self, job_run_id: UUID) -> list[Page]:
        """Return all pages of a run, in order; a large run needs much memory."""
        pages = map(read_page, self.table.query(run_key(job_run_id), "PAGE#", "PAGE#~"))
        return sorted(pages, key=lambda page: page.number)

    def read(self, job_run_id: UUID, numbers: Iterable[int]) -> Iterator[Page]:
        """Yield these pages in the order of their numbers, `AT_ONCE` of them in memory at a time.

        `numbers` is ascending. A page that the ledger does not have is left out.
        """
        for some in batched(numbers, AT_ONCE, strict=False):
            items = self.table.get_all(run_key(job_run_id), [page_key(number) for number in some])
            yield from sorted(map(read_page, items), key=lambda page: page.number)

    def close(
        self, job_run_id: UUID, number: int, mentor_ids: Sequence[UUID], outcome: PageOutcome
    ) -> bool:
        """Write a page's outcome once; False: the page has an outcome, which stays.

        The caller then marks the page as closed in its run (`Ledger.mark_page_closed`), also after
        False, because the process that closed the page may have died in between.
        """
        change, values = self._closing(mentor_ids, outcome)
        key = page_key(number)
        closed, _ = self.table.update(run_key(job_run_id), key, change, _IS_OPEN, values)
        return closed

    def close_action(self, job_run_id: UUID, page: Page, outcome: PageOutcome) -> Action:
        """Build the part of a transaction that closes a page; it fails if the page is closed."""
        change, values = self._closing(page.mentor_ids, outcome)
        key = page_key(page.number)
        return self.table.update_action(run_key(job_run_id), key, change, _IS_OPEN, values)

    def _closing(
        self, mentor_ids: Sequence[UUID], outcome: PageOutcome
    ) -> tuple[str, dict[str, Value]]:
        now = self.table.now()
        reasons = reason_sets(outcome)
        change = (
            "SET mentor_ids = :mentors, applied = :applied, skipped = :skipped, "
            "errored = :errored, note = :note, closed_at = :now, expires_at = :expires"
        )
        values: dict[str, Value] = {
            "mentors": [str(mentor) for mentor in mentor_ids],
            "applied": [str(mentor) for mentor in outcome.applied],
            "skipped": [str(mentor) for mentor in outcome.skipped],
            "errored": [str(mentor) for mentor in outcome.errored],
            "note": cut(outcome.note, _LONGEST_NOTE),
            "now": now.isoformat(),
            "expires": expiry(now),
        }
        return change + add_clause(reasons), values | reasons

    def save_progress(
        self,
        job_run_id: UUID,
        number: int,
        outcome: PageOutcome,
        requeue: RequeueReason | None = None,
    ) -> Page | None:
        """Add the mentors that an invocation processed, and return the page.

        `requeue` says why the other mentors are not processed yet. It replaces the earlier reason.
        The outcome's note replaces the earlier note. Nothing is added to a closed page.

        Returns:
            The page as it is now; None: the ledger has no such page.
        """
        sets = progress_sets(outcome)
        values: dict[str, str | int] = {"requeued_at": self.table.now().isoformat()}
        if outcome.note:
            values["progress_note"] = cut(outcome.note, _LONGEST_NOTE)
        if requeue:
            values |= {"requeue_reason": requeue.reason, "requeue_delivery": requeue.delivery}
        _, item = self.table.update(
            run_key(job_run_id),
            page_key(number),
            f"SET {', '.join(f'{name} = :{name}' for name in values)}{add_clause(sets)}",
            "attribute_exists(pk) and attribute_not_exists(closed_at)",
            {**values, **sets},
        )
        return read_page(item) if item else None

    def record_copy(self, job_run_id: UUID, number: int, copy: int) -> None:
        """Record that a page's message was sent again as this copy; workers drop older copies."""
        self.table.update(
            run_key(job_run_id),
            page_key(number),
            "SET #copy = :copy",
            "attribute_exists(pk) and (attribute_not_exists(#copy) or #copy < :copy)",
            {"copy": copy},
        )
