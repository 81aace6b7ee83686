"""Every database function returns the same, whatever settings a role or a database has (R4)."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from uuid import uuid5

import psycopg
import pytest
from psycopg import sql

from local.rest_callers import SECRET_KEY
from local.supabase import postgrest
from mentor_pause.config import API_ROLE, PORTAL_ROLE
from mentor_pause.database.client import Database
from mentor_pause.database.pooled import PooledTransport, Session
from mentor_pause.database.portal_client import PortalDatabase
from mentor_pause.database.rest import RestTransport
from mentor_pause.domain.runs import RunRequest
from mentor_pause.domain.summary import Totals
from mentor_pause.errors import DatabaseError, DatabaseUnavailable
from mentor_pause.portal import Certification
from support.cluster import Cluster
from support.pooler import pgbouncer
from support.roster import ORG, TODAY, YESTERDAY, Roster

JOB = "mentor_pause_job"
SETTINGS = {
    "datestyle": ("SQL, DMY", "German", "Postgres, MDY"),
    "intervalstyle": ("iso_8601", "sql_standard"),
    "timezone": ("Asia/Kathmandu", "<+03>-3", "Pacific/Kiritimati"),
    "client_encoding": ("SQL_ASCII", "LATIN1", "WIN1252"),
    "bytea_output": ("escape",),
    "extra_float_digits": ("-15",),
    "search_path": ("pg_catalog", "nowhere"),
    "default_transaction_isolation": ("serializable",),
}
CASES = [(name, value) for name, values in SETTINGS.items() for value in values]
AT = datetime(2026, 3, 1, 0, 30, tzinfo=UTC)
KEY = "Ørn-77 漢"


def answers(job: Database, portal: PortalDatabase, roster: Roster) -> dict[str, object]:
    """Call the functions of a night and of a sync, and return the results.

    The ids of mentors and the moments of changes differ between databases, so they are checked
    here.
    """
    mentor, paused = roster.add_mentor(YESTERDAY), roster.add_mentor(YESTERDAY)
    roster.db.execute("update peer_mentors set portal_key = %s where id = %s", (KEY, mentor))
    attempt = RunRequest("certification_expiry", ORG, "schedule", "t-1", KEY)
    run = attempt.job_run_id
    job.begin_execution(attempt, "running", as_of=TODAY)
    change = job.pause_expired(mentor, ORG, run, TODAY)
    job.pause_expired(paused, ORG, run, TODAY)
    job.finish_execution(Totals(run, "paused", 2), "completed", None)
    (row,) = job.list_executions(ORG, 5)
    coverage = job.get_run_freshness(ORG, "certification_expiry")
    portal.begin_reading(ORG, run)
    portal.move_watermark(ORG, run, AT)
    day = datetime.now(UTC).date() + timedelta(400)
    rows = [Certification("c-1", KEY, day, AT), Certification("c-2", "nobody", day, AT)]
    recorded = {m.portal_id: m.outcome for m in portal.mirror(ORG, run, rows)}
    (stored,) = portal.list_certifications(ORG)
    assert (stored.portal_id, stored.portal_key, stored.expires_on) == ("c-1", KEY, day)
    (state,) = portal.list_states(ORG, [mentor])
    scope = job.assert_org_scope(ORG, "hlf")
    moments = [
        scope.moment,
        change.changed_at,
        row.started_at,
        row.finished_at,
        coverage.last_finished_at,
    ]
    assert all(m and abs(datetime.now(UTC) - m) < timedelta(minutes=5) for m in moments)
    assert state.mentor_id == mentor
    assert {s.mentor_id for s in portal.list_all_states(ORG)} == {mentor, paused}
    return {
        "changed": change.model_dump(exclude={"changed_at"}),
        "expired": job.plan_certification_expiry(ORG, TODAY),
        "stale": job.count_stale_active_mentors(ORG, TODAY),
        "day": job.get_org_day(ORG, AT - timedelta(hours=1, minutes=31)),
        "scope": scope.model_dump(exclude={"moment"}),
        "run": row.model_dump(exclude={"id", "started_at", "finished_at"}),
        "changes": set(job.list_run_outcomes(ORG, run, TODAY, [mentor, paused]))
        == {mentor, paused},
        "notified": job.notify_coordinators(run),
        "coverage": coverage.last_as_of,
        "watermark": portal.begin_reading(ORG, run),
        "recorded": recorded,
        "state": state.model_dump(exclude={"mentor_id", "differs_since", "effective_on"}),
        "synced": portal.mark_synced(ORG, state, run),
        "renewals": portal.list_states(ORG, [uuid5(ORG, "nobody")]),
    }


@pytest.fixture(params=["pooled", "pgbouncer", "rest"])
def clients(
    request: pytest.FixtureRequest, roster: Roster, cluster: Cluster
) -> Iterator[tuple[Database, PortalDatabase]]:
    """The two clients over each transport, not connected yet."""
    urls = [cluster.url(roster.db, role) for role in (JOB, PORTAL_ROLE)]
    with ExitStack() as stack:
        if request.param == "rest":
            owner_url = cluster.server.url(str(roster.db.info.dbname))
            project = stack.enter_context(postgrest(owner_url))
            transport = stack.enter_context(closing(RestTransport(project, SECRET_KEY)))
            yield Database(transport), PortalDatabase(transport)
            return
        if request.param == "pgbouncer":
            pooler = stack.enter_context(pgbouncer(*urls))
            urls = [pooler.through(url) for url in urls]
        job, portal = (stack.enter_context(closing(PooledTransport(url))) for url in urls)
        yield Database(job), PortalDatabase(portal)


def set_for_all(db: psycopg.Connection, name: str, value: str, on: str) -> None:
    """Set a setting for the database, or for each role in this database."""
    database = sql.Identifier(str(db.info.dbname))
    words = {"name": sql.Identifier(name), "value": sql.Literal(value), "database": database}
    if on == "database":
        db.execute(sql.SQL("alter database {database} set {name} = {value}").format(**words))
        return
    for role in (JOB, PORTAL_ROLE, API_ROLE, "service_role"):
        db.execute(
            sql.SQL("alter role {role} in database {database} set {name} = {value}").format(
                role=sql.Identifier(role), **words
            )
        )


@pytest.mark.parametrize("on", ["database", "role"])
@pytest.mark.parametrize(("name", "value"), CASES)
def test_a_setting_changes_no_answer(
    clients: tuple[Database, PortalDatabase],
    roster: Roster,
    caplog: pytest.LogCaptureFixture,
    name: str,
    value: str,
    on: str,
) -> None:
    """R4: values come in binary or as JSON, and texts in UTF-8."""
    set_for_all(roster.db, name, value, on)
    found = answers(*clients, roster)
    assert [r.message for r in caplog.records if r.name == "psycopg"] == []
    assert found["day"] == YESTERDAY
    assert found["watermark"] == AT
    assert found["recorded"] == {"c-1": "recorded"}
    assert (found["changes"], found["synced"]) == (True, True)
    assert (found["stale"], found["expired"]) == (0, [])
    assert isinstance(found["run"], dict)
    assert (found["run"]["as_of"], found["run"]["triggered_by"]) == (TODAY, KEY)
    assert isinstance(found["changed"], dict)
    assert found["changed"]["certification_expiry_date"] == YESTERDAY
    assert isinstance(found["state"], dict)
    assert found["state"]["portal_key"] == KEY


@pytest.mark.parametrize("kind", ["pooled", "pgbouncer"])
def test_the_environment_of_the_driver_changes_no_answer(
    roster: Roster, cluster: Cluster, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The driver reads environment variables. A pooler would refuse their options."""
    for name, value in {
        "PGOPTIONS": "-c datestyle=German", "PGDATESTYLE": "SQL, DMY", "PGTZ": "Asia/Kathmandu",
        "PGCLIENTENCODING": "LATIN1", "PGAPPNAME": "x", "PGCONNECT_TIMEOUT": "1",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    urls = [cluster.url(roster.db, role) for role in (JOB, PORTAL_ROLE)]
    with ExitStack() as stack:
        if kind == "pgbouncer":
            pooler = stack.enter_context(pgbouncer(*urls))
            urls = [pooler.through(url) for url in urls]
        job, portal = (stack.enter_context(closing(PooledTransport(url))) for url in urls)
        found = answers(Database(job), PortalDatabase(portal), roster)
    assert (found["day"], found["watermark"]) == (YESTERDAY, AT)


@pytest.mark.parametrize("day", ["infinity", "-infinity", "0044-03-15 BC", "10000-01-01"])
def test_an_answer_that_cannot_be_read_is_one_sentence_and_does_no_harm(
    clients: tuple[Database, PortalDatabase], roster: Roster, day: str
) -> None:
    """R4: Python does not have these days. The connection stays usable."""
    mentor = roster.add_mentor(YESTERDAY)
    roster.db.execute(
        sql.SQL(
            "create or replace function get_org_day(p_org_id uuid, p_at timestamptz) returns date"
            " language sql as $$ select {}::date $$"
        ).format(day)
    )
    job, _ = clients
    for _ in range(2):
        with pytest.raises(DatabaseError, match="in the answer cannot be read") as raised:
            job.get_org_day(ORG, AT)
        assert not isinstance(raised.value, DatabaseUnavailable)
        assert (raised.value.__cause__, raised.value.__context__) == (None, None)
        assert job.pause_expired(mentor, ORG, ORG, TODAY, dry_run=True).outcome == "would_change"


@pytest.mark.parametrize("text", ["a\0b", "half \ud83d of one"])
def test_a_value_that_cannot_be_sent_is_that_calls_error(
    clients: tuple[Database, PortalDatabase], roster: Roster, text: str
) -> None:
    """R3: it affects one row. The connection stays usable."""
    _, portal = clients
    with pytest.raises(DatabaseError) as raised:
        portal.mirror(ORG, ORG, [Certification("c-1", text, TODAY, AT)])
    assert not isinstance(raised.value, DatabaseUnavailable)
    assert portal.begin_reading(ORG, ORG) is None


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1", "UTF8"])
def test_texts_are_read_in_whatever_encoding_a_pooler_leaves_the_session(
    roster: Roster, cluster: Cluster, encoding: str
) -> None:
    """R4: some poolers drop the client's parameters."""
    connection = psycopg.connect(
        cluster.url(roster.db, JOB), autocommit=True, client_encoding=encoding
    )
    with closing(Session(connection)) as session:
        assert session.ask(b"select $1::text as t", ("Ørn",), 5) == [{"t": "Ørn"}]
