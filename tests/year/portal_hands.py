"""Changes rows of the stand-in portal as HLF's people do, and reads them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

from local.portal_tables import Row
from support.portal import CERTIFICATIONS, EXAMPLE, MENTORS
from support.sync import PortalRows
from year.sight import Sight

STATUSES = {100000000: "active", 100000001: "paused", 100000002: "inactive"}
REASONS = {
    100000020: "certification_expired",
    100000021: "on_leave",
    100000022: "pause_withdrawn",
    100000029: "other",
}
"""HLF's choices, as docs/portal-mapping.json lists them."""


@dataclass(frozen=True)
class PortalHands:
    """The stand-in, by the names of its rows."""

    rows: PortalRows
    sight: Sight

    @property
    def _certifications(self) -> dict[str, Row]:
        return self.rows.portal.table(CERTIFICATIONS).rows

    def enter_in_portal(self, key: str) -> None:
        """Enter a mentor, active."""
        self.rows.add(key)

    def set_in_portal(self, key: str, status: str) -> None:
        """Change a mentor's status behind the product's back."""
        columns = EXAMPLE.mentors.columns(status, "other", date(2026, 1, 1))  # pyright: ignore[reportArgumentType]
        with self.rows.portal.lock:
            rows = self.rows.portal.table(MENTORS).rows.values()
            next(row for row in rows if row["hlf_mentornumber"] == key).update(columns)

    def put_row(self, row: str, key: str, until: date | str, changed_at: datetime) -> None:
        """Write a certification row, as of a moment that may be over."""
        with self.rows.portal.lock:
            id_ = str(self.sight.id_of(row))
            new = {"hlf_certificationid": id_, "statecode": 0, "statuscode": 1}
            found = self._certifications.setdefault(id_, new)
            found |= {
                "hlf_mentornumber": key,
                "hlf_validuntil": until if isinstance(until, str) else until.isoformat(),
                "modifiedon": _moment(changed_at),
            }

    def switch_row(self, row: str, *, is_active: bool, changed_at: datetime) -> None:
        """Deactivate or reactivate a certification row."""
        state = (
            {"statecode": 0, "statuscode": 1} if is_active else {"statecode": 1, "statuscode": 2}
        )
        with self.rows.portal.lock:
            self._certifications[str(self.sight.id_of(row))] |= {
                **state,
                "modifiedon": _moment(changed_at),
            }

    def delete_row(self, row: str) -> None:
        """Delete a certification row."""
        with self.rows.portal.lock:
            del self._certifications[str(self.sight.id_of(row))]

    def shown(self) -> Mapping[str, tuple[str, str, date]]:
        """Return what the portal shows of each mentor by key: status, reason, day of the change."""
        return {
            row["hlf_mentornumber"]: (
                STATUSES[row["hlf_status"]],
                REASONS[row["hlf_statusreason"]],
                date.fromisoformat(row["hlf_statusfrom"]),
            )
            for row in self.rows.portal.table(MENTORS).rows.values()
        }


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
