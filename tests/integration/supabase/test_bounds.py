"""Every stored value can be read, whatever arguments a job role passes (R5).

The database's catalogue names each function that a role may execute, and its arguments.
"""

from collections.abc import Iterator
from contextlib import closing
from typing import LiteralString
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql

from mentor_pause.database.client import Database
from mentor_pause.database.pooled import PooledTransport
from mentor_pause.database.portal_client import PortalDatabase
from support.cluster import Cluster
from support.roster import ORG, YESTERDAY, Roster

RUN, MENTOR = UUID(int=7), UUID(int=8)

GOOD: dict[str, LiteralString] = {
    "p_org_id": "'0f0e0d0c-0b0a-4908-8706-050403020100'",
    "p_job_run_id": "gen_random_uuid()",
    "p_as_of": "'2026-03-01'",
    "p_mentor_id": "'00000000-0000-0000-0000-000000000008'",
    "p_slug": "'hlf'",
    "p_status": "'running'",
    "p_trigger": "'manual'",
    "p_triggered_by": "'machine'",
    "p_job_name": "'hlf_sync'",
    "p_reason": "'certification_expired'",
    "p_limit": "10",
    "p_at": "now()",
    "p_watermark": "now()",
    "p_modified_ons": "array[now()]",
    "p_expires_ons": "array['2099-01-01'::date]",
    "p_portal_keys": "array['key-1']",
    "p_portal_ids": "array[gen_random_uuid()::text]",
    "p_seen_ids": "'{}'",
    "p_version": "1",
    "p_portal_id": "gen_random_uuid()::text",
    "p_dry_run": "false",
    "p_wait": "false",
    "p_digest_id": "gen_random_uuid()",
    "p_result": "'sent'",
    "p_state": "'delivered'",
    "p_provider_message_id": "'m-1'",
    "p_retry_seconds": "60",
    "p_measured_at": "now()",
    "p_differing_count": "0",
    "p_differences": "'[]'",
}
"""A good value for each argument; null for arguments that are not listed."""

BY_FUNCTION: dict[tuple[str, str], LiteralString] = {
    ("update_mentor_status", "p_status"): "'paused'",
    ("finish_execution", "p_status"): "'completed'",
    ("finish_execution", "p_job_run_id"): "'00000000-0000-0000-0000-000000000007'",
    ("finish_digest", "p_digest_id"): "'00000000-0000-0000-0000-000000000007'",
    ("finish_digest", "p_reason"): "'Throttling'",
    ("record_delivery", "p_digest_id"): "'00000000-0000-0000-0000-000000000007'",
    ("record_delivery", "p_reason"): "'Transient'",
}
"""Good values that depend on the function."""

HOSTILE: dict[str, tuple[LiteralString, ...]] = {
    "date": ("'infinity'", "'-infinity'", "'0001-01-01 BC'", "'10000-01-01'", "'0001-01-01'"),
    "timestamp with time zone": (
        "'infinity'", "'-infinity'", "'0001-01-01 BC'", "'10000-01-01'", "now() + '99 years'",
    ),
    "integer": ("-2147483648", "2147483647", "-1", "0"),
    "bigint": ("-9223372036854775808", "9223372036854775807"),
    "text": ("repeat('x', 4000000)", "''", "'Ørn æ 🙂'"),
    "uuid": ("'00000000-0000-0000-0000-000000000000'",),
    "boolean": ("true",),
    "jsonb": (
        "'null'", "'{}'", "'[1]'", "'[{}]'", "'\"x\"'", "'[{\"kind\": 1e999}]'",
        "(select jsonb_agg(jsonb_build_object('kind', 'x')) from generate_series(1, 100000))",
    ),
    "uuid[]": (
        "array(select gen_random_uuid() from generate_series(1, 100000))",
        "array[null::uuid]",
        "'{}'",
    ),
    "text[]": (
        "array(select i::text from generate_series(1, 100000) as i)",
        "array[null, repeat('x', 1000000)]",
        "array[repeat('x', 1000000)]",
    ),
    "date[]": (
        "array(select current_date from generate_series(1, 100000))",
        "array['infinity'::date, null]",
        "array['infinity'::date]",
    ),
    "timestamp with time zone[]": (
        "array(select now() from generate_series(1, 100000))",
        "array['infinity'::timestamptz, null]",
        "array['infinity'::timestamptz]",
    ),
}  # fmt: skip
"""Hostile values for each type. The test also tries null for every argument."""

