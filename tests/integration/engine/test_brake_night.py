"""A night in mode hold from end to end: pause, hold, approve, release, withdraw (G2 to G5)."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from support.brake import Brake
from support.night import JOB, Night, run_id
from support.roster import Roster

FAR = datetime.now(UTC).date() + timedelta(400)


def release(night: Night, run: UUID) -> dict[str, Any]:
    """Ask for the run that releases a plan."""
    return night.handle(
        {
            "job_name": JOB,
            "trigger": "manual",
            "trigger_id": f"approval-{run}",
            "requested_by": "an operator",
            "releases": str(run),
        }
    )


def withdraw(night: Night, run: UUID, *, dry_run: bool = False) -> dict[str, Any]:
    """Ask for a withdrawal of a run."""
    return night.handle(
        {
            "job_name": "withdrawal",
            "trigger": "manual",
            "trigger_id": f"withdrawal-{run}",
            "requested_by": "an operator",
            "withdraws": str(run),
            "dry_run": dry_run,
        }
    )


def last_line(night: Night) -> dict[str, Any]:
    """Return the newest summary line."""
    return night.lines("run completed")[-1]


def hold_night(night: Night, roster: Roster) -> tuple[list[UUID], list[UUID]]:
    """Run a night that holds 12 of 14 mentors; return these 12 and the others."""
    brake = Brake(roster)
    brake.set("hold")
    unforeseen, warned = roster.add_mentors(12), brake.warn(roster.add_mentors(2))
    night.fire()
    night.work_off()
    return unforeseen, warned


def test_the_forewarned_are_paused_and_the_others_held(night: Night, roster: Roster) -> None:
    """G3: the counts are beside those of E7 in line, row and event."""
    unforeseen, warned = hold_night(night, roster)
    line = last_line(night)
    assert (line["processed_count"], line["paused_count"], line["skipped_count"]) == (2, 2, 0)
    assert (line["unforeseen_count"], line["held_count"]) == (12, 12)
    (row,) = roster.log()
    assert (row["paused_count"], row["held_count"], row["unforeseen_count"]) == (2, 12, 12)
    (event,) = night.announcements()
    assert (event["held_count"], event["brake_acts"]) == (12, True)
    assert {roster.status(mentor) for mentor in unforeseen} == {"active"}
    assert {roster.status(mentor) for mentor in warned} == {"paused"}


def test_a_night_that_holds_everybody_completes_without_a_page(
    night: Night, roster: Roster
) -> None:
    """G3: the dispatcher itself completes it."""
    Brake(roster).set("hold")
    roster.add_mentors(11)
    assert night.fire()["status"] == "completed"
    assert (last_line(night)["held_count"], night.pages()) == (11, [])


def test_in_mode_watch_everybody_is_paused_and_counted(night: Night, roster: Roster) -> None:
    """G2."""
    roster.add_mentors(12)
    night.fire()
    night.work_off()
    line = last_line(night)
    assert (line["paused_count"], line["unforeseen_count"], line["held_count"]) == (12, 12, 0)


def test_an_approved_plan_is_released_once(night: Night, roster: Roster) -> None:
    """G4: whoever changed since is reported and not paused; a repeated request starts nothing."""
    unforeseen, _ = hold_night(night, roster)
    first = run_id()
    brake = Brake(roster)
    assert "not approved" in release(night, first)["error"]
    brake.approve(first, brake.plan(first)["plan_hash"])
    renewed, moved = unforeseen[:2]
    roster.certify(renewed, FAR)
    roster.db.execute(
        "update certifications set expires_on = expires_on - 3 where mentor_id = %s", (moved,)
    )
    answer = release(night, first)
    night.work_off()
    line = last_line(night)
    assert (line["job_run_id"], line["releases"]) == (answer["job_run_id"], str(first))
    assert (line["paused_count"], line["skipped_count"]) == (10, 2)
    assert line["mentor_ids_changed_since"] == [str(moved)]
    assert "held_count" not in line
    assert release(night, first)["status"] == "duplicate"
    row = roster.log()[-2]
    assert (row["plan_of"], row["approved_by"], row["status"]) == (
        first, "an operator", "completed",
    )  # fmt: skip


def test_a_withdrawal_has_three_lists_and_a_preview(night: Night, roster: Roster) -> None:
    """G5: the preview changes nothing and says the same."""
    mentors = roster.add_mentors(4)
    night.fire()
    night.work_off()
    changed, expired, *valid = mentors
    for mentor in (changed, *valid):
        roster.certify(mentor, FAR)
    roster.rows(
        "select * from update_mentor_status(%s, %s, 'active', 'renewed')", changed, roster.org_id
    )
    lists = {
        "mentor_ids_resumed": sorted(map(str, valid)),
        "mentor_ids_changed_since": [str(changed)],
        "mentor_ids_still_expired": [str(expired)],
    }
    for dry_run in (True, False):
        withdraw(night, run_id(), dry_run=dry_run)
        night.work_off()
        line = last_line(night)
        assert {name: sorted(line[name]) for name in lists} == lists
        assert (line["resumed_count"], line["skipped_count"]) == (2, 2)
    row = roster.log()[-1]
    assert (row["withdraws"], row["resumed_count"], row["paused_count"]) == (run_id(), 2, 0)
    assert [roster.status(mentor) for mentor in (*valid, expired)] == ["active", "active", "paused"]
    assert night.announcements()[-1]["resumed_count"] == 2


def test_a_withdrawal_tells_mentors_and_coordinators(night: Night, roster: Roster) -> None:
    """G5, E11."""
    (mentor,) = roster.add_mentors(1)
    coordinator = roster.add_coordinator(mentors=[mentor])
    night.fire()
    night.work_off()
    roster.certify(mentor, FAR)
    withdraw(night, run_id())
    night.work_off()
    told = roster.rows(
        "select audience, person_id, mentor_ids from messages where kind = 'resumed'"
    )
    assert {(row["audience"], row["person_id"]) for row in told} == {
        ("coordinator", coordinator), ("mentor", mentor),
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["held", "unforeseen"])
def test_the_administrators_are_told_at_once(night: Night, roster: Roster, kind: str) -> None:
    """G2, G3: with two reminders for held mentors, and none for a dry run."""
    Brake(roster).set("hold" if kind == "held" else "watch")
    admin = roster.add_coordinator()
    roster.db.execute("update org_members set role = 'admin' where user_id = %s", (admin,))
    roster.add_mentors(11)
    night.fire(dry_run=True)
    night.fire()
    night.work_off()
    rows = roster.rows("select * from messages where audience = 'admin' order by reminder")
    assert [(row["kind"], row["person_id"], row["reminder"]) for row in rows] == [
        (kind, admin, reminder) for reminder in range(3 if kind == "held" else 1)
    ]
    assert [len(row["mentor_ids"]) for row in rows] == [11] * len(rows)
