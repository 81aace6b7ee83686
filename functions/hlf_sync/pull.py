"""Brings the certifications here in line with the portal's (H1).

One reading of the portal per run, by the worker that has the run's first page. It reads every valid
certification, the oldest change first: a row that changes meanwhile comes again at the end, and one
that the portal has deleted would be in no list of changes. The watermark follows behind each page
of the portal, so another invocation goes on from there. In the end the worker asks the portal for
each certification that the reading has not met, before it removes it here. What a reading cannot
see, such as a change that the portal shows late, the next run's reading sees.

A renewal is recorded and told; it resumes nobody. A row that cannot be read, or that the database
cannot hold, costs itself alone: the log names it, and the run's note counts it (R3).
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from aws_lambda_powertools import Logger

from hlf_sync.notes import Notes
from hlf_sync.told import OTHER_UNIT
from mentor_pause.database.portal_client import Mirrored, PortalDatabase
from mentor_pause.database.transport import IDS_PER_CALL
from mentor_pause.domain.messages import MentorPage
from mentor_pause.errors import (
    DatabaseUnavailable,
    MentorPauseError,
    PortalThrottled,
    PortalUnavailable,
    describe,
)
from mentor_pause.portal import Certification, CertificationPage, Portal
from mentor_pause.portal.rows import loggable
from mentor_pause.retry import Remaining, Retry

_SKEW = timedelta(hours=1)
"""How far the portal's clock may be ahead of ours before a row is named for it."""

_DATA_EXCEPTION = "22"
"""SQLSTATE class of a value that the database cannot hold; trying again changes nothing."""

_NAMED = 100
"""Rows that one log line names at most; the count has them all."""

_REFUSED_AFTER = 5
"""Rows in a row that the portal did not answer for: the others are for the next run."""

_UNREADABLE = "certifications of the portal cannot be read"
_NOT_STORED = "certifications of the portal could not be stored"
_AHEAD = "certifications of the portal were changed at a moment that has not come"
_NOT_CONFIRMED = "certifications are in no listing of the portal and were kept unconfirmed"
_ALL_BLANK = (
    "no certification of the portal has a mentor and a day, so none was removed here; "
    "has HLF secured a column?"
)

_LEAST_SECONDS = 8.0
"""No request begins with less: with its waits, the third try comes after some six."""

type Reading = Literal["finished", "went on", "stood still"]
"""The run has read everything, or as much as can be read; time ran short, after some rows or before
any."""


def _draw(portal_ids: Sequence[str]) -> Sequence[str]:
    return random.sample(portal_ids, len(portal_ids))


@dataclass(slots=True)
class _Turn:
    """One invocation's part of the run's reading."""

    portal: Portal
    page: MentorPage
    time_left: Remaining
    notes: Notes
    has_gone_on: bool = False
    """It has read, or removed, what no invocation before it did."""

    def is_over(self) -> bool:
        """Whether no other request may begin."""
        return self.time_left() < _LEAST_SECONDS

    def broken_off(self) -> Reading:
        """Return how far it came, now that time is short."""
        return "went on" if self.has_gone_on else "stood still"


