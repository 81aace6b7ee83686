"""The rules for HLF's portal and the sync (H1, H5)."""

from datetime import date, datetime, timedelta
from typing import Any

from year.records import LogRow, Mentor, PortalMentor, PortalRow, Run
from year.world import World

REASONS = ("certification_expired", "on_leave")
"""The reasons that HLF's portal has a choice for; every other one is `other` there."""


class SyncOracle(World):
    """The portal's side of the rules."""

    def enter_in_portal(self, key: str) -> None:
        """Enter a mentor in the portal, active."""
        self.portal_mentors[key] = PortalMentor("active", "other", {date(2026, 1, 1)})

    def set_in_portal(self, key: str, status: str) -> None:
        """Somebody changes a mentor's status in the portal, which is not theirs to change."""
        self.portal_mentors[key] = PortalMentor(status, "other", {date(2026, 1, 1)})

    def put_row(self, row: str, key: str, until: date | str, changed_at: datetime) -> None:
        """Write a certification row, which others see from now on, whenever it was changed."""
        state = self.portal_rows.get(row)
        is_active = state is None or state.is_active
        self.portal_rows[row] = PortalRow(key, until, is_active=is_active)

    def switch_row(self, row: str, *, is_active: bool, changed_at: datetime) -> None:
        """Deactivate or reactivate a certification row."""
        self.portal_rows[row].is_active = is_active

    def delete_row(self, row: str) -> None:
        """Delete a certification row."""
        del self.portal_rows[row]

    def sync(self, run: str, trigger: str) -> dict[str, Any]:
        """H1: take the portal's certifications over, then tell it of every change."""
        if run in self.runs:
            self.log.append(LogRow(run, "duplicate"))
            return {"status": "duplicate"}
        self.runs[run] = Run(self.today(), [])
        renewed = self._pull()
        synced, errored = self._push()
        self.log.append(LogRow(run, "completed", as_of=self.today()))
        return {
            "status": "completed",
            "synced": synced,
            "errored": errored,
            "renewed_count": len(renewed),
            "adds_up": True,
        }

    def _pull(self) -> set[str]:
        before = {mentor: self.expiry(mentor) for mentor in self.mentors}
        owners = {mentor.key.casefold(): name for name, mentor in self.mentors.items()}
        kept = {
            row: self.from_portal[row]
            for row, found in self.portal_rows.items()
            if found.is_active and isinstance(found.until, str) and row in self.from_portal
        }  # nobody can read it now: what was stored stays, and a person looks at the row
        self.from_portal = kept | {
            row: (owners[found.key.casefold()], found.until + timedelta(days=1))
            for row, found in self.portal_rows.items()
            if found.is_active and isinstance(found.until, date) and found.key.casefold() in owners
        }
        return {m for m in self.mentors if self._is_renewed(m, before[m])}

    def _is_renewed(self, mentor: str, before: date | None) -> bool:
        """Whether it is valid now, and was not, or is for longer."""
        after = self.expiry(mentor)
        return after is not None and after > max(self.today(), before or date.min)

    def _push(self) -> tuple[list[str], list[str]]:
        synced: list[str] = []
        errored: list[str] = []
        for name, mentor in self.mentors.items():
            if mentor.told_version == mentor.version:
                continue
            if mentor.key not in self.portal_mentors and mentor.status != "inactive":
                errored.append(name)
                continue
            if mentor.key in self.portal_mentors:
                self.portal_mentors[mentor.key] = self._as_told(mentor)
            mentor.told_version = mentor.version
            synced.append(name)
        return sorted(synced), sorted(errored)

    def _as_told(self, mentor: Mentor) -> PortalMentor:
        """Return a mentor as the portal should show them, with each day that is right.

        The day of the change may be the day in any zone that the organisation has had since.
        """
        zones = {zone for active_at, zone in self.zones_since if active_at >= mentor.changed_at}
        days = {self.day_of(mentor.changed_at, zone) for zone in (*zones, self.zone)}
        reason = mentor.reason if mentor.reason in REASONS else "other"
        return PortalMentor(mentor.status, reason, days)

    def drift(self) -> dict[str, str]:
        """H5: name the mentors that the portal lacks, or that somebody has changed there."""
        found = {name: self._difference(mentor) for name, mentor in self.mentors.items()}
        return {name: kind for name, kind in found.items() if kind}

    def _difference(self, mentor: Mentor) -> str:
        there = self.portal_mentors.get(mentor.key)
        if there is None:
            return "" if mentor.status == "inactive" else "only_here"
        due = self._as_told(mentor)
        is_same = (there.status, there.reason) == (due.status, due.reason)
        return "" if is_same and there.days <= due.days else "differs"
