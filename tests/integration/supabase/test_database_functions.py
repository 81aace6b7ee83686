"""Listing, scope, execution log, notifications and grants, on a real PostgreSQL."""

from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql

from local import database
from support.cluster import Cluster
from support.roster import ORG, TODAY, TOMORROW, YESTERDAY, Roster

NOWHERE = UUID(int=0)


def expired(roster: Roster, after: UUID | None = None, limit: int = 100) -> list[UUID]:
    """One keyset page."""
    rows = roster.rows(
        "select * from list_expired_mentors(%s, %s, %s, %s)", ORG, TODAY, after, limit
    )
    return [row["mentor_id"] for row in rows]


def test_exactly_the_active_mentors_whose_latest_expiry_has_come_are_listed(roster: Roster) -> None:
    """E1."""
    wanted = {roster.add_mentor(YESTERDAY), roster.add_mentor(TODAY)}
    roster.add_mentor(TOMORROW)
    roster.add_mentor(YESTERDAY, TOMORROW)
    roster.add_mentor(YESTERDAY, status="paused")
    roster.add_mentor(YESTERDAY, status="inactive")
    wanted.add(roster.add_mentor(YESTERDAY, TODAY))
    assert set(expired(roster)) == wanted


def test_pages_follow_each_other_without_gap_or_overlap(roster: Roster) -> None:
    """D7: keyset, in id order."""
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


def test_stale_mentors_are_counted_from_the_data_alone(roster: Roster) -> None:
    """O1."""
    roster.add_mentors(3)
    roster.add_mentor(TOMORROW)
    (row,) = roster.rows("select count_stale_active_mentors(%s, %s) as n", ORG, TODAY)
    assert row["n"] == 3


@pytest.mark.parametrize("function", ["list_expired_mentors", "list_unsynced_mentors"])
def test_a_page_is_read_from_its_place_on_whatever_lies_before(
    roster: Roster, function: str
) -> None:
    """D7 at scale: the function's own text, planned generically, skips no rows to get there."""
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


def test_the_scope_is_proved_and_tells_the_day_in_the_organisations_time_zone(
    roster: Roster,
) -> None:
    """D8, E1: Kiritimati is a whole day ahead of Honolulu, at any moment."""
    days: list[object] = []
    for zone in ("Pacific/Kiritimati", "Pacific/Honolulu"):
        roster.db.execute("update organisations set time_zone = %s", (zone,))
        (row,) = roster.rows("select * from assert_org_scope(%s, 'hlf')", ORG)
        days.append(row["today"])
    assert (days[0] - days[1]).days == 1  # type: ignore[operator]


def test_the_day_of_a_moment_is_that_of_the_organisations_time_zone(roster: Roster) -> None:
    """O1: at noon in Oslo it is tomorrow in Kiritimati, and today everywhere else."""
    days: dict[str, object] = {}
    for zone in ("Pacific/Kiritimati", "Europe/Oslo", "Pacific/Honolulu", "UTC"):
        roster.db.execute("update organisations set time_zone = %s", (zone,))
        (row,) = roster.rows("select get_org_day(%s, '2026-03-01 11:00+00') as day", ORG)
        days[zone] = row["day"]
    assert days == {
        "Pacific/Kiritimati": TOMORROW,
        "Europe/Oslo": TODAY,
        "Pacific/Honolulu": TODAY,
        "UTC": TODAY,
    }
    (row,) = roster.rows("select get_org_day(%s, '2026-03-01 23:30+00') as day", ORG)
    roster.db.execute("update organisations set time_zone = 'Pacific/Honolulu'")
    (west,) = roster.rows("select get_org_day(%s, '2026-03-01 09:00+00') as day", ORG)
    assert (row["day"], west["day"]) == (TODAY, YESTERDAY)