REFUSALS = {
    "22023", "23502", "23503", "23514", "42501", "PT403", "PT404", "PT409", "PT429", "P0002",
}  # fmt: skip
"""The SQLSTATEs of a refusal: out of bounds, missing, an unknown word, no right."""

FUNCTIONS: LiteralString = """
    select f.proname, f.proargnames[1:f.pronargs], f.proargtypes::regtype[]::text[]
    from pg_proc as f
    where f.pronamespace = 'public'::regnamespace
        and has_function_privilege(current_user, f.oid, 'execute')
    order by f.proname
"""


def call(name: str, arguments: dict[str, tuple[str, LiteralString]]) -> sql.Composed:
    """Return a call of a function; each argument is SQL, cast to its type."""
    given = sql.SQL(", ").join(
        sql.SQL("{} => ({})::{}").format(
            sql.Identifier(arg),
            sql.SQL(value),
            sql.SQL(kind),  # pyright: ignore[reportArgumentType] - the catalogue's word
        )
        for arg, (kind, value) in arguments.items()
    )
    return sql.SQL("select * from public.{}({})").format(sql.Identifier(name), given)


def good_values(
    name: str, names: list[str], kinds: list[str]
) -> dict[str, tuple[str, LiteralString]]:
    """Return the type of each argument, and a good value for it."""
    return {
        arg: (kind, BY_FUNCTION.get((name, arg), GOOD.get(arg, "null")))
        for arg, kind in zip(names, kinds, strict=True)
    }


def attempts(name: str, names: list[str], kinds: list[str]) -> Iterator[sql.Composed]:
    """Yield a call for each argument and each of its hostile values; other arguments are good."""
    good = good_values(name, names, kinds)
    for arg, (kind, _) in good.items():
        for value in (*HOSTILE[kind], "null"):
            hostile: dict[str, tuple[str, LiteralString]] = {arg: (kind, value)}
            yield call(name, good | hostile)


@pytest.mark.parametrize(
    "role", ["mentor_pause_job", "portal_sync", "mentor_pause_api", "mentor_pause_notifier"]
)
def test_what_is_stored_can_be_read_whatever_a_job_role_passes(
    roster: Roster, cluster: Cluster, role: str
) -> None:
    """R5: each argument of each function that the role may execute."""
    roster.db.execute(
        "insert into peer_mentors (id, org_id, portal_key) values (%s, %s, 'key-1')", (MENTOR, ORG)
    )
    roster.certify(MENTOR, YESTERDAY)
    roster.db.execute(
        "select from begin_execution('hlf_sync', %s, %s, 'manual', 'machine', 'running')",
        (RUN, ORG),
    )
    tried = 0
    with psycopg.connect(cluster.url(roster.db, role), autocommit=True) as connection:
        for name, names, kinds in connection.execute(FUNCTIONS).fetchall():
            for statement in attempts(name, names, kinds):
                tried += 1
                try:
                    connection.execute(statement)
                except psycopg.Error as error:
                    assert error.sqlstate in REFUSALS, (name, error)  # noqa: PT017
    assert tried > 40
    check_readable(roster, cluster)


@pytest.mark.parametrize(
    "role", ["mentor_pause_job", "portal_sync", "mentor_pause_api", "mentor_pause_notifier"]
)
def test_no_function_acts_for_another_organisation(
    roster: Roster, cluster: Cluster, role: str
) -> None:
    """R5: each function that takes an organisation refuses one that is not the role's."""
    other = roster.add_organisation()
    answers: dict[str, str | None] = {}
    with psycopg.connect(cluster.url(roster.db, role), autocommit=True) as connection:
        for name, names, kinds in connection.execute(FUNCTIONS).fetchall():
            if "p_org_id" in names:
                arguments = good_values(name, names, kinds)
                arguments["p_org_id"] = ("uuid", "%(org)s")
                answers[name] = answer(connection, call(name, arguments), other)
    assert len(answers) > 1
    assert answers == dict.fromkeys(answers, "not_your_organisation")


def answer(connection: psycopg.Connection, statement: sql.Composed, org: UUID) -> str | None:
    """Return why a call is refused; None: it is not."""
    try:
        connection.execute(statement, {"org": org})
    except psycopg.Error as error:
        return error.diag.message_hint or str(error)
    return None


