"""Stores the certifications that the portal has renewed (H1).

What changed since the watermark, and a little before it, is read the oldest change first. The
watermark follows behind each page that is stored whole, so that whatever stops this is made good by
the next page or run. A renewal is recorded and told; it resumes nobody.
"""

from collections import Counter
from datetime import datetime, timedelta

from aws_lambda_powertools import Logger

from mentor_pause.errors import (
    DatabaseUnavailable,
    MentorPauseError,
    PortalThrottled,
    describe,
)
from mentor_pause.events import MentorPage
from mentor_pause.portal import Portal, Renewal, RenewalPage
from mentor_pause.retry import Remaining, Retry
from mentor_pause.supabase.portal import PortalDatabase

_OVERLAP = timedelta(minutes=15)
"""Changes get their moment before they can be seen; the portal's longest transaction is shorter."""


class PullRenewals:
    """Reads what is new in the portal."""

    def __init__(self, database: PortalDatabase, reconnect: Retry, logger: Logger) -> None:
        """`reconnect` bounds the attempts of a call that finds no database."""
        self._database = database
        self._reconnect = reconnect
        self._logger = logger

    def __call__(self, portal: Portal, page: MentorPage, time_left: Remaining) -> str:
        """Store what is new while there is time; return what a person should know, mostly nothing.

        Raises:
            PortalThrottled: the portal wants to be left alone for longer than there is time.
            DatabaseUnavailable: the database is down.
        """
        try:
            return self._read(portal, page, time_left)
        except (PortalThrottled, DatabaseUnavailable):
            raise
        except MentorPauseError as error:
            self._logger.error("renewals not read", extra={"reason": describe(error)})
            return f"renewals not read: {describe(error)}"

    def _read(self, portal: Portal, page: MentorPage, time_left: Remaining) -> str:
        watermark = self._reconnect(lambda: self._database.get_watermark(page.org_id))
        failed = unreadable = 0
        for found in portal.renewals(watermark and watermark - _OVERLAP):
            if time_left() <= 0 or (lost := self._store(page, found, time_left)) is None:
                return "there was no time for all renewals; the next page or run goes on with them"
            failed += lost
            unreadable += len(found.unreadable)
            if found.until is not None and not failed:
                self._move(page, found.until)
        what = ((unreadable, "makes no sense"), (failed, "could not be stored"))
        return "; ".join(
            f"a certification of the portal {fate} ({count} of them, named in the log)"
            for count, fate in what
            if count
        )

    def _move(self, page: MentorPage, until: datetime) -> None:
        self._reconnect(lambda: self._database.move_watermark(page.org_id, until))

    def _store(self, page: MentorPage, found: RenewalPage, time_left: Remaining) -> int | None:
        """Store what is not stored; return how many could not be; None: there was no time."""
        if found.unreadable:
            self._logger.error(
                "certifications of the portal make no sense",
                extra={"portal_ids": list(found.unreadable)},
            )
        changes = [(r.id, r.key, r.modified_on) for r in found.renewals]
        new = self._reconnect(lambda: self._database.list_new_changes(page.org_id, changes))
        outcomes: Counter[str] = Counter()
        for renewal in (renewal for renewal in found.renewals if renewal.id in new):
            if time_left() <= 0:
                return None
            outcomes[self._record(page, renewal)] += 1
        if outcomes:
            self._logger.info("renewals read", extra={"outcomes": dict(outcomes)})
        return outcomes["failed"]

    def _record(self, page: MentorPage, renewal: Renewal) -> str:
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
            self._logger.error(
                "renewal not stored",
                extra={
                    "portal_id": renewal.id,
                    "sqlstate": getattr(error, "sqlstate", None),
                    "reason": describe(error),
                },
            )
            return "failed"
