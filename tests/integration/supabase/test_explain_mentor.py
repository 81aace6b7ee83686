"""`explain_mentor` says why a mentor is, or is not, paused (G6)."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from support.brake import Brake
from support.roster import ORG, Roster
from support.transitions import by_hand, change


class Stories:
    """Mentors of today, and what the function tells of them."""

    def __init__(self, roster: Roster) -> None:
        """Find out which day it is for the organisation."""
        self.roster, self.brake = roster, Brake(roster)
        self.today: date = roster.rows("select get_org_day(%s, now()) as day", ORG)[0]["day"]
        self.past, self.future = self.today - timedelta(3), self.today + timedelta(40)

    def tell(self, mentor: UUID, user: UUID | None = None) -> dict[str, Any]:
        """Return the function's answer."""
        (row,) = self.roster.rows("select explain_mentor(%s, %s, %s) as story", mentor, ORG, user)
        return row["story"]

    def pause(self, mentor: UUID, run: UUID | None = None) -> UUID:
        """Pause a mentor as a run of today does; return the run."""
        run = run or self.brake.begin(day=self.today)
        change(self.roster.db, mentor, p_job_run_id=run, p_as_of=self.today)
        return run


@pytest.fixture
def stories(roster: Roster) -> Stories:
    """The organisation today."""
    return Stories(roster)


def test_each_state_has_its_answer(stories: Stories, roster: Roster) -> None:
    """G6: for paused mentors and for the others."""
    valid, expired = roster.add_mentor(stories.future), roster.add_mentor(stories.past)
    paused, renewed = roster.add_mentor(stories.past), roster.add_mentor(stories.past)
    by_person, gone = roster.add_mentor(stories.future), roster.add_mentor(stories.future)
    nothing = roster.add_mentor(stories.future)
    roster.db.execute("delete from certifications where mentor_id = %s", (nothing,))
    for mentor in (paused, renewed):
        stories.pause(mentor)
    roster.certify(renewed, stories.future)
    by_hand(roster.db, by_person, "paused")
    by_hand(roster.db, gone, "inactive")
    told = {mentor: stories.tell(mentor) for mentor in (
        valid, expired, paused, renewed, by_person, gone, nothing,
    )}  # fmt: skip
    assert [(story["answer"], story["rule"]["outcome"]) for story in told.values()] == [
        ("valid", "not_expired"),
        ("will_be_paused", "would_change"),
        ("paused_by_run", "not_active"),
        ("renewed_and_paused", "not_active"),
        ("paused_by_hand", "not_active"),
        ("inactive", "not_active"),
        ("no_certification", "not_expired"),
    ]
    assert told[valid]["next_check"]["pauses_on"] == stories.future.isoformat()


def test_a_held_mentor_is_told_so(stories: Stories, roster: Roster) -> None:
    """G3, G6: what the newest plan says, and why."""
    stories.brake.set("hold", 0, 0)
    mentor = roster.add_mentor(stories.past)
    run = stories.brake.begin(day=stories.today)
    plan_hash = stories.brake.plan(run)["plan_hash"]
    story = stories.tell(mentor)
    assert (story["answer"], story["rule"]["why"]) == ("held", "never_warned")
    assert (story["plan"]["action"], story["plan"]["plan_hash"]) == ("hold", plan_hash)


def test_a_released_mentor_has_the_approval_in_the_story(stories: Stories, roster: Roster) -> None:
    """G4, G6: who, when and why; others than administrators see no name."""
    stories.brake.set("hold", 0, 0)
    mentor = roster.add_mentor(stories.past)
    coordinator = roster.add_coordinator(mentors=[mentor])
    run = stories.brake.begin(day=stories.today)
    plan_hash = stories.brake.plan(run)["plan_hash"]
    stories.brake.approve(run, plan_hash, by=f"user {uuid4()}", note="seen with HLF")
    release = stories.pause(mentor, stories.brake.begin(releases=run, by="user x"))
    for user, shown in ((None, "user "), (coordinator, "a person")):
        made = stories.tell(mentor, user)["last_change"]["run"]
        assert (made["job_run_id"], made["plan_of"], made["plan_hash"]) == (
            str(release), str(run), plan_hash,
        )  # fmt: skip
        assert made["approved_by"].startswith(shown)
        assert made["triggered_by"].startswith(shown)
        assert made["approval_note"] == "seen with HLF"


