"""Pauses the mentors on one page, one after the other (E2-E6, E10)."""

from typing import Literal
from uuid import UUID

from aws_lambda_powertools import Logger
from mentor_pause.errors import DatabaseUnavailable, MentorPauseError
from mentor_pause.events import MentorPage
from mentor_pause.pages import HandBack, Remaining
from mentor_pause.retry import Retry
from mentor_pause.runs import PageOutcome
from mentor_pause.supabase import Database

type Fate = Literal["paused", "skipped", "errored", "unanswered"]

_RESERVE_SECONDS = 12.0
"""Left for the mentor in hand (three tries at a locked row take 9 s) and for closing the page."""

_DOWN_AFTER = 2
"""Mentors in a row whose calls found no database: then it is the database, not the mentor."""

_PAUSED = ("changed", "replayed", "would_change")


class PausePage:
    """The pause loop."""

    def __init__(self, database: Database, retry: Retry, logger: Logger) -> None:
        """`retry` bounds the attempts per mentor."""
        self._database = database
        self._retry = retry
        self._logger = logger

    def __call__(self, page: MentorPage, remaining: Remaining) -> PageOutcome:
        """Pause whoever is still active and expired; what was done before comes back as replayed.

        Raises:
            HandBack: time runs short; the rest of the page is for the next invocation.
            DatabaseUnavailable: the database is down; the page is for later.
        """
        fates: dict[UUID, Fate] = {}
        unanswered_in_a_row = 0
        for mentor_id in page.mentor_ids:
            if remaining() < _RESERVE_SECONDS:
                raise HandBack(f"time ran short after {len(fates)} mentors", 1)
            fate = fates[mentor_id] = self._fate(page, mentor_id)
            unanswered_in_a_row = unanswered_in_a_row + 1 if fate == "unanswered" else 0
            if unanswered_in_a_row == _DOWN_AFTER:
                break
        if unanswered_in_a_row:
            raise DatabaseUnavailable("the database is down; the page is for later")
        # Where a later call was answered, the database was there: the failure is that mentor's own.
        return PageOutcome(
            paused=_with(fates, "paused"),
            skipped=_with(fates, "skipped"),
            errored=_with(fates, "errored", "unanswered"),
        )

    def _fate(self, page: MentorPage, mentor_id: UUID) -> Fate:
        try:
            change = self._retry(
                lambda: self._database.pause_expired(
                    mentor_id, page.org_id, page.job_run_id, page.as_of, dry_run=page.dry_run
                )
            )
        except Exception as error:  # noqa: BLE001 - no mentor's failure may end the loop (E5)
            self._log(mentor_id, error)
            return "unanswered" if isinstance(error, DatabaseUnavailable) else "errored"
        return "paused" if change.outcome in _PAUSED else "skipped"

    def _log(self, mentor_id: UUID, error: Exception) -> None:
        # Of an error that is not ours only its type is known to hold no personal data (E13).
        self._logger.error(
            "mentor not paused",
            extra={
                "mentor_id": str(mentor_id),
                "sqlstate": getattr(error, "sqlstate", None),
                "reason": str(error)
                if isinstance(error, MentorPauseError)
                else type(error).__name__,
            },
        )


def _with(fates: dict[UUID, Fate], *kinds: Fate) -> tuple[UUID, ...]:
    return tuple(mentor for mentor, fate in fates.items() if fate in kinds)
