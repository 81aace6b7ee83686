"""Two invented projects adopt mentor-pause by the blocks of docs/adopting.md (R6)."""

import re
import subprocess
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from local.postgres import binaries
from support.adoption import HARBOUR, MARK, VALLEY, WALK, Adoption, Block, open_project
from support.aws import Clients
from support.cluster import Cluster
from support.documents import ROOT, walk
from support.night import open_night
from support.roster import Records

pytestmark = pytest.mark.xdist_group("adoption")  # one project is adopted once for all of them
EXAMPLE = r"volunteer|mentor_uuid|staff|mentorship|branch|hlf|enrolled|app\.|\.state\b"


@pytest.fixture
def harbour(cluster: Cluster) -> Iterator[Adoption]:
    """The page's association, with 10,000 mentors and none of our tables."""
    with open_project(cluster, HARBOUR) as found:
        yield found


@pytest.fixture
def club(cluster: Cluster) -> Iterator[Adoption]:
    """The other project, with its organisation and our empty tables."""
    with open_project(cluster, VALLEY) as found:
        found.begin(cluster.server.url(found.db.info.dbname))
        yield found


def test_lines_that_the_reader_keeps_name_nothing_of_the_example() -> None:
    """A reader replaces only the marked lines."""
    lines = [
        line
        for block in walk(WALK, [ROOT / "docs/adopting.md"])
        for line in block.text.splitlines()
        if not line.endswith(MARK)
    ]
    assert [line for line in lines if re.search(EXAMPLE, line)] == []


@pytest.mark.parametrize(
    "expression",
    [
        "valid_until + 1",
        "ends_on",
        "((ends_at - interval '1 microsecond') at time zone 'Europe/Oslo')::date + 1",
        "(issued_on + interval '2 years')::date",
        "coalesce(valid_until + 1, 'infinity')",
    ],
)
def test_a_conversion_of_the_page_gives_the_first_invalid_day(
    db: psycopg.Connection, expression: str
) -> None:
    """E1: each line of the page's table of types, for a certification valid through 30 November."""
    assert f"`{expression}`" in (ROOT / "docs/adopting.md").read_text()
    columns = (
        "date '2026-11-30' as valid_until, date '2026-12-01' as ends_on, date '2024-12-01' as"
        " issued_on, timestamptz '2026-12-01 00:00 Europe/Oslo' as ends_at"
    )
    query = "select pg_typeof(EXPRESSION)::text, (EXPRESSION)::text from (select COLUMNS) as c"
    query = query.replace("EXPRESSION", expression).replace("COLUMNS", columns)
    found = db.execute(query.encode()).fetchone()
    assert found == ("date", "2026-12-01")


def test_an_association_with_10000_mentors_gets_to_its_second_night(
    harbour: Adoption, cluster: Cluster
) -> None:
    """It has integer keys, colliding names and last valid days.

    Its night runs inside the database.
    """
    harbour.begin(cluster.server.url(harbour.db.info.dbname))
    harbour.type(Block.MAP)
    assert harbour.type(Block.CHECK) == []
    expired, previewed = harbour.expired(), harbour.type(Block.PREVIEW)
    assert [row[3] for row in previewed] == sorted(expired.values())
    harbour.type(Block.APP)
    ((_, status, processed, paused, _, errors, ids, *_),) = harbour.type(Block.NIGHT)
    assert (status, processed, paused, errors) == ("completed", 1500, 1500, 0)
    assert set(ids) == expired.keys()
    assert_paused(harbour, expired)
    assert [row[3] for row in harbour.type(Block.NIGHT)] == [0]
    assert harbour.type(Block.CHECK) == []
    on_a_break = "v.id from volunteers as v where v.state = 'break'"
    assert _paused_people(harbour, on_a_break, "v.mentor_uuid") == {row[0] for row in previewed}
    finder = harbour.text(Block.FIND_PERSON).replace("MENTOR_ID", str(ids[0]))
    assert len(harbour.db.execute(finder.encode()).fetchall()) == 1


def test_a_club_gets_to_its_second_night_in_the_workers(
    club: Adoption, aws: Clients, cluster: Cluster
) -> None:
    """It has other names, enums, timestamps and uuids. The workers pause the previewed mentors."""
    club.type(Block.MAP)
    assert club.type(Block.CHECK) == []
    expired, previewed = club.expired(), club.type(Block.PREVIEW)
    club.type(Block.APP)
    with open_night(aws, Records(club.db), cluster, page_size=25) as night:
        night.clock.now = datetime.now(UTC)
        for trigger_id in ("night-1", "night-2"):
            night.fire(trigger_id, as_of=None)
            night.work_off()
    assert [s["paused_count"] for s in night.summaries()] == [len(previewed), 0]
    assert_paused(club, expired)
    resting = "p.portal_no from people as p where p.state = 'rest'"
    assert _paused_people(club, resting, "p.person") == {row[0] for row in previewed}


def assert_paused(adoption: Adoption, expired: dict[UUID, date]) -> None:
    """E2, E3, E11: a history row for each expired mentor; their coordinators are notified."""
    records = Records(adoption.db)
    history = records.history()
    assert {row["mentor_id"]: row["certification_expiry_date"] for row in history} == expired
    assert len(history) == len(expired)
    assert {(row["reason"], row["new_status"], row["changed_by_role"]) for row in history} == {
        ("certification_expired", "paused", "job")
    }
    notified = records.rows("select unnest(mentor_ids) as mentor_id from coordinator_notifications")
    assert expired.keys() >= {row["mentor_id"] for row in notified}
    assert len(notified) > len(expired) / 2