def test_coverage_is_that_of_one_organisations_runs_of_one_job(roster: Roster) -> None:
    """O1: another organisation's night, and another job's, cover nothing here."""
    other = uuid4()
    roster.db.execute("insert into organisations (id, slug) values (%s, 'other')", (other,))
    ask = "select * from get_run_freshness(%s, %s)"
    columns = ("last_finished_at", "last_as_of", "hours_since_completed_run", "night_error_count")
    nothing = [dict.fromkeys(columns)]
    for org, job_name in ((other, "certification_expiry"), (ORG, "hlf_sync")):
        run = uuid4()
        roster.db.execute(
            "select from begin_execution(%s, %s, %s, 'schedule', 'event', 'running', %s)",
            (job_name, run, org, TODAY),
        )
        finish(roster, run, 0)
    assert roster.rows(ask, ORG, "certification_expiry") == nothing
    for org, job_name in ((other, "certification_expiry"), (ORG, "hlf_sync")):
        (row,) = roster.rows(ask, org, job_name)
        assert row["last_as_of"] == TODAY


@pytest.mark.parametrize(
    "zone", ["Nonsense/Zone", "utc+25", "UTC+3", "europe/oslo", "CET", "", "X/Y5"]
)
def test_a_time_zone_that_is_not_one_is_refused(roster: Roster, zone: str) -> None:
    """R4: PostgreSQL takes utc+25 for a zone, a day away from anywhere."""
    with pytest.raises(psycopg.errors.CheckViolation):
        roster.db.execute("update organisations set time_zone = %s", (zone,))


@pytest.mark.parametrize(
    "zone",
    ["UTC", "Europe/Oslo", "America/Argentina/Buenos_Aires", "America/Port-au-Prince", "Etc/GMT+5"],
)
def test_a_time_zone_of_an_area_and_a_city_is_taken(roster: Roster, zone: str) -> None:
    """R4."""
    roster.db.execute("update organisations set time_zone = %s", (zone,))


def test_keys_that_differ_in_case_alone_are_one_key(roster: Roster) -> None:
    """R4, H1: for the index and for the look-up, whatever the database's ctype is."""
    mentor = roster.add_mentor()
    roster.db.execute("update peer_mentors set portal_key = 'Ørn-77' where id = %s", (mentor,))
    with pytest.raises(psycopg.errors.UniqueViolation):
        roster.db.execute(
            "insert into peer_mentors (org_id, portal_key) values (%s, 'ørn-77')", (ORG,)
        )
    for key in ("ørn-77", "ØRN-77"):
        (row,) = roster.rows(
            "select * from mirror_portal_certifications("
            "%s, gen_random_uuid(), array[%s], array[%s], array['2099-01-01'::date],"
            " array[now()], '{}')",
            ORG, f"row-{key}", key,
        )  # fmt: skip
        assert row["outcomes"] == ["recorded"]


@pytest.mark.parametrize("ctype", ["C", "C.UTF-8"])
def test_keys_fold_alike_in_a_database_of_any_ctype(cluster: Cluster, ctype: str) -> None:
    """R4: an adopter's database may have another one."""
    name = f"ctype_{len(ctype)}"
    with psycopg.connect(cluster.server.url("postgres"), autocommit=True) as connection:
        connection.execute(
            sql.SQL("create database {} template template0 lc_ctype {} lc_collate 'C'").format(
                sql.Identifier(name), sql.Literal(ctype)
            )
        )
    database.create_supabase_roles(cluster.server.url(name))
    database.migrate(cluster.server.url(name))
    with psycopg.connect(cluster.server.url(name)) as connection:
        assert connection.execute("select private.fold_key('Ørn-77')").fetchone() == ("ørn-77",)
    database.drop_database(cluster.server.url("postgres"), name)


def test_the_tests_database_has_the_locale_that_supabases_have(db: psycopg.Connection) -> None:
    """R4: otherwise what holds here does not hold there."""
    assert db.execute(
        "select datctype from pg_database where datname = current_database()"
    ).fetchone() == ("C.UTF-8",)
    assert db.execute("select lower('ØRN')").fetchone() == ("ørn",)


@pytest.mark.parametrize(
    ("org", "slug", "code"), [(NOWHERE, "hlf", "PT404"), (ORG, "other", "PT409")]
)
def test_a_wrong_scope_is_an_error(roster: Roster, org: UUID, slug: str, code: str) -> None:
    """D8."""
    with pytest.raises(psycopg.Error) as raised:
        roster.db.execute("select * from assert_org_scope(%s, %s)", (org, slug))
    assert raised.value.sqlstate == code


