"""`notify_coordinators` (E11)."""

from uuid import UUID, uuid4

from support.roster import ORG, TODAY, TOMORROW, Roster


def pause(roster: Roster, mentor: UUID, run: UUID) -> None:
    """Pause as the job does."""
    roster.db.execute(
        "select * from update_mentor_status(%s, %s, 'paused', 'certification_expired', %s, %s)",
        (mentor, ORG, run, TODAY),
    )


def test_each_coordinator_is_notified_once_of_their_own_mentors(roster: Roster) -> None:
    """E11: by assignment, by chapter, or both."""
    run, bergen = uuid4(), roster.add_chapter()
    a, b = sorted([roster.add_mentor(), roster.add_mentor()])
    c = roster.add_mentor(chapter_id=bergen)
    untouched = roster.add_mentor(TOMORROW)
    by_assignment = roster.add_coordinator(mentors=[a, untouched])
    by_chapter = roster.add_coordinator(chapters=[roster.chapter_id])
    by_both = roster.add_coordinator(mentors=[a], chapters=[roster.chapter_id, bergen])
    roster.add_coordinator(mentors=[untouched])
    former = roster.add_coordinator(mentors=[c])
    roster.db.execute(
        "update assignments set ended_at = now() where coordinator_id = %s", (former,)
    )
    until_tomorrow = roster.add_coordinator(mentors=[b])
    roster.db.execute(
        "update assignments set ended_at = now() + interval '1 day' where coordinator_id = %s",
        (until_tomorrow,),
    )
    gone = roster.add_coordinator(mentors=[a], chapters=[roster.chapter_id])
    roster.db.execute("delete from org_members where user_id = %s", (gone,))
    for mentor in (a, b, c):
        pause(roster, mentor, run)
    for _ in range(2):
        (row,) = roster.rows("select notify_coordinators(%s) as n", run)
        assert row["n"] == 4
    notified = {
        row["coordinator_id"]: row["mentor_ids"]
        for row in roster.rows("select * from coordinator_notifications")
    }
    assert notified == {
        by_assignment: [a],
        by_chapter: [a, b],
        by_both: sorted([a, b, c]),
        until_tomorrow: [b],
    }
