"""Pauses the mentors on one page, one after the other (E2-E6, E10, R1-R3).

Nobody waits for somebody else's lock before all others had their turn:

1. A first pass over the page takes no locked row; it leaves the mentor for later.
2. While mentors are locked, the worker waits for one locked mentor, for 3 s at most. Then it passes
   over the others again without waiting. After `_WAITS` waits in vain the rest is for a later
   invocation.

A call without an answer says nothing about the mentor. The worker then asks the database for
something else: if that has no answer either, the page waits for the database; otherwise the mentor
has one more turn, and after that the failure is the mentor's own. A database that says itself that
it can take no change, since it is read-only or its disk is full, is not asked: it still answers
what only reads. A call that the database refuses as misconfigured may be one row's (a trigger of an
adopter's) or everybody's: it is everybody's if a dry run of the same call is refused as well, or if
no other call of the page gets through.

The order is drawn again for each invocation: no mentor waits for ever behind rows that take long.
"""

import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from aws_lambda_powertools import Logger

from mentor_pause.database.client import Database, StatusChange
from mentor_pause.database.failures import reason_of
from mentor_pause.domain.messages import MentorPage
from mentor_pause.domain.runs import PageOutcome
from mentor_pause.engine.page_worker import PageResult, Requeue, wait_for_database
from mentor_pause.errors import (
    DatabaseError,
    DatabaseMisconfigured,
    DatabaseUnavailable,
    RetryableDatabaseError,
    TransientError,
    describe,
)
from mentor_pause.retry import Remaining, Retry, time_limit

type Kind = Literal["done", "skipped", "errored", "locked", "unanswered", "refused"]

_CLOSING_SECONDS = 8.0
"""Kept for the ledger, the queue and perhaps the run's completion; no call lasts into them."""

_CALL_SECONDS = 3.5
"""No call begins with less: one may wait 3 s for a lock."""

_WAITS = 5
"""Waits in vain for locked rows, one after the other; the rest is for a later invocation."""

_LOCKED_SECONDS = 10
"""Until a page comes back whose open mentors are all locked."""

_NO_CHANGES = ("25", "531", "533")
"""How the SQLSTATEs begin by which the database refuses every change: read-only, disk full, no
connection left."""

_DONE = ("changed", "replayed", "would_change")


_REFUSED_IN_VAIN = 2
"""Mentors whose calls are refused as misconfigured, with no other call getting through."""


def _draw(mentor_ids: Sequence[UUID]) -> Sequence[UUID]:
    return random.sample(mentor_ids, len(mentor_ids))


class _OutOfTime(Exception):
    """The invocation ends soon."""


@dataclass(slots=True)
class _Turn:
    """One invocation's work on one page."""

    page: MentorPage
    remaining: Remaining
    kinds: dict[UUID, Kind] = field(default_factory=dict[UUID, Kind])
    unanswered: set[UUID] = field(default_factory=set[UUID])
    """Mentors whose call had no answer while the database was there."""
    reasons: dict[UUID, str] = field(default_factory=dict[UUID, str])
    """Why the last call for a mentor failed."""
    refusal: DatabaseMisconfigured | None = None
    """Why the database refused a mentor's call, though it takes a dry run of it."""

    def with_kind(self, *kinds: Kind) -> tuple[UUID, ...]:
        """Return the mentors of these kinds, in the page's order."""
        return tuple(m for m in self.page.mentor_ids if self.kinds.get(m) in kinds)

    @property
    def open(self) -> tuple[UUID, ...]:
        """Return the mentors that are not settled."""
        settled = frozenset(self.with_kind("done", "skipped", "errored", "refused"))
        return tuple(m for m in self.page.mentor_ids if m not in settled)

    def has_time(self) -> bool:
        """Whether another call may begin."""
        return self.remaining() >= _CLOSING_SECONDS + _CALL_SECONDS

    def assert_time(self) -> None:
        """Raise `_OutOfTime` if no other call may begin."""
        if not self.has_time():
            raise _OutOfTime

    def result(self, requeue: Requeue | None = None) -> PageResult:
        """Return what this invocation came to."""
        errored = self.with_kind("errored", "refused")
        outcome = PageOutcome(
            done=self.with_kind("done"),
            skipped=self.with_kind("skipped"),
            errored=errored,
            reasons={mentor: self.reasons[mentor] for mentor in errored},
        )
        return PageResult(outcome, requeue)

    def assert_configured(self) -> None:
        """Raise the refusal that several mentors share, if no call got through beside them."""
        refused = len(self.with_kind("refused"))
        if self.refusal is not None and refused > 1 and not self.with_kind("done", "skipped"):
            for mentor in self.with_kind("refused"):
                del self.kinds[mentor]
            raise self.refusal