def _paused_people(adoption: Adoption, people: str, key: str) -> set[Any]:
    """Return the people whose status the app shows as paused, and who were paused by a change."""
    history = "select h.mentor_id from peer_mentor_status_history as h"
    found = adoption.db.execute(f"select {people} and {key} in ({history})".encode())
    return {row[0] for row in found}


def test_the_preview_takes_the_day_of_the_first_night(valley: Adoption) -> None:
    """R4, E1: the first invalid day, and the day before it."""
    renewed = "insert into licences (person, ends_at) select person, '2031-05-05 00:00 Europe/Oslo'"
    look = "select mentor_id from private.preview_certification_expiry('hlf', %s)"
    with valley.db.transaction(force_rollback=True):
        (person,) = valley.person(11)
        valley.db.execute(f"{renewed} from people where portal_no = 11".encode())
        for day, is_listed in ((date(2031, 5, 4), False), (date(2031, 5, 5), True)):
            listed = valley.db.execute(look.encode(), (day,)).fetchall()
            assert ((person,) in listed) == is_listed


def test_a_preview_of_an_unknown_organisation_says_so(valley: Adoption) -> None:
    """R6: an empty list would look like a quiet night."""
    with pytest.raises(psycopg.Error, match="organisation 'other' does not exist"):
        valley.db.execute("select * from private.preview_certification_expiry('other')")


def test_a_typo_in_the_mapping_changes_nothing(club: Adoption) -> None:
    """The mapping is one transaction, so no table is dropped and no part of the mapping stays."""
    before, mapping = _objects(club), club.text(Block.MAP)
    for right, wrong, said in (
        ("c.withdrawn_at", "c.withdrawn_on", "column c.withdrawn_on does not exist"),
        ("grant select on", "grant insert on", "authenticated may insert on public.certifications"),
        ("create index on public.licences", "--", "reads the whole of public.licences"),
        ("when 'gone' then 'inactive'", "", "peer_mentors_status_check"),
        ("o.slug = 'hlf'", "o.slug = 'hfl'", 'violates check constraint "slug_is_known"'),
        ("old.person;", "old.persn;", 'people fails: record "old" has no field "persn"'),
    ):
        assert right in mapping
        assert said in _typed_into_psql(club, mapping.replace(right, wrong))
        assert _objects(club) == before
    club.type(Block.MAP)
    assert club.findings() == []


def _typed_into_psql(adoption: Adoption, text: str) -> str:
    """Type one statement after another, also after a failed one; return what psql prints."""
    info = adoption.db.info
    environ = {
        "PGHOST": info.host, "PGPORT": str(info.port), "PGDATABASE": info.dbname,
        "PGUSER": info.user, "PGPASSWORD": info.password,
    }  # fmt: skip
    command = [str(binaries() / "psql"), "--no-psqlrc", "--quiet", "--no-align", "--tuples-only"]
    done = subprocess.run(
        command, input=text, env=environ, capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout + done.stderr


def _objects(adoption: Adoption) -> list[Any]:
    """Return every table, view, index and schema."""
    return adoption.db.execute(
        "select c.oid::regclass::text, c.relkind from pg_class as c"
        " union all select nspname, 'n' from pg_namespace order by 1"
    ).fetchall()


def test_days_of_a_file_are_imported_as_written(valley: Adoption) -> None:
    """The first of December does not become the twelfth of January. A bad file imports nothing."""
    latest = "select max(c.expires_on) from certifications as c where c.mentor_id = %s"
    with valley.db.transaction(force_rollback=True):
        valley.type(Block.STAGE)
        for number, day in ((11, "01.12.2035"), (12, "2035-12-01"), (5, None)):
            valley.db.execute("insert into adopted.import values (%s, %s)", (number, day))
        assert {row[0] for row in valley.type(Block.LOOK)} == {12, 5}
        valley.db.execute("delete from adopted.import where volunteer <> 11")
        valley.type(Block.IMPORT)
        assert valley.db.execute(latest, valley.person(11)).fetchone() == (date(2035, 12, 2),)
        valley.db.execute("update adopted.import set last_valid_day = '31.02.2035'")
        with pytest.raises(psycopg.errors.DatetimeFieldOverflow), valley.db.transaction():
            valley.type(Block.IMPORT)


def test_a_file_with_semicolons_is_copied(valley: Adoption, tmp_path: Path) -> None:
    """The page's command reads the file that a Norwegian Excel saves."""
    (copy,) = re.findall(r"`(\\copy [^`]+)`", (ROOT / "docs/adopting.md").read_text())
    (tmp_path / "certifications.csv").write_text("Mentor;Valid\r\n11;01.12.2035\r\n12;\r\n")
    stage, show = valley.text(Block.STAGE), "select * from adopted.import;"
    printed = _typed_into_psql(
        valley, f"begin;\n{stage}\n\\cd {tmp_path}\n{copy}\n{show}\nrollback;\n"
    )
    assert printed.splitlines() == ["11|01.12.2035", "12|"]