def test_warnings_messages_portal_and_the_last_look_are_in_the_story(
    stories: Stories, roster: Roster
) -> None:
    """G6: one call."""
    mentor = roster.add_mentor(stories.past)
    stories.brake.warn([mentor], 10, day=stories.today)
    run = stories.pause(mentor)
    stories.brake.finish(run)
    roster.rows("select notify_coordinators(%s)", run)
    roster.db.execute(
        "insert into portal_sync_state (mentor_id, synced_version, synced_at)"
        " values (%s, 1, now())",
        (mentor,),
    )
    story = stories.tell(mentor)
    (warning,) = story["warnings"]
    assert warning == {
        "expires_on": stories.past.isoformat(), "stage": 30,
        "warned_on": (stories.today - timedelta(10)).isoformat(),
    }  # fmt: skip
    assert [(m["kind"], m["state"]) for m in story["messages"]] == [("paused", "pending")]
    assert story["portal"]["is_synced"] is False
    assert story["last_look"]["job_run_id"] == str(run)
    assert story["next_check"]["as_of"] == (stories.today + timedelta(1)).isoformat()


def test_an_earlier_day_from_the_portal_is_in_the_story(stories: Stories, roster: Roster) -> None:
    """G6: who, when, from and to; a later day leaves nothing, a removed certification does."""
    mentor = roster.add_mentor(stories.past)
    sync, now = uuid4(), datetime.now(UTC)

    def read(day: date, key: str = "") -> None:
        roster.rows(
            "select * from mirror_portal_certifications(%s, %s, %s, %s, %s, %s, '{}')",
            ORG, sync, ["c-1"], [key or str(mentor)], [day], [now],
        )  # fmt: skip

    read(stories.future)
    read(stories.future + timedelta(1))
    assert stories.tell(mentor)["changes"] == []
    read(stories.past - timedelta(1))
    read(stories.past, key="somebody else")
    gone, earlier = stories.tell(mentor)["changes"]
    assert (earlier["by"], earlier["job_run_id"]) == ("service", str(sync))
    assert (earlier["from"], earlier["to"]) == (
        (stories.future + timedelta(1)).isoformat(),
        (stories.past - timedelta(1)).isoformat(),
    )
    assert (gone["from"], gone["to"]) == ((stories.past - timedelta(1)).isoformat(), None)


def test_a_certification_that_a_sync_removes_is_in_the_story(
    stories: Stories, roster: Roster
) -> None:
    """G6: it was deleted in the portal."""
    mentor = roster.add_mentor(stories.past)
    roster.db.execute(
        "insert into certifications (mentor_id, expires_on, portal_id) values (%s, %s, 'c-9')",
        (mentor, stories.future),
    )
    sync = uuid4()
    roster.rows("select remove_portal_certification(%s, 'c-9', %s)", ORG, sync)
    (change_,) = stories.tell(mentor)["changes"]
    assert (change_["from"], change_["to"]) == (stories.future.isoformat(), None)


def test_only_who_may_see_the_mentor_is_told(stories: Stories, roster: Roster) -> None:
    """S4: the refusal does not tell whether the mentor exists."""
    mentor, user = roster.add_mentor(stories.past), uuid4()
    roster.db.execute("update peer_mentors set user_id = %s where id = %s", (user, mentor))
    responsible = roster.add_coordinator(mentors=[mentor])
    other = roster.add_coordinator()
    assert {stories.tell(mentor, person)["answer"] for person in (user, responsible)} == {
        "will_be_paused"
    }
    refusals: list[dict[str, Any]] = []
    for asked in (mentor, uuid4()):
        with pytest.raises(psycopg.Error) as refused:
            stories.tell(asked, other)
        refusals.append(
            {"sqlstate": refused.value.sqlstate, "text": refused.value.diag.message_primary}
        )
    assert refusals[0] == refusals[1]