def check_readable(roster: Roster, cluster: Cluster) -> None:
    """Read every table, and call the reading functions as the programs do."""
    for (table,) in roster.db.execute(
        "select oid::regclass::text from pg_class"
        " where relkind = 'r' and relnamespace = 'public'::regnamespace"
    ).fetchall():
        rows = roster.rows(sql.SQL("select * from {}").format(sql.SQL(table)))
        texts = [v for row in rows for v in row.values() if isinstance(v, str)]
        assert max(map(len, texts), default=0) <= 4000, table
    with closing(PooledTransport(cluster.url_as(roster.db, "service_role"))) as transport:
        database, portal = Database(transport), PortalDatabase(transport)
        for row in database.list_executions(ORG, 1000):
            if row.org_id is not None:
                assert database.get_execution(ORG, row.job_run_id) is not None
        for job in ("hlf_sync", "certification_expiry"):
            database.get_run_freshness(ORG, job)
        portal.begin_reading(ORG, RUN)
        list(portal.list_certifications(ORG))
        transport.call("list_all_portal_states", {"p_org_id": ORG, "p_after": None, "p_limit": 500})


@pytest.mark.parametrize(
    ("role", "query"),
    [
        ("mentor_pause_job", "select from list_expired_mentors({org}, 'infinity', null, 1)"),
        ("mentor_pause_job", "select from list_expired_mentors({org}, '2026-01-01', null, 1001)"),
        ("mentor_pause_job", "select from list_unsynced_mentors({org}, '2026-01-01', null, 0)"),
        ("mentor_pause_job", "select count_stale_active_mentors({org}, '3000-01-01')"),
        ("mentor_pause_job", "select get_org_day({org}, 'infinity')"),
        ("mentor_pause_job", "select list_executions({org}, null)"),
        ("mentor_pause_job", "select finish_execution({run}, 'completed', -1, 0, 0, 0)"),
        ("mentor_pause_job", "select get_run_freshness({org}, repeat('x', 101))"),
        ("mentor_pause_job", "select write_warnings({org}, 'infinity')"),
        ("mentor_pause_job", "select write_warnings({org}, '2026-01-01', 1000001)"),
        ("mentor_pause_job", "select list_messages({org}, false, null, 1001)"),
        ("mentor_pause_job", "select list_paused_unwarned({org}, '-infinity')"),
        ("mentor_pause_notifier", "select finish_digest({org}, {run}, 'sent', repeat('x', 201))"),
        ("mentor_pause_notifier", "select finish_digest({org}, {run}, 'refused', '', '', 86401)"),
        (
            "mentor_pause_notifier",
            "select record_delivery({org}, {run}, 'bounced', '', repeat('x', 101))",
        ),
        ("portal_sync", "select mark_portal_synced({org}, {run}, -2147483648, {run})"),
        ("portal_sync", "select move_portal_watermark({org}, {run}, 'infinity')"),
        ("portal_sync", "select list_all_portal_states({org}, null, 501)"),
        ("portal_sync", "select list_portal_certifications({org}, null, 501)"),
        (
            "mentor_pause_api",
            "select begin_execution('a', {run}, {org}, 'manual', 'machine', 'refused', 'infinity')",
        ),
    ],
)
def test_an_argument_out_of_bounds_is_named(
    roster: Roster, cluster: Cluster, role: str, query: LiteralString
) -> None:
    """R5: 22023, and a sentence that states the bounds."""
    filled = sql.SQL(query).format(org=sql.Literal(str(ORG)), run=sql.Literal(str(uuid4())))
    with (
        psycopg.connect(cluster.url(roster.db, role), autocommit=True) as connection,
        pytest.raises(psycopg.errors.InvalidParameterValue, match="is out of bounds") as raised,
    ):
        connection.execute(filled)
    assert " is between " in str(raised.value.diag.message_detail)


def test_a_long_error_is_cut_so_that_a_run_can_end(roster: Roster) -> None:
    """R5: ending the run is more important than the whole error text."""
    run = uuid4()
    roster.db.execute(
        "select from begin_execution('hlf_sync', %s, %s, 'manual', 'machine', 'running')",
        (run, ORG),
    )
    roster.db.execute(
        "select from finish_execution(%s, 'failed', 0, 0, 0, 0, repeat('x', 9999))", (run,)
    )
    (row,) = roster.log()
    assert (row["status"], len(row["error"])) == ("failed", 4000)
