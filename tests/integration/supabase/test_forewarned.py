"""Which pauses were foreseen: the mentor was warned of this date in time (G2)."""

from datetime import timedelta
from uuid import uuid4

import pytest

from support.brake import Brake
from support.roster import ORG, TODAY, TOMORROW, YESTERDAY, Roster


@pytest.fixture
def brake(roster: Roster) -> Brake:
    """The organisation's brake."""
    return Brake(roster)


def test_a_plan_says_why_each_pause_was_foreseen_or_not(brake: Brake, roster: Roster) -> None:
    """G2: the same date, at least seven days before."""
    seven, six, never, other = roster.add_mentors(4)
    brake.warn([seven], 7)
    brake.warn([six], 6)
    roster.db.execute(
        "insert into warnings (mentor_id, expires_on, stage, warned_on) values (%s, %s, 30, %s)",
        (other, TODAY + timedelta(200), TODAY - timedelta(60)),
    )
    roster.add_mentor(TOMORROW)
    roster.add_mentor(YESTERDAY, status="paused")
    assert {mentor: row["why"] for mentor, row in brake.live().items()} == {
        seven: "forewarned",
        six: "warned_late",
        never: "never_warned",
        other: "warned_of_another_date",
    }
    assert {row["action"] for row in brake.live().values()} == {"pause"}


def test_the_first_warning_of_a_date_counts(brake: Brake, roster: Roster) -> None:
    """G2: a later stage of the same date takes nothing away."""
    mentor = roster.add_mentor(YESTERDAY)
    brake.warn([mentor], 30)
    roster.db.execute(
        "insert into warnings (mentor_id, expires_on, stage, warned_on) values (%s, %s, 7, %s)",
        (mentor, YESTERDAY, TODAY - timedelta(3)),
    )
    assert brake.live()[mentor]["why"] == "forewarned"


@pytest.mark.parametrize(
    ("taken_back", "when", "why"),
    [
        (1, "1 hour", "warned_of_another_date"),
        (0, "1 hour", "forewarned"),
        (-1, "1 hour", "forewarned"),
        (1, "-1 hour", "forewarned"),
        (1, "0 hours", "warned_of_another_date"),
    ],
)
def test_a_warning_counts_unless_a_later_date_was_taken_back_after_it(
    brake: Brake, roster: Roster, taken_back: int, when: str, why: str
) -> None:
    """G2: the portal gave a later date, and then the old one again."""
    mentor, other = roster.add_mentor(YESTERDAY), roster.add_mentor(YESTERDAY)
    brake.warn([mentor, other], 30)
    roster.db.execute(
        "insert into certification_changes (mentor_id, changed_by, from_expires_on, to_expires_on,"
        " changed_at) select mentor_id, 'portal', expires_on + %s, expires_on,"
        " created_at + %s::interval from warnings where mentor_id = %s",
        (taken_back, when, mentor),
    )
    live = brake.live()
    assert (live[mentor]["why"], live[other]["why"]) == (why, "forewarned")


def test_a_warning_before_a_renewal_that_the_portal_took_back_does_not_count(
    brake: Brake, roster: Roster
) -> None:
    """G2: a restored backup of the portal brings back dates of which people were warned once."""
    mentor = roster.add_mentor(YESTERDAY)
    brake.warn([mentor], 30)
    assert brake.live()[mentor]["why"] == "forewarned"
    for day in (TODAY + timedelta(700), YESTERDAY):
        roster.rows(
            "select * from mirror_portal_certifications(%s, %s, '{c-1}', %s, %s, '{2026-01-01}',"
            " '{}')",
            ORG, uuid4(), [str(mentor)], [day],
        )  # fmt: skip
    assert brake.live()[mentor]["why"] == "warned_of_another_date"