class PullCertifications:
    """Reads the portal's certifications."""

    def __init__(
        self,
        database: PortalDatabase,
        reconnect: Retry,
        logger: Logger,
        clock: Callable[[], datetime],
        draw: Callable[[Sequence[str]], Sequence[str]] = _draw,
    ) -> None:
        """`reconnect` bounds the attempts of a call that finds no database; `draw` the order."""
        self._draw = draw
        self._database = database
        self._reconnect = reconnect
        self._logger = logger
        self._clock = clock

    def __call__(
        self, portal: Portal, page: MentorPage, time_left: Remaining, notes: Notes
    ) -> Reading:
        """Go on with the run's reading while there is time.

        `notes` takes what a person should know. A portal that cannot be read is such a note: the
        next run reads everything again.

        Raises:
            PortalThrottled: the portal asks for a wait that is longer than there is time.
            DatabaseUnavailable: the database is down.
        """
        turn = _Turn(portal, page, time_left, notes)
        if turn.is_over():
            return turn.broken_off()
        try:
            return self._read(turn)
        except (PortalThrottled, DatabaseUnavailable):
            raise
        except MentorPauseError as error:
            self._logger.error("certifications not read", extra={"reason": describe(error)})
            if isinstance(error, PortalUnavailable) and turn.is_over():
                return turn.broken_off()
            notes.say(f"certifications not read: {describe(error)}")
            return "finished"

    def _finish(self, turn: _Turn) -> None:
        """Decide whom the whole reading has renewed.

        Of a reading that was not finished the next one's end decides: between two rows of one
        mentor anybody may seem renewed.
        """
        page, finish = turn.page, self._database.finish_reading
        try:
            self._reconnect(lambda: finish(page.org_id, page.job_run_id))
        except DatabaseUnavailable:
            raise
        except MentorPauseError as error:
            self._logger.error("renewals not noted", extra={"reason": describe(error)})
            turn.notes.say(f"renewals not noted: {describe(error)}")

    def _read(self, turn: _Turn) -> Reading:
        page, begin = turn.page, self._database.begin_reading
        watermark = self._reconnect(lambda: begin(page.org_id, page.job_run_id))
        valid = blank = 0
        for found in turn.portal.certifications(watermark):
            self._name_odd_rows(found, turn.notes)
            until = self._store(page, found, turn.notes)
            turn.has_gone_on |= until is not None and (watermark is None or until > watermark)
            valid, blank = valid + len(found.certifications), blank + found.blank
            if turn.is_over():
                return turn.broken_off()
        if blank > 1 and not valid:
            turn.notes.say(_ALL_BLANK)
            return "finished"
        return self._remove(turn)

    def _name_odd_rows(self, found: CertificationPage, notes: Notes) -> None:
        latest = self._clock() + _SKEW
        ahead = [loggable(c.id) for c in found.certifications if c.modified_on > latest]
        for kind, rows in ((_UNREADABLE, list(map(str, found.unreadable))), (_AHEAD, ahead)):
            for row in rows:
                notes.add(kind, row)
            if rows:
                self._logger.error(kind, extra={"count": len(rows), "rows": rows[:_NAMED]})

    def _store(self, page: MentorPage, found: CertificationPage, notes: Notes) -> datetime | None:
        """Store a page of the portal, and move the watermark behind it; return where it is then.

        A row that the portal has dated ahead moves it nowhere (R3).
        """
        seen = [row.name for row in found.unreadable]
        for part, seen_part in _parts(found.certifications, seen):
            self._mirror(page, part, seen_part, notes)
        latest, move = self._clock() + _SKEW, self._database.move_watermark
        moments = (c.modified_on for c in found.certifications)
        until = max((moment for moment in moments if moment <= latest), default=None)
        if until is not None:
            self._reconnect(lambda: move(page.org_id, page.job_run_id, until))
        return until

    def _mirror(
        self,
        page: MentorPage,
        certifications: Sequence[Certification],
        seen: Sequence[str],
        notes: Notes,
    ) -> None:
        mirror = self._database.mirror
        mirrored = self._reconnect(
            lambda: mirror(page.org_id, page.job_run_id, certifications, seen)
        )
        self._log_changes([found for found in mirrored if found.sqlstate is None])
        for found in mirrored:
            if found.sqlstate is not None:
                self._not_stored(found, found.sqlstate, notes)

    def _log_changes(self, changed: Sequence[Mirrored]) -> None:
        if changed:
            outcomes = Counter(found.outcome for found in changed)
            self._logger.info("certifications changed", extra={"outcomes": dict(outcomes)})

    def _not_stored(self, found: Mirrored, sqlstate: str, notes: Notes) -> None:
        name = loggable(found.portal_id)
        self._logger.error(
            "certification not stored", extra={"portal_id": name, "sqlstate": sqlstate}
        )
        is_odd = sqlstate.startswith(_DATA_EXCEPTION)
        notes.add(_UNREADABLE if is_odd else _NOT_STORED, name)

    def _remove(self, turn: _Turn) -> Reading:
        """Remove what is not valid in the portal any more, once the portal has said so of each."""
        refused_in_a_row = 0
        unmet = self._draw(self._unmet(turn.page))
        for number, portal_id in enumerate(unmet, 1):
            if turn.is_over():
                return turn.broken_off()
            try:
                self._confirm(turn, portal_id)
                refused_in_a_row, turn.has_gone_on = 0, True
            except (PortalThrottled, DatabaseUnavailable):
                raise
            except MentorPauseError as error:
                if turn.is_over():
                    return turn.broken_off()
                refused_in_a_row += getattr(error, "code", None) != OTHER_UNIT
                self._not_confirmed(portal_id, error, turn.notes)
            if refused_in_a_row == _REFUSED_AFTER and number < len(unmet):
                turn.notes.say(
                    f"{len(unmet) - number} more {_NOT_CONFIRMED}, since it was not asked"
                )
                break
        self._finish(turn)
        return "finished"

    def _unmet(self, page: MentorPage) -> list[str]:
        listed = self._database.list_certifications
        return self._reconnect(
            lambda: [c.portal_id for c in listed(page.org_id, unmet_by=page.job_run_id)]
        )

    def _confirm(self, turn: _Turn, portal_id: str) -> None:
        """Ask for a row that no listing had: it may have slipped past it while it changed."""
        page, remove = turn.page, self._database.remove
        found = turn.portal.certification(portal_id)
        if found is not None:
            self._mirror(page, [found], [], turn.notes)
            return
        if self._reconnect(lambda: remove(page.org_id, page.job_run_id, portal_id)):
            self._logger.info("certification removed", extra={"portal_id": loggable(portal_id)})

    def _not_confirmed(self, portal_id: str, error: MentorPauseError, notes: Notes) -> None:
        name, reason = loggable(portal_id), describe(error)
        self._logger.error(
            "certification not confirmed", extra={"portal_id": name, "reason": reason}
        )
        notes.add(f"{_NOT_CONFIRMED} ({reason})", name)


def _parts(
    certifications: Sequence[Certification], seen: Sequence[str]
) -> Iterator[tuple[Sequence[Certification], Sequence[str]]]:
    """Cut a page of the portal into parts that one call of the database takes."""
    for start in range(0, max(len(certifications), len(seen)), IDS_PER_CALL):
        end = start + IDS_PER_CALL
        yield certifications[start:end], seen[start:end]
