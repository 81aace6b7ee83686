"""`private.coordinated_mentors` by ranges (S4)."""

from uuid import UUID

from support.roster import Roster


def listed(
    roster: Roster,
    coordinator: UUID,
    first: UUID | None = None,
    last: UUID | None = None,
    limit: int | None = None,
) -> list[UUID]:
    """Return the ids that the function returns, in its order."""
    query = "select id from private.coordinated_mentors(%s, %s, %s, %s) as mine (id)"
    return [row["id"] for row in roster.rows(query, coordinator, first, last, limit)]


def test_a_range_of_mentors_is_a_part_of_all(roster: Roster) -> None:
    """By assignment, by two chapters, by both; not in an organisation without membership."""
    mentors = roster.add_mentors(30)
    chapters = [roster.add_chapter(), roster.add_chapter()]
    other = roster.add_organisation()
    for place, mentor in enumerate(mentors):
        chapter = [*chapters, roster.chapter_id][place % 3]
        roster.db.execute(
            "update peer_mentors set chapter_id = %s, org_id = coalesce(%s, org_id) where id = %s",
            (chapter, other if place % 7 == 0 else None, mentor),
        )
    coordinator = roster.add_coordinator(mentors=mentors[::4], chapters=chapters)
    mine = [m for i, m in enumerate(mentors) if i % 7 and (i % 3 != 2 or i % 4 == 0)]
    assert listed(roster, coordinator) == mine
    for limit in (1, 2, 5, 40):
        for place, first in enumerate(mine):
            assert listed(roster, coordinator, first, None, limit) == mine[place : place + limit]
    assert listed(roster, coordinator, mine[3], mine[8]) == mine[3:9]
    for mentor in mentors:
        assert listed(roster, coordinator, mentor, mentor) == [m for m in mine if m == mentor]
