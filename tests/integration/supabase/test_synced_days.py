"""The day of a change that the sync has sent to the portal (H1)."""

from datetime import date
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from support.roster import ORG, TOMORROW, Roster

SENT = date(2026, 2, 28)
"""In no time zone was a test's mentor entered on this day."""


def day(roster: Roster, mentor: UUID) -> date:
    """Return the day that the sync and the drift use for the mentor's change."""
    (row,) = roster.rows("select * from list_all_portal_states(%s, null, 500)", ORG)
    assert row["mentor_id"] == mentor
    return row["effective_on"]


def mark(roster: Roster, mentor: UUID, version: int, *sent: date | None) -> bool:
    """Mark a version as sent to the portal, with the sent day or without."""
    values: tuple[Any, ...] = (ORG, mentor, version, uuid4(), *sent)
    marks = ", ".join(["%s"] * len(values))
    ((is_marked,),) = roster.db.execute(f"select mark_portal_synced({marks})".encode(), values)
    return is_marked


def change(roster: Roster, mentor: UUID, status: str) -> None:
    """Change the mentor's status by hand."""
    roster.db.execute(
        "select update_mentor_status(%s, %s, %s, 'on_leave')", (mentor, ORG, status)
    ).fetchone()


def test_a_sent_day_stays_while_the_portal_has_the_present_version(roster: Roster) -> None:
    """H1: a change of the time zone does not move a day that the portal has."""
    mentor = roster.add_mentor(TOMORROW)
    computed = day(roster, mentor)
    assert mark(roster, mentor, 1, SENT)
    assert day(roster, mentor) == SENT != computed
    roster.db.execute("update organisations set time_zone = 'America/Adak'")
    assert day(roster, mentor) == SENT


def test_a_later_change_has_a_day_of_its_own(roster: Roster) -> None:
    """H1: the sent day belongs to the sent version."""
    mentor = roster.add_mentor(TOMORROW)
    mark(roster, mentor, 1, SENT)
    change(roster, mentor, "paused")
    assert day(roster, mentor) > SENT
    assert mark(roster, mentor, 2, None)
    assert day(roster, mentor) > SENT, "a version that was sent without a day has no sent day"


def test_the_day_is_kept_when_the_same_version_is_sent_without_one(roster: Roster) -> None:
    """H1: a call without a day keeps the day; a call with a day replaces it."""
    mentor = roster.add_mentor(TOMORROW)
    mark(roster, mentor, 1, SENT)
    mark(roster, mentor, 1)
    assert day(roster, mentor) == SENT
    mark(roster, mentor, 1, TOMORROW)
    assert day(roster, mentor) == TOMORROW


def test_an_infinite_day_is_refused(roster: Roster) -> None:
    """R5: no reader could read it once it is stored."""
    mentor = roster.add_mentor(TOMORROW)
    with pytest.raises(psycopg.errors.InvalidParameterValue):
        roster.db.execute(
            "select mark_portal_synced(%s, %s, 1, %s, 'infinity')", (ORG, mentor, uuid4())
        )
