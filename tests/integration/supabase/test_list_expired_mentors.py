"""`list_expired_mentors` and `count_stale_active_mentors` (E1, D7, D8, O1)."""

from uuid import UUID

import pytest

from support.roster import ORG, TODAY, TOMORROW, YESTERDAY, Roster

NOWHERE = UUID(int=0)


def expired(roster: Roster, after: UUID | None = None, limit: int = 100) -> list[UUID]:
    """Return one keyset page."""
    rows = roster.rows(
        "select * from list_expired_mentors(%s, %s, %s, %s)", ORG, TODAY, after, limit
    )
    return [row["mentor_id"] for row in rows]


def test_exactly_the_active_mentors_whose_latest_certification_expired_are_listed(
    roster: Roster,
) -> None:
    """E1."""
    wanted = {roster.add_mentor(YESTERDAY), roster.add_mentor(TODAY)}
    roster.add_mentor(TOMORROW)
    roster.add_mentor(YESTERDAY, TOMORROW)
    roster.add_mentor(YESTERDAY, status="paused")
    roster.add_mentor(YESTERDAY, status="inactive")
    wanted.add(roster.add_mentor(YESTERDAY, TODAY))
    assert set(expired(roster)) == wanted


def test_pages_follow_each_other_without_gap_or_overlap(roster: Roster) -> None:
    """D7: keyset pages in the order of ids."""
    mentors = roster.add_mentors(25)
    first = expired(roster, limit=10)
    second = expired(roster, first[-1], 10)
    third = expired(roster, second[-1], 10)
    assert [*first, *second, *third] == mentors
    assert expired(roster, third[-1], 10) == []


def test_mentors_of_another_organisation_are_not_listed(roster: Roster) -> None:
    """D8."""
    roster.add_mentor()
    assert roster.rows("select * from list_expired_mentors(%s, %s, null, 9)", NOWHERE, TODAY) == []


def test_stale_mentors_are_counted_without_the_execution_log(roster: Roster) -> None:
    """O1."""
    roster.add_mentors(3)
    roster.add_mentor(TOMORROW)
    (row,) = roster.rows("select count_stale_active_mentors(%s, %s) as n", ORG, TODAY)
    assert row["n"] == 3


@pytest.mark.parametrize("function", ["list_expired_mentors", "list_unsynced_mentors"])
def test_a_later_page_reads_no_rows_of_earlier_pages(roster: Roster, function: str) -> None:
    """D7: checked in the generic plan of the function's own query."""
    mentors = roster.add_mentors(2000)
    roster.db.execute("analyze")
    (row,) = roster.rows("select prosrc from pg_proc where proname = %s", function)
    text: str = row["prosrc"]
    for i, name in enumerate(("p_org_id", "p_as_of", "p_after", "p_limit"), 1):
        text = text.replace(name, f"${i}")
    roster.db.execute("set plan_cache_mode = force_generic_plan")
    roster.db.execute(f"prepare page (uuid, date, uuid, integer) as {text}".encode())
    plan = roster.rows(
        "explain (analyze, costs off, timing off) execute page"
        f" ('{ORG}', '{TODAY}', '{mentors[1899]}', 100)".encode()
    )
    lines = [line["QUERY PLAN"].strip() for line in plan]
    removed = [int(line.split(":")[1]) for line in lines if line.startswith("Rows Removed")]
    assert sum(removed) < 200, lines
    assert not any("Seq Scan on peer_mentors" in line for line in lines), lines
