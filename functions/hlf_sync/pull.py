"""Stores the certifications that the portal has renewed (H1).

What changed since the watermark, and a little before it, is read the oldest change first. The
watermark follows behind each page that is stored whole, so that whatever stops this is made good by
the next page or run. A renewal is recorded and told; it resumes nobody.

A row that cannot be read, or that the database cannot hold, costs itself alone: the log names it,
the run's note counts it, and the rows behind it are stored (R3).
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from aws_lambda_powertools import Logger

from mentor_pause.errors import (
    DatabaseUnavailable,
    MentorPauseError,
    PortalThrottled,
    describe,
)
from mentor_pause.events import MentorPage
from mentor_pause.portal import Portal, Renewal, RenewalPage
from mentor_pause.portal.rows import loggable
from mentor_pause.retry import Remaining, Retry
from mentor_pause.supabase.portal import PortalDatabase

_OVERLAP = timedelta(minutes=15)
"""Changes get their moment before they can be seen; the portal's longest transaction is shorter."""

_SKEW = timedelta(hours=1)
"""How far the portal's clock may be ahead of ours before a row is named for it."""

_DATA_EXCEPTION = "22"
"""SQLSTATE class of a value that the database cannot hold; trying again changes nothing."""

_NAMED = 100
"""Rows that one log line names at most; the count has them all."""

_UNREADABLE = "certifications of the portal cannot be read"
_NOT_STORED = "certifications of the portal could not be stored"
_AHEAD = "certifications of the portal were changed at a moment that has not come"
_NO_TIME = "there was no time for all renewals; the next page or run goes on with them"


def _now() -> datetime:
    return datetime.now(UTC)


class _Notes:
    """What a person should know, by kind: how many rows, and an example."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._examples: dict[str, str] = {}

    def add(self, kind: str, row: str) -> None:
        self._counts[kind] += 1
        self._examples.setdefault(kind, row)

    def __contains__(self, kind: str) -> bool:
        return kind in self._counts

    def __str__(self) -> str:
        return "; ".join(
            f"{count} {kind}, such as {self._examples[kind]}"
            for kind, count in self._counts.items()
        )


class PullRenewals:
    """Reads what is new in the portal."""

    def __init__(
        self,
        database: PortalDatabase,
        reconnect: Retry,
        logger: Logger,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        """`reconnect` bounds the attempts of a call that finds no database."""
        self._database = database
        self._reconnect = reconnect
        self._logger = logger
        self._clock = clock

    def __call__(self, portal: Portal, page: MentorPage, time_left: Remaining) -> str:
        """Store what is new while there is time; return what a person should know, mostly nothing.

        Raises:
            PortalThrottled: the portal wants to be left alone for longer than there is time.
            DatabaseUnavailable: the database is down.
        """
        notes = _Notes()
        try:
            end = self._read(portal, page, time_left, notes)
        except (PortalThrottled, DatabaseUnavailable):
            raise
        except MentorPauseError as error:
            self._logger.error("renewals not read", extra={"reason": describe(error)})
            end = f"renewals not read: {describe(error)}"
        return "; ".join(note for note in (end, str(notes)) if note)

    def _read(self, portal: Portal, page: MentorPage, time_left: Remaining, notes: _Notes) -> str:
        now = self._clock()
        watermark = self._reconnect(lambda: self._database.get_watermark(page.org_id))
        # One that is ahead hides every change until then: everything is read anew.
        since = watermark - _OVERLAP if watermark and watermark <= now + _SKEW else None
        for found in portal.renewals(since):
            self._name_odd_rows(found, now, notes)
            renewals = [_not_ahead(renewal, now) for renewal in found.renewals]
            if time_left() <= 0 or not self._store(page, renewals, time_left, notes):
                return _NO_TIME
            if _NOT_STORED not in notes:
                self._move(page, found, now)
        return ""

    def _move(self, page: MentorPage, found: RenewalPage, now: datetime) -> None:
        """Move the watermark to the page's last change; what is ahead of `now` moves it nowhere."""
        until = max((r.modified_on for r in found.renewals if r.modified_on <= now), default=None)
        if until is not None:
            self._reconnect(lambda: self._database.move_watermark(page.org_id, until))

    def _name_odd_rows(self, found: RenewalPage, now: datetime, notes: _Notes) -> None:
        ahead = [loggable(r.id) for r in found.renewals if r.modified_on > now + _SKEW]
        for kind, rows in ((_UNREADABLE, list(map(str, found.unreadable))), (_AHEAD, ahead)):
            for row in rows:
                notes.add(kind, row)
            if rows:
                self._logger.error(kind, extra={"count": len(rows), "rows": rows[:_NAMED]})

    def _store(
        self, page: MentorPage, renewals: list[Renewal], time_left: Remaining, notes: _Notes
    ) -> bool:
        """Store what is not stored; False: there was no time for all of it."""
        changes = [(r.id, r.key, r.modified_on) for r in renewals]
        new = self._reconnect(lambda: self._database.list_new_changes(page.org_id, changes))
        outcomes: Counter[str] = Counter()
        for renewal in (renewal for renewal in renewals if renewal.id in new):
            if time_left() <= 0:
                return False
            outcomes[self._record(page, renewal, notes)] += 1
        if outcomes:
            self._logger.info("renewals read", extra={"outcomes": dict(outcomes)})
        return True

    def _record(self, page: MentorPage, renewal: Renewal, notes: _Notes) -> str:
        try:
            return self._reconnect(
                lambda: self._database.record_certification(
                    page.org_id,
                    renewal.key,
                    renewal.id,
                    renewal.expires_on,
                    renewal.modified_on,
                    page.job_run_id,
                )
            )
        except DatabaseUnavailable:
            raise
        except MentorPauseError as error:
            return self._not_stored(renewal, error, notes)

    def _not_stored(self, renewal: Renewal, error: MentorPauseError, notes: _Notes) -> str:
        sqlstate = str(getattr(error, "sqlstate", None))
        self._logger.error(
            "renewal not stored",
            extra={
                "portal_id": loggable(renewal.id),
                "sqlstate": sqlstate,
                "reason": describe(error),
            },
        )
        is_odd = sqlstate.startswith(_DATA_EXCEPTION)
        notes.add(_UNREADABLE if is_odd else _NOT_STORED, loggable(renewal.id))
        return "failed"


def _not_ahead(renewal: Renewal, now: datetime) -> Renewal:
    """Return a renewal as if it had been changed by now.

    Stored with a moment in the year 9999, no later change of the row would ever count as newer.
    """
    return replace(renewal, modified_on=min(renewal.modified_on, now))
