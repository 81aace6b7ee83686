"""The day of a change, as the portal was told it (H1)."""

from datetime import date
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from support.roster import ORG, TOMORROW, Roster

TOLD = date(2026, 2, 28)
"""A day that no time zone makes of the moment at which a test's mentor was entered."""


def day(roster: Roster, mentor: UUID) -> date:
    """The day that the sync, or the drift measurement, takes for the mentor's change."""
    (row,) = roster.rows("select * from list_all_portal_states(%s, null, 500)", ORG)
    assert row["mentor_id"] == mentor
    return row["effective_on"]


def tell(roster: Roster, mentor: UUID, version: int, *told: date | None) -> bool:
    """Note that the portal has been told."""
    values: tuple[Any, ...] = (ORG, mentor, version, uuid4(), *told)
    marks = ", ".join(["%s"] * len(values))
    ((found,),) = roster.db.execute(f"select mark_portal_synced({marks})".encode(), values)
    return found


def change(roster: Roster, mentor: UUID, status: str) -> None:
    """Change the mentor's status by hand."""
    roster.db.execute(
        "select update_mentor_status(%s, %s, %s, 'on_leave')", (mentor, ORG, status)
    ).fetchone()


def test_a_told_day_stays_while_the_portal_has_the_present_version(roster: Roster) -> None:
    """H1: a change of the time zone moves no day that the portal has."""
    mentor = roster.add_mentor(TOMORROW)
    computed = day(roster, mentor)
    assert tell(roster, mentor, 1, TOLD)
    assert day(roster, mentor) == TOLD != computed
    roster.db.execute("update organisations set time_zone = 'America/Adak'")
    assert day(roster, mentor) == TOLD


def test_a_later_change_has_a_day_of_its_own(roster: Roster) -> None:
    """H1: the told day is of the told version."""
    mentor = roster.add_mentor(TOMORROW)
    tell(roster, mentor, 1, TOLD)
    change(roster, mentor, "paused")
    assert day(roster, mentor) > TOLD
    assert tell(roster, mentor, 2, None)
    assert day(roster, mentor) > TOLD, "a version that was told without a day has none"


def test_the_day_is_kept_when_the_same_version_is_told_without_one(roster: Roster) -> None:
    """H1: a writer that does not know the day takes none away; one that knows corrects it."""
    mentor = roster.add_mentor(TOMORROW)
    tell(roster, mentor, 1, TOLD)
    tell(roster, mentor, 1)
    assert day(roster, mentor) == TOLD
    tell(roster, mentor, 1, TOMORROW)
    assert day(roster, mentor) == TOMORROW


def test_an_infinite_day_is_refused(roster: Roster) -> None:
    """R5: once stored, it is what no reader can read."""
    mentor = roster.add_mentor(TOMORROW)
    with pytest.raises(psycopg.errors.InvalidParameterValue):
        roster.db.execute(
            "select mark_portal_synced(%s, %s, 1, %s, 'infinity')", (ORG, mentor, uuid4())
        )
