"""The scope, the days and the keys of an organisation (D8, E1, R4, H1)."""

from uuid import UUID

import psycopg
import pytest
from psycopg import sql

from local import database
from support.cluster import Cluster
from support.roster import ORG, TODAY, TOMORROW, YESTERDAY, Roster

NOWHERE = UUID(int=0)


def test_the_scope_has_the_day_in_the_organisations_time_zone(
    roster: Roster,
) -> None:
    """D8, E1: Kiritimati is always a whole day ahead of Honolulu."""
    days: list[object] = []
    for zone in ("Pacific/Kiritimati", "Pacific/Honolulu"):
        roster.db.execute("update organisations set time_zone = %s", (zone,))
        (row,) = roster.rows("select * from assert_org_scope(%s, 'hlf')", ORG)
        days.append(row["today"])
    assert (days[0] - days[1]).days == 1  # type: ignore[operator]


def test_the_day_of_a_moment_is_that_of_the_organisations_time_zone(roster: Roster) -> None:
    """O1: at noon in Oslo it is the next day in Kiritimati."""
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


@pytest.mark.parametrize(
    "zone", ["Nonsense/Zone", "utc+25", "UTC+3", "europe/oslo", "CET", "", "X/Y5"]
)
def test_a_text_that_is_not_a_time_zone_is_refused(roster: Roster, zone: str) -> None:
    """R4: PostgreSQL itself accepts utc+25, which is more than a day off."""
    with pytest.raises(psycopg.errors.CheckViolation):
        roster.db.execute("update organisations set time_zone = %s", (zone,))


@pytest.mark.parametrize(
    "zone",
    ["UTC", "Europe/Oslo", "America/Argentina/Buenos_Aires", "America/Port-au-Prince", "Etc/GMT+5"],
)
def test_a_time_zone_of_an_area_and_a_city_is_accepted(roster: Roster, zone: str) -> None:
    """R4."""
    roster.db.execute("update organisations set time_zone = %s", (zone,))


def test_keys_that_differ_in_case_alone_are_one_key(roster: Roster) -> None:
    """R4, H1: in the index and in queries, whatever the database's ctype is."""
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
def test_keys_are_compared_alike_in_a_database_of_any_ctype(cluster: Cluster, ctype: str) -> None:
    """R4: an adopter's database may have another ctype."""
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
    """R4: otherwise these tests would prove nothing about Supabase."""
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
