"""Pauses the mentors on one page, one after the other (E2-E6, E10, R1-R3).

A page of a withdrawal is processed in the same way; its mentors are resumed (G5).

A worker waits for a locked row only after it has tried every mentor once:

1. The first pass over the page skips locked rows.
2. While rows are locked, the worker waits for one locked row, for 3 s at most. Then it tries the
   other mentors again without waiting. After `_WAITS` waits without success, a later invocation
   processes the rest.

A call without an answer says nothing about the mentor. The worker then asks the database for
something else. If that call has no answer either, the page waits for the database. Otherwise the
worker tries the mentor once more, and a second failure counts as the mentor's error. If the
database reports that it accepts no change, the page waits at once, because a read-only database
still answers reads.

A call that the database refuses as misconfigured may be about one row (an adopter's trigger) or
about every row. It is about every row if the database also refuses a dry run of the same call, or
if no other call of the page succeeds.

Each invocation draws a new random order, so that no mentor always waits behind slow rows.
"""

import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from aws_lambda_powertools import Logger

from mentor_pause.database.client import Database, StatusChange
from mentor_pause.database.error_classification import reason_of
from mentor_pause.domain.messages import MentorPage
from mentor_pause.domain.runs import KEPT_REASONS, KeptReason, PageOutcome
from mentor_pause.engine.requeue import PageResult, Requeue, wait_for_database
from mentor_pause.errors import (
    DatabaseError,
    DatabaseMisconfigured,
    DatabaseUnavailable,
    RetryableDatabaseError,
    TransientError,
    describe,
)
from mentor_pause.retry import Remaining, time_limit

type CallResult = Literal["applied", "skipped", "errored", "locked", "unanswered", "refused"]

_CLOSING_SECONDS = 8.0
"""Reserved for the ledger, the queue and the run's completion; no call lasts into them."""

_CALL_SECONDS = 3.5
"""No call begins with less: one may wait 3 s for a lock."""

_WAITS = 5
"""Waits for locked rows without success, one after the other, before the page is requeued."""

_LOCKED_SECONDS = 10
"""Seconds until the page comes again, if all its unprocessed mentors are locked."""

_NO_CHANGES = ("25", "531", "533")
"""The beginnings of the SQLSTATEs of a database that refuses every change: read-only, disk full, no
connection left."""

_APPLIED = ("changed", "replayed", "would_change")

_REFUSED_WITHOUT_SUCCESS = 2
"""Mentors whose calls are refused as misconfigured while no other call succeeds. After this many
such mentors, the fault is taken to be the database's configuration."""


def _draw(mentor_ids: Sequence[UUID]) -> Sequence[UUID]:
    return random.sample(mentor_ids, len(mentor_ids))


class _OutOfTime(Exception):
    """The invocation ends soon."""


@dataclass(slots=True)
class _Progress:
    """The progress of one invocation on one page."""

    page: MentorPage
    remaining: Remaining
    results: dict[UUID, CallResult] = field(default_factory=dict[UUID, CallResult])
    unanswered: set[UUID] = field(default_factory=set[UUID])
    """Mentors whose call had no answer while the database was there."""
    reasons: dict[UUID, str] = field(default_factory=dict[UUID, str])
    """Why the last call for a mentor failed."""
    kept: dict[UUID, KeptReason] = field(default_factory=dict[UUID, KeptReason])
    """Why skipped mentors keep their status, if the run reports it."""
    refusal: DatabaseMisconfigured | None = None
    """Why the database refused a mentor's call although it accepts a dry run of the call."""

    def with_result(self, *results: CallResult) -> tuple[UUID, ...]:
        """Return the mentors with these results, in the page's order."""
        return tuple(m for m in self.page.mentor_ids if self.results.get(m) in results)

    @property
    def unprocessed(self) -> tuple[UUID, ...]:
        """The mentors that have no final result."""
        processed = frozenset(self.with_result("applied", "skipped", "errored", "refused"))
        return tuple(m for m in self.page.mentor_ids if m not in processed)

    def assert_time(self) -> None:
        """Raise `_OutOfTime` if no other call may begin."""
        if self.remaining() < _CLOSING_SECONDS + _CALL_SECONDS:
            raise _OutOfTime

    def result(self, requeue: Requeue | None = None) -> PageResult:
        """Return what this invocation did."""
        errored = self.with_result("errored", "refused")
        outcome = PageOutcome(
            applied=self.with_result("applied"),
            skipped=self.with_result("skipped"),
            errored=errored,
            reasons={mentor: self.reasons[mentor] for mentor in errored},
            kept=self.kept,
        )
        return PageResult(outcome, requeue)

    def assert_configured(self) -> None:
        """Raise the refusal that several mentors share, if no other call succeeded."""
        refused = self.with_result("refused")
        if self.refusal is None or len(refused) <= 1 or self.with_result("applied", "skipped"):
            return
        for mentor in refused:
            del self.results[mentor]
        raise self.refusal


