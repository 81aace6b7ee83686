"""Calls of the portal sync's database client that tests share."""

from datetime import UTC, date, datetime
from uuid import UUID, uuid4

from mentor_pause.database.portal_client import PortalDatabase
from mentor_pause.portal import Certification
from support.roster import ORG, Roster

EARLIER, LATER = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC)
PAST, FUTURE = date(2019, 1, 1), date(2100, 1, 1)
RUN, OTHER = uuid4(), uuid4()


def pause_by_hand(roster: Roster, mentor: UUID) -> None:
    """Pause a mentor as a service does."""
    roster.db.execute(
        "select * from update_mentor_status(%s, %s, 'paused', 'on_leave')", (mentor, ORG)
    )


def record(
    database: PortalDatabase,
    key: object,
    day: date,
    moment: datetime = EARLIER,
    run: UUID = RUN,
    row: str = "c-1",
) -> str:
    """Mirror one certification of the portal, and return its outcome."""
    found = database.mirror(ORG, run, [Certification(row, str(key), day, moment)])
    return found[0].outcome if found else "in line"


def mark(
    database: PortalDatabase, mentor: UUID, version: int, run: UUID = RUN, org: UUID = ORG
) -> bool:
    """Note that a run has sent a mentor's version to the portal."""
    (state,) = database.list_states(ORG, [mentor])
    return database.mark_synced(org, state.model_copy(update={"version": version}), run)