def begin(roster: Roster, run: UUID, status: str, job_name: str = "certification_expiry") -> None:
    """Log an attempt."""
    roster.db.execute(
        "select * from begin_execution(%s, %s, %s, 'schedule', 'event 1', %s)",
        (job_name, run, ORG, status),
    )


def finish(roster: Roster, run: UUID, paused: int) -> None:
    """Log an end."""
    roster.db.execute(
        "select * from finish_execution(%s, 'completed', %s, %s, 0, 0)", (run, paused, paused)
    )


def test_a_run_has_one_row_however_often_it_begins_or_ends(roster: Roster) -> None:
    """D4, D7, E8: a resumed run finds its row, the first end stands."""
    run = uuid4()
    begin(roster, run, "running")
    begin(roster, run, "running")
    finish(roster, run, 3)
    finish(roster, run, 99)
    begin(roster, run, "failed")
    (row,) = roster.log()
    assert (row["status"], row["paused_count"], row["processed_count"]) == ("completed", 3, 3)
    assert row["started_at"] <= row["finished_at"]


def test_the_portal_syncs_role_can_close_runs_of_its_own_job_only(
    roster: Roster, cluster: Cluster
) -> None:
    """D9: its credential sits next to an external system."""
    expiry, sync = uuid4(), uuid4()
    begin(roster, expiry, "running")
    begin(roster, sync, "running", "hlf_sync")
    call = "select * from finish_execution(%s, 'completed', 0, 0, 0, 0)"
    with psycopg.connect(cluster.url(roster.db, "portal_sync"), autocommit=True) as connection:
        connection.execute(call, (sync,))
        with pytest.raises(psycopg.Error) as raised:
            connection.execute(call, (expiry,))
    assert raised.value.sqlstate == "PT404"
    assert [row["status"] for row in roster.log()] == ["running", "completed"]


def test_duplicates_and_refusals_have_rows_of_their_own(roster: Roster) -> None:
    """D4: silence is always explained."""
    run = uuid4()
    for status in ("running", "duplicate", "duplicate", "refused"):
        begin(roster, run, status)
    assert [row["status"] for row in roster.log()] == [
        "running",
        "duplicate",
        "duplicate",
        "refused",
    ]
    assert [row["finished_at"] is None for row in roster.log()] == [True, False, False, False]


def test_a_run_that_never_began_cannot_end(roster: Roster) -> None:
    """PT404, and no row appears."""
    with pytest.raises(psycopg.Error) as raised:
        finish(roster, uuid4(), 1)
    assert (raised.value.sqlstate, roster.log()) == ("PT404", [])


def pause(roster: Roster, mentor: UUID, run: UUID) -> None:
    """Pause as the job does."""
    roster.db.execute(
        "select * from update_mentor_status(%s, %s, 'paused', 'certification_expired', %s, %s)",
        (mentor, ORG, run, TODAY),
    )


def test_each_coordinator_concerned_is_told_once_of_their_own_mentors(roster: Roster) -> None:
    """E11: by assignment, by chapter, or both; never twice, never of others."""
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
    told = {
        row["coordinator_id"]: row["mentor_ids"]
        for row in roster.rows("select * from coordinator_notifications")
    }
    assert told == {
        by_assignment: [a],
        by_chapter: [a, b],
        by_both: sorted([a, b, c]),
        until_tomorrow: [b],
    }


@pytest.mark.parametrize("role", ["mentor_pause_job", "portal_sync"])
def test_a_job_role_can_neither_read_a_table_nor_become_another_role(
    roster: Roster, cluster: Cluster, role: str
) -> None:
    """D9: only functions, only as itself."""
    with psycopg.connect(cluster.url(roster.db, role), autocommit=True) as connection:
        for statement in (
            "select from peer_mentors",
            "update peer_mentors set status = 'active'",
            "select from peer_mentor_status_history",
            "set role service_role",
            "set role postgres",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)