@dataclass(frozen=True, slots=True)
class PausePage:
    """Pauses the mentors of one page: the pause loop."""

    database: Database
    """Its retry bounds the attempts of a call whose connection is lost."""
    logger: Logger
    draw: Callable[[Sequence[UUID]], Sequence[UUID]] = _draw
    """Draws the order of the mentors."""

    def __call__(self, page: MentorPage, remaining: Remaining) -> PageResult:
        """Pause every mentor on the page that is still active and whose certification expired.

        Returns:
            The processed mentors, and when SQS delivers the others again, if there are any.
        """
        progress = _Progress(page, remaining)
        try:
            with time_limit(remaining() - _CLOSING_SECONDS):
                self._pass(progress, self.draw(page.mentor_ids))
                self._wait_for_locks(progress)
        except _OutOfTime:
            processed = len(page.mentor_ids) - len(progress.unprocessed)
            return progress.result(Requeue(f"time ran short after {processed} mentors", 1))
        except DatabaseUnavailable as error:
            return progress.result(wait_for_database(error))
        if progress.unprocessed:
            reason = "other transactions have locked the mentors' rows"
            return progress.result(Requeue(reason, _LOCKED_SECONDS))
        return progress.result()

    def _wait_for_locks(self, progress: _Progress) -> None:
        without_success = 0
        while (locked := progress.unprocessed) and without_success < _WAITS:
            first = locked[without_success % len(locked)]
            self._try(progress, first, wait=True)
            self._pass(progress, [mentor for mentor in locked if mentor != first])
            without_success = without_success + 1 if progress.unprocessed == locked else 0

    def _pass(self, progress: _Progress, mentors: Sequence[UUID]) -> None:
        for mentor_id in mentors:
            self._try(progress, mentor_id, wait=False)

    def _try(self, progress: _Progress, mentor_id: UUID, *, wait: bool) -> None:
        """Try to pause one mentor.

        Raises:
            DatabaseUnavailable: the database is away, or its configuration is wrong.
        """
        progress.assert_time()
        result = self._call(progress, mentor_id, wait=wait)
        if result == "unanswered":
            progress.assert_time()  # the end of the invocation may have cut the call off
            self._probe(progress.page)
            result = "errored" if mentor_id in progress.unanswered else result
            progress.unanswered.add(mentor_id)
        progress.results[mentor_id] = result
        if result == "refused" and len(progress.with_result("refused")) == _REFUSED_WITHOUT_SUCCESS:
            progress.assert_configured()

    def _call(self, progress: _Progress, mentor_id: UUID, *, wait: bool) -> CallResult:
        try:
            change = self._pause(self.database, progress.page, mentor_id, wait=wait)
        except DatabaseMisconfigured as error:
            self._assert_accepts_dry_run(progress.page, mentor_id, wait=wait)
            self._log(mentor_id, error)
            progress.refusal, progress.reasons[mentor_id] = error, reason_of(error)
            return "refused"
        except Exception as error:  # no mentor's failure may end the loop (E5)
            if isinstance(error, DatabaseUnavailable) and _refuses_changes(error):
                raise
            result = _result_of(error)
            progress.reasons[mentor_id] = reason_of(error)
            if wait or result != "locked":
                self._log(mentor_id, error)
            return result
        for reason in KEPT_REASONS:
            if change.outcome == reason:
                progress.kept[mentor_id] = reason
        return "applied" if change.outcome in _APPLIED else "skipped"

    def _pause(
        self,
        database: Database,
        page: MentorPage,
        mentor_id: UUID,
        *,
        wait: bool,
        dry_run: bool = False,
    ) -> StatusChange:
        dry_run = dry_run or page.dry_run
        if page.job_name == "withdrawal":
            return database.resume_withdrawn(
                mentor_id, page.org_id, page.job_run_id, dry_run=dry_run, wait=wait
            )
        return database.pause_expired(
            mentor_id, page.org_id, page.job_run_id, page.as_of, dry_run=dry_run, wait=wait
        )

    def _assert_accepts_dry_run(self, page: MentorPage, mentor_id: UUID, *, wait: bool) -> None:
        """Make sure that a refusal is about this row: a dry run of the same call succeeds.

        Raises:
            DatabaseUnavailable: the dry run fails too; for instance, the database is misconfigured.
        """
        with suppress(DatabaseError):
            try:
                self._pause(self.database.once(), page, mentor_id, wait=wait, dry_run=True)
            except DatabaseUnavailable:
                raise
            except RetryableDatabaseError:
                return  # the row is locked, so the call was accepted

    def _probe(self, page: MentorPage) -> None:
        """Ask the database for something that concerns no mentor.

        Raises:
            DatabaseUnavailable: it does not answer that either.
        """
        try:
            self.database.once().get_run_freshness(page.org_id, page.job_name)
        except DatabaseError as error:
            raise DatabaseUnavailable(describe(error), error.sqlstate) from error
        except DatabaseUnavailable:
            raise
        except RetryableDatabaseError:
            return  # the database is busy, but it is there

    def _log(self, mentor_id: UUID, error: Exception) -> None:
        self.logger.error(
            "mentor not paused",
            extra={
                "mentor_id": str(mentor_id),
                "sqlstate": getattr(error, "sqlstate", None),
                "reason": describe(error),
            },
        )


def _refuses_changes(error: DatabaseUnavailable) -> bool:
    return (error.sqlstate or "").startswith(_NO_CHANGES)


def _result_of(error: Exception) -> CallResult:
    if isinstance(error, DatabaseUnavailable):
        return "unanswered"
    return "locked" if isinstance(error, TransientError) else "errored"
