"""`list_expired_mentors` and `count_stale_active_mentors` (E1, D7, D8, O1)."""

from uuid import UUID

from support.plans import Plans, most_rows
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


def test_windows_of_growing_size_find_the_same_mentors(roster: Roster) -> None:
    """E1, D7: the latest day counts, whatever else a mentor has, and wherever the mentor is."""
    mentors = roster.add_mentors(150)
    other = roster.add_organisation()
    expired_at = {5, 29, 60, 149}  # the last of the first and of the second window, if limit is 3
    for place, mentor in enumerate(mentors):
        if place in expired_at:
            roster.certify(mentor, TODAY)
        elif place < 90:
            roster.certify(mentor, TOMORROW)
        elif place < 110:
            roster.db.execute(
                "insert into certifications (mentor_id, expires_on) values (%s, 'infinity')",
                (mentor,),
            )
        elif place < 130:
            roster.db.execute("delete from certifications where mentor_id = %s", (mentor,))
        else:
            roster.db.execute("update peer_mentors set org_id = %s where id = %s", (other, mentor))
    wanted = [mentors[place] for place in sorted(expired_at)]
    for limit in (1, 2, 3, 100):
        found: list[UUID] = []
        while page := expired(roster, found[-1] if found else None, limit):
            found += page
        assert found == wanted
    (row,) = roster.rows("select count_stale_active_mentors(%s, %s) as n", ORG, TODAY)
    assert row["n"] == len(wanted)


def test_a_later_page_reads_no_rows_of_earlier_pages(roster: Roster) -> None:
    """D7: neither mentors nor certifications."""
    mentors = roster.add_mentors(2000)
    roster.db.execute("analyze")
    plans = Plans(roster.db)
    assert expired(roster, mentors[1899], 100) == mentors[1900:]
    found = [plan for plan in plans.take() if "public." in plan and "from private." not in plan]
    assert max(most_rows(plan) for plan in found) <= 100, found


def test_a_later_page_of_unsynced_mentors_reads_no_rows_of_earlier_pages(roster: Roster) -> None:
    """D7: checked in the generic plan of the function's own query."""
    mentors = roster.add_mentors(2000)
    roster.db.execute("insert into portal_sync_state select id, 0 from peer_mentors")
    roster.db.execute("analyze")
    (row,) = roster.rows("select prosrc from pg_proc where proname = 'list_unsynced_mentors'")
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
    read = [line for line in lines if "never executed" not in line]
    assert not any("Seq Scan on peer_mentors" in line for line in read), lines