class PausePage:
    """The pause loop."""

    def __init__(
        self,
        database: Database,
        reconnect: Retry,
        logger: Logger,
        draw: Callable[[Sequence[UUID]], Sequence[UUID]] = _draw,
    ) -> None:
        """`reconnect` bounds the attempts of a call whose connection is lost; `draw` the order."""
        self._database = database
        self._reconnect = reconnect
        self._logger = logger
        self._draw = draw

    def __call__(self, page: MentorPage, remaining: Remaining) -> PageResult:
        """Pause every mentor of the page who is still active and expired.

        Returns:
            The settled mentors, and why the others have to wait, if there are any.
        """
        turn = _Turn(page, remaining)
        try:
            with time_limit(remaining() - _CLOSING_SECONDS):
                self._pass(turn, self._draw(page.mentor_ids))
                self._wait_for_locks(turn)
                turn.assert_configured()
        except _OutOfTime:
            reason = f"time ran short after {len(page.mentor_ids) - len(turn.open)} mentors"
            return turn.result(Requeue(reason, 1))
        except DatabaseUnavailable as error:
            return turn.result(wait_for_database(error))
        if turn.open:
            reason = "other transactions have locked the mentors' rows"
            return turn.result(Requeue(reason, _LOCKED_SECONDS))
        return turn.result()

    def _wait_for_locks(self, turn: _Turn) -> None:
        in_vain = 0
        while (waiting := turn.open) and in_vain < _WAITS:
            first = waiting[in_vain % len(waiting)]
            self._try(turn, first, wait=True)
            self._pass(turn, [mentor for mentor in waiting if mentor != first])
            in_vain = in_vain + 1 if turn.open == waiting else 0

    def _pass(self, turn: _Turn, mentors: Sequence[UUID]) -> None:
        for mentor_id in mentors:
            self._try(turn, mentor_id, wait=False)

    def _try(self, turn: _Turn, mentor_id: UUID, *, wait: bool) -> None:
        """Give one mentor a turn.

        Raises:
            DatabaseUnavailable: the database is away, or cannot be used as it is configured.
        """
        turn.assert_time()
        kind = self._call(turn, mentor_id, wait=wait)
        if kind == "unanswered":
            turn.assert_time()  # a call that the end of the invocation cut off says nothing
            self._probe(turn.page)
            kind = "errored" if mentor_id in turn.unanswered else kind
            turn.unanswered.add(mentor_id)
        turn.kinds[mentor_id] = kind
        if kind == "refused" and len(turn.with_kind("refused")) == _REFUSED_IN_VAIN:
            turn.assert_configured()

    def _call(self, turn: _Turn, mentor_id: UUID, *, wait: bool) -> Kind:
        page = turn.page

        def pause(*, dry_run: bool) -> StatusChange:
            return self._database.pause_expired(
                mentor_id, page.org_id, page.job_run_id, page.as_of, dry_run=dry_run, wait=wait
            )

        try:
            change = self._reconnect(lambda: pause(dry_run=page.dry_run), worthwhile=turn.has_time)
        except DatabaseMisconfigured as error:
            _assert_takes_dry_run(pause)
            self._log(mentor_id, error)
            turn.refusal, turn.reasons[mentor_id] = error, reason_of(error)
            return "refused"
        except Exception as error:  # no mentor's failure may end the loop (E5)
            if isinstance(error, DatabaseUnavailable) and _refuses_changes(error):
                raise
            kind = _kind_of(error)
            turn.reasons[mentor_id] = reason_of(error)
            if wait or kind != "locked":
                self._log(mentor_id, error)
            return kind
        return "done" if change.outcome in _DONE else "skipped"

    def _probe(self, page: MentorPage) -> None:
        """Ask the database for something that concerns no mentor.

        Raises:
            DatabaseUnavailable: it does not answer that either.
        """
        try:
            self._database.get_run_coverage(page.org_id, page.job_name)
        except DatabaseError as error:
            raise DatabaseUnavailable(describe(error), error.sqlstate) from error
        except DatabaseUnavailable:
            raise
        except RetryableDatabaseError:
            return  # it is busy, and there

    def _log(self, mentor_id: UUID, error: Exception) -> None:
        self._logger.error(
            "mentor not paused",
            extra={
                "mentor_id": str(mentor_id),
                "sqlstate": getattr(error, "sqlstate", None),
                "reason": describe(error),
            },
        )


def _assert_takes_dry_run(pause: Callable[..., object]) -> None:
    """Make sure that a refusal is not everybody's: the same call as a dry run gets through.

    Raises:
        DatabaseUnavailable: it does not; that the database is misconfigured is one case.
    """
    with suppress(DatabaseError):
        try:
            pause(dry_run=True)
        except DatabaseUnavailable:
            raise
        except RetryableDatabaseError:
            return  # the row is locked: the call gets through


def _refuses_changes(error: DatabaseUnavailable) -> bool:
    return (error.sqlstate or "").startswith(_NO_CHANGES)


def _kind_of(error: Exception) -> Kind:
    if isinstance(error, DatabaseUnavailable):
        return "unanswered"
    return "locked" if isinstance(error, TransientError) else "errored"
