"""Wherever a run's reading of the portal is interrupted, it misses no row (H1, R1).

The test keeps its own record of every row that HLF has entered. HLF edits between two invocations:
new rows may have any moment, because a save can show late, and rows that were read already may
change.
"""

import random
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from support.aws import Clients, Message
from support.cluster import Cluster
from support.night import run_id
from support.portal import CERTIFICATIONS
from support.portal_wrappers import Meanwhile
from support.roster import YESTERDAY, Roster
from support.sync import SYNC, PortalRows, SyncNight, open_sync

if TYPE_CHECKING:
    from collections.abc import Callable

MONDAY = datetime(2026, 11, 2, 8, tzinfo=UTC)
ID, DAY = "hlf_certificationid", "hlf_validuntil"


class Record:
    """HLF's edits, and the rows that must result."""

    def __init__(self, portal: PortalRows, keys: list[str], dice: random.Random) -> None:
        """`keys` are our mentors' keys."""
        self.due: dict[str, date] = {}
        """The first invalid day, by the row's id."""
        self._portal, self._keys, self._dice = portal, keys, dice
        self._later = MONDAY + timedelta(days=1)

    def enter(self, minute: int) -> str:
        """Enter a row with a moment on Monday, and return its id."""
        day, key = self._day(), self._dice.choice(self._keys)
        moment = MONDAY + timedelta(minutes=minute, seconds=len(self.due))
        row = self._portal.certify(key, day, moment)
        self.due[row[ID]] = day + timedelta(days=1)
        return row[ID]

    def change(self) -> None:
        """Change a row, with a moment after all others."""
        row_id, day = self._dice.choice(sorted(self.due)), self._day()
        self._later += timedelta(minutes=1)
        self._portal.portal.change(
            CERTIFICATIONS, row_id, **{DAY: str(day)}, modifiedon=f"{self._later:%FT%TZ}"
        )
        self.due[row_id] = day + timedelta(days=1)

    def _day(self) -> date:
        return date(2027, 1, 1) + timedelta(days=self._dice.randint(0, 999))


@settings(max_examples=8)
@given(
    minutes=st.lists(st.integers(0, 90), min_size=1, max_size=12, unique=True),
    pages=st.integers(1, 4),
    edits=st.lists(st.one_of(st.none(), st.integers(0, 90)), max_size=6),
    page_size=st.integers(2, 4),
    dice=st.randoms(use_true_random=False),
)
def test_a_reading_of_any_number_of_invocations_has_every_row(
    cluster: Cluster,
    aws: Clients,
    minutes: list[int],
    pages: int,
    edits: list[int | None],
    page_size: int,
    dice: random.Random,
) -> None:
    """The run stores the rows that existed at its start; the next run stores all valid rows."""
    with cluster.database(with_organisation=True) as db:
        roster = Roster(db)
        mentors = [roster.add_mentor(YESTERDAY) for _ in range(3)]
        with open_sync(aws, roster, cluster) as night:
            portal = PortalRows(night.portal)
            portal.add(*mentors)
            night.sync()
            night.portal.page_size = page_size
            record = Record(portal, [str(m) for m in mentors], dice)
            first = {record.enter(minute) for minute in minutes}
            night.fire("night-2")
            while work_for_a_while(night, pages):
                if edits:
                    minute = edits.pop()
                    record.change() if minute is None else record.enter(minute)
            assert first <= stored(roster).keys()
            night.take_from(night.open_portal)
            night.sync("night-3")
            assert stored(roster) == record.due


def work_for_a_while(night: SyncNight, pages: int) -> bool:
    """Let each message read so many pages at most; return whether the run continues."""
    undone: list[Message] = night.receive()
    while undone:
        pauses: list[Callable[[], object]] = [lambda: None] * (pages - 1)
        meanwhile = [*pauses, partial(night.time.sleep, 60)]
        night.take_from(lambda remaining: Meanwhile(night.open_portal(remaining), meanwhile))  # noqa: B023
        undone = [message for message in undone if not night.deliver(message)]
    run = night.ledger.find_run(run_id("night-2", SYNC))
    assert run is not None
    return run.status == "running"


def stored(roster: Roster) -> dict[str, date]:
    """Return the mirrored rows by the row's id."""
    rows = roster.rows("select * from certifications where portal_id is not null")
    return {row["portal_id"]: row["expires_on"] for row in rows}
