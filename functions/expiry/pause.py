"""Pauses the mentors on one page, one after the other (E2-E6, E10)."""

from typing import Literal
from uuid import UUID

from aws_lambda_powertools import Logger

from mentor_pause.errors import DatabaseUnavailable, TransientError, describe
from mentor_pause.events import MentorPage
from mentor_pause.pages import HandBack
from mentor_pause.retry import Remaining, Retry
from mentor_pause.runs import PageOutcome
from mentor_pause.supabase import Database

type Fate = Literal["paused", "skipped", "errored", "unanswered", "contended"]

_RESERVE_SECONDS = 15.0
"""No call begins with less: one may take 10 s, and the page has to be closed or handed back."""

_DOWN_AFTER = 2
"""Mentors in a row whose calls found no database: then it is the database, not the mentor."""

_PASSES = 3
"""How often a mentor is tried whose row is locked; after all others have had their turn."""

_PAUSED = ("changed", "replayed", "would_change")


class PausePage:
    """The pause loop."""

    def __init__(self, database: Database, reconnect: Retry, logger: Logger) -> None:
        """`reconnect` bounds the attempts of a call that finds no database."""
        self._database = database
        self._reconnect = reconnect
        self._logger = logger

    def __call__(self, page: MentorPage, remaining: Remaining) -> PageOutcome:
        """Pause whoever is still active and expired; what was done before comes back as replayed.

        Raises:
            HandBack: time runs short; the rest of the page is for the next invocation.
            DatabaseUnavailable: the database is down; the page is for later.
        """
        fates: dict[UUID, Fate] = {}
        for turn in range(_PASSES):
            waiting = [m for m in page.mentor_ids if fates.get(m, "contended") == "contended"]
            try:
                self._pass(page, waiting, fates, remaining)
            except HandBack:
                if turn == 0:
                    raise
                break  # everybody had a turn; who is still locked counts as an error
        # Where a later call was answered, the database was there: the failure is that mentor's own.
        return PageOutcome(
            done=_with(fates, "paused"),
            skipped=_with(fates, "skipped"),
            errored=_with(fates, "errored", "unanswered", "contended"),
        )

    def _pass(
        self, page: MentorPage, waiting: list[UUID], fates: dict[UUID, Fate], remaining: Remaining
    ) -> None:
        unanswered_in_a_row = 0
        for mentor_id in waiting:
            if remaining() < _RESERVE_SECONDS:
                raise HandBack(f"time ran short after {len(fates)} mentors", 1)
            fate = fates[mentor_id] = self._fate(page, mentor_id, remaining)
            unanswered_in_a_row = unanswered_in_a_row + 1 if fate == "unanswered" else 0
            if unanswered_in_a_row == _DOWN_AFTER:
                break
        if unanswered_in_a_row:
            raise DatabaseUnavailable("the database is down; the page is for later")

    def _fate(self, page: MentorPage, mentor_id: UUID, remaining: Remaining) -> Fate:
        try:
            change = self._reconnect(
                lambda: self._database.pause_expired(
                    mentor_id, page.org_id, page.job_run_id, page.as_of, dry_run=page.dry_run
                ),
                worthwhile=lambda: remaining() >= _RESERVE_SECONDS,
            )
        except Exception as error:  # noqa: BLE001 - no mentor's failure may end the loop (E5)
            self._log(mentor_id, error)
            return _fate_of(error)
        return "paused" if change.outcome in _PAUSED else "skipped"

    def _log(self, mentor_id: UUID, error: Exception) -> None:
        self._logger.error(
            "mentor not paused",
            extra={
                "mentor_id": str(mentor_id),
                "sqlstate": getattr(error, "sqlstate", None),
                "reason": describe(error),
            },
        )


def _fate_of(error: Exception) -> Fate:
    if isinstance(error, DatabaseUnavailable):
        return "unanswered"
    return "contended" if isinstance(error, TransientError) else "errored"


def _with(fates: dict[UUID, Fate], *kinds: Fate) -> tuple[UUID, ...]:
    return tuple(mentor for mentor, fate in fates.items() if fate in kinds)
