"""`notify_coordinators` and `notify_coordinators_page` (E11)."""

from uuid import UUID, uuid4

import psycopg
import pytest

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


def page(roster: Roster, run: UUID, after: UUID | None, limit: int) -> UUID | None:
    """Notify of one page."""
    (row,) = roster.rows("select notify_coordinators_page(%s, %s, %s) as last", run, after, limit)
    return row["last"]


def known(roster: Roster) -> dict[UUID, tuple[list[UUID], object]]:
    """Return each coordinator's mentors and the time of the last addition."""
    return {
        row["coordinator_id"]: (row["mentor_ids"], row["created_at"])
        for row in roster.rows("select * from coordinator_notifications")
    }


def test_pages_go_through_a_run_in_the_order_of_its_mentors(roster: Roster) -> None:
    """E11: one row per coordinator, which grows; a page that is not full is the last one."""
    run, mentors = uuid4(), roster.add_mentors(7)
    everybody = roster.add_coordinator(chapters=[roster.chapter_id])
    last_two = roster.add_coordinator(mentors=mentors[5:])
    for mentor in mentors:
        pause(roster, mentor, run)
    assert page(roster, run, None, 3) == mentors[2]
    assert {who: ids for who, (ids, _) in known(roster).items()} == {everybody: mentors[:3]}
    assert page(roster, run, mentors[2], 3) == mentors[5]
    assert page(roster, run, mentors[5], 3) is None
    first = known(roster)
    assert {who: ids for who, (ids, _) in first.items()} == {
        everybody: mentors,
        last_two: mentors[5:],
    }
    for after in (None, mentors[1], mentors[4]):
        page(roster, run, after, 3)
    assert known(roster) == first


def test_late_mentors_are_added_in_their_places(roster: Roster) -> None:
    """E11: before, between and after the mentors that the coordinators know already."""
    run, mentors = uuid4(), roster.add_mentors(5)
    grows = roster.add_coordinator(mentors=mentors)
    stays = roster.add_coordinator(mentors=[mentors[1], mentors[3]])
    for mentor in (mentors[1], mentors[3]):
        pause(roster, mentor, run)
    page(roster, run, None, 5)
    first = known(roster)
    for late in (mentors[0], mentors[2], mentors[4]):
        pause(roster, late, run)
        page(roster, run, None, 5)
    second = known(roster)
    assert second[grows][0] == mentors
    assert second[grows][1] != first[grows][1]
    assert second[stays] == first[stays]


def test_a_mentor_with_two_renewed_certifications_counts_once_on_a_page(roster: Roster) -> None:
    """H1: a page holds p_limit mentors, not p_limit certifications."""
    run, mentors = uuid4(), roster.add_mentors(3)
    coordinator = roster.add_coordinator(mentors=mentors)
    for mentor in mentors:
        roster.certify(mentor, TOMORROW)
    roster.db.execute("update certifications set job_run_id = %s", (run,))
    assert page(roster, run, None, 2) == mentors[1]
    assert page(roster, run, mentors[1], 2) is None
    assert known(roster)[coordinator][0] == mentors
    assert {row["kind"] for row in roster.rows("select kind from coordinator_notifications")} == {
        "renewed"
    }


@pytest.mark.parametrize("limit", [None, 0, -1, 20_001])
def test_a_page_has_bounds(roster: Roster, limit: int | None) -> None:
    """R5."""
    with pytest.raises(psycopg.errors.InvalidParameterValue):
        roster.db.execute("select notify_coordinators_page(%s, null, %s)", (uuid4(), limit))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ([5], [5]),
        ([5], [1, 9]),
        ([2, 4, 6, 8], [4, 5, 6]),
        ([2, 4, 6, 8], [1]),
        ([2, 4, 6, 8], [9, 10]),
        ([2, 4, 6, 8], [8, 9]),
        ([2, 4, 6, 8], [1, 2]),
        ([2, 4, 6, 8], [3, 7]),
    ],
)
def test_sorted_arrays_are_merged(roster: Roster, old: list[int], new: list[int]) -> None:
    """`private.merge_ids`: every id once, in order."""
    given = ([UUID(int=i) for i in old], [UUID(int=i) for i in new])
    (row,) = roster.rows("select private.merge_ids(%s, %s) as ids", *given)
    assert row["ids"] == sorted({*given[0], *given[1]})
