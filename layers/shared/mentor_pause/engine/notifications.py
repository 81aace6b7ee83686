"""Notifies the coordinators of a run's mentors, in batches that are bounded by time (E11).

The database keeps one notification per coordinator and run, and each batch adds mentors to it. A
repeated batch adds nothing.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from mentor_pause.database.client import Database
from mentor_pause.domain.jobs import MAX_PAGE_SIZE
from mentor_pause.errors import RetryableDatabaseError

MOST, LEAST = 5_000, 50
"""Mentors in one call; a call that takes too long is repeated with a tenth of them."""

TOO_LONG = "57014"
"""SQLSTATE of a statement that took too long."""


def in_batches[T](call: Callable[[int], T], most: int, least: int) -> Iterator[tuple[int, T]]:
    """Repeat a call about at most so many mentors, with a tenth of them if it takes too long.

    Yields:
        The number that the call was about, and what it returned.

    Raises:
        RetryableDatabaseError: the call failed otherwise, or the smallest one took too long.
    """
    limit = most
    while True:
        try:
            answer = call(limit)
        except RetryableDatabaseError as error:
            if error.sqlstate != TOO_LONG or limit <= least:
                raise
            limit = max(least, limit // 10)
            continue
        yield limit, answer


@dataclass(frozen=True, slots=True)
class Notifications:
    """Notifies coordinators."""

    database: Database
    most: int = MOST

    def add(self, job_run_id: UUID, after: UUID | None = None) -> Iterator[UUID]:
        """Notify the coordinators of the run's mentors after this id, one batch at each step.

        Yields:
            The last mentor of each batch but the last one; a later call can begin after it.

        Raises:
            DatabaseError: the database refuses the call.
            RetryableDatabaseError: the same batch may succeed later.
        """

        def notify(limit: int) -> UUID | None:
            return self.database.notify_page(job_run_id, after, limit)

        for _, last in in_batches(notify, self.most, LEAST):
            if last is None:
                return
            after = last
            yield last

    def add_some(self, job_run_id: UUID, mentor_ids: Sequence[UUID]) -> None:
        """Notify the coordinators of some mentors, who are on one page of the run.

        A page holds all of the run's mentors between its first and its last one. So a batch of the
        largest page's size that begins before the first one takes them all.
        """
        before = UUID(int=max(0, min(mentor_ids).int - 1))
        self.database.notify_page(job_run_id, before, MAX_PAGE_SIZE)
