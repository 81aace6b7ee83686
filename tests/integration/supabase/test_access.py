"""The access matrix on a real PostgreSQL (S3-S7, D9).

The matrix and the rules are in `supabase/tests/database/access`. pgTAP runs the same files.
"""

from typing import LiteralString

import psycopg
import pytest

from support.access import Access
from support.cluster import Cluster

REMOVALS: dict[str, LiteralString] = {
    "policy": """
        select format('drop policy %I on %s', p.polname, p.polrelid::regclass), c.relname
        from pg_policy as p inner join pg_class as c on c.oid = p.polrelid
    """,
    "trigger": """
        select format('drop trigger %I on %s', t.tgname, t.tgrelid::regclass), c.relname
        from pg_trigger as t inner join pg_class as c on c.oid = t.tgrelid
        where not t.tgisinternal
    """,
    "constraint on the history": """
        select format('alter table %s drop constraint %I', k.conrelid::regclass, k.conname),
            c.relname
        from pg_constraint as k inner join pg_class as c on c.oid = k.conrelid
        where k.contype = 'c' and k.conrelid = 'public.peer_mentor_status_history'::regclass
    """,
    "row-level security": """
        select format('alter table %s disable row level security', c.oid::regclass), c.relname
        from pg_class as c where c.relrowsecurity
    """,
    "grant on a table": """
        select format('revoke %s on %s from %s', a.privilege_type, c.oid::regclass,
            a.grantee::regrole), c.relname
        from pg_class as c, aclexplode(c.relacl) as a
        where c.relnamespace = 'public'::regnamespace and a.grantee <> c.relowner
    """,
    "grant on a column": """
        select format('revoke %s (%I) on %s from %s', a.privilege_type, t.attname, c.oid::regclass,
            a.grantee::regrole), c.relname
        from pg_class as c inner join pg_attribute as t on t.attrelid = c.oid,
            aclexplode(t.attacl) as a
        where c.relnamespace = 'public'::regnamespace
    """,
    "grant on a function": """
        select format('revoke %s on function %s from %s', a.privilege_type, f.oid::regprocedure,
            a.grantee::regrole), f.proname
        from pg_proc as f, aclexplode(f.proacl) as a
        where f.pronamespace in ('public'::regnamespace, 'private'::regnamespace)
            and a.grantee <> f.proowner
    """,
}
"""What the test removes, one at a time."""

ADDITIONS: dict[str, LiteralString] = {
    "a policy that lets everybody see everything": """
        select format('alter policy %I on %s using (true)', p.polname, c.oid::regclass), c.relname
        from pg_policy as p inner join pg_class as c on c.oid = p.polrelid
    """,
    "a grant on a table": """
        select format('grant %s on %s to %s', privilege, c.oid::regclass, role), c.relname
        from pg_class as c,
            unnest(array['anon', 'authenticated', 'service_role', 'mentor_pause_job',
                'portal_sync', 'mentor_pause_api', 'mentor_pause_notifier']) as role,
            unnest(array['select', 'insert', 'update', 'delete', 'truncate', 'references',
                'trigger']) as privilege
        where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace
            and not has_table_privilege(role, c.oid, privilege)
    """,
    "a grant on a function": """
        select format('grant execute on function %s to %s', f.oid::regprocedure, role), f.proname
        from pg_proc as f,
            unnest(array['anon', 'authenticated', 'mentor_pause_job', 'portal_sync',
                'mentor_pause_api', 'mentor_pause_notifier']) as role
        where f.pronamespace in ('public'::regnamespace, 'private'::regnamespace)
            and not has_function_privilege(role, f.oid, 'execute')
    """,
    "a job role that may become another": """
        select format('grant %s to %s', power, job), null
        from unnest(array['service_role', 'authenticated']) as power,
            unnest(array['mentor_pause_job', 'portal_sync', 'mentor_pause_api',
                'mentor_pause_notifier']) as job
    """,
    "a role with the rights of a job": """
        select format('grant %s to %s', job, other), null
        from unnest(array['mentor_pause_job', 'portal_sync', 'mentor_pause_api',
                'mentor_pause_notifier']) as job,
            unnest(array['anon', 'authenticated', 'service_role']) as other
    """,
    "a client's role that may become another": """
        select format('grant %s to %s', power, client), null
        from unnest(array['service_role', 'pg_read_all_data']) as power,
            unnest(array['anon', 'authenticated']) as client
    """,
    "a schema in which a client may create": """
        select format('grant create on schema %s to %s', schema, role), null
        from unnest(array['public', 'private']) as schema,
            unnest(array['authenticated', 'portal_sync', 'mentor_pause_notifier']) as role
    """,
    "a child of an append-only table": """
        select format('create table private.child () inherits (%s)', parent), null
        from unnest(array['public.peer_mentor_status_history', 'public.scheduler_execution_log'])
            as parent
    """,
}

SLOWEST = ("grant on a function", "a grant on a function", "a grant on a table")
"""`make proofs` makes these changes, because they take longest."""


@pytest.fixture
def access(db: psycopg.Connection) -> Access:
    """A database with the data of the access matrix."""
    return Access(db)


def test_every_cell_of_the_matrix_holds(access: Access) -> None:
    """S5: each persona tries each operation on each object."""
    assert access.differences() == []


def test_no_table_function_or_policy_breaks_a_rule(access: Access) -> None:
    """S4, S6, D9: the rules cover objects that are added later, too."""
    assert access.findings() == []


def test_the_matrix_has_a_cell_for_every_permutation(access: Access) -> None:
    """S5: every persona with every table and operation, and with every function of the API."""
    missing = access.db.execute("""
        with wanted as (
            select c.relname::text as object, operation
            from pg_class as c,
                unnest(array['select', 'insert', 'update', 'delete', 'truncate',
                    'insert returning', 'update returning']) as operation
            where c.relnamespace = 'public'::regnamespace
                and (c.relkind = 'r' or c.relkind = 'v' and operation <> 'truncate')
            union all
            select f.proname::text, null from pg_proc as f
            where f.pronamespace = 'public'::regnamespace
        )
        select w.object, w.operation, p.name
        from wanted as w cross join persona as p
        where not exists (
            select from cell as c
            where c.object = w.object and c.persona = p.name
                and c.operation = coalesce(w.operation, c.operation)
        )
    """).fetchall()
    assert missing == []
    nameless = access.db.execute("select object, operation from cell where persona is null")
    assert nameless.fetchall() == [], "a row with more cells than there are personas"


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(kind, marks=[pytest.mark.proof] if kind in SLOWEST else [])
        for kind in (*REMOVALS, *ADDITIONS)
    ],
)
def test_a_removed_guard_or_an_added_right_is_noticed(access: Access, kind: str) -> None:
    """S5: each policy, trigger and grant is removed, and each missing grant is added."""
    changes = access.generate((REMOVALS | ADDITIONS)[kind])
    assert changes
    assert [str(s.as_string()) for s, objects in changes if not access.is_noticed(s, objects)] == []


@pytest.mark.parametrize(
    ("persona", "role"),
    [
        ("job", "mentor_pause_job"),
        ("portal", "portal_sync"),
        ("api", "mentor_pause_api"),
        ("notifier", "mentor_pause_notifier"),
    ],
)
def test_a_job_that_logs_in_has_exactly_the_rights_of_the_matrix(
    access: Access, cluster: Cluster, persona: str, role: str
) -> None:
    """D9: the matrix switches to a role with `set role`; here the role itself logs in."""
    cells = access.db.execute(
        "select pg_temp.filled(statement), expected from cell where persona = %s", (persona,)
    ).fetchall()
    with psycopg.connect(cluster.url(access.db, role)) as connection:
        for statement, expected in cells:
            try:
                connection.execute(statement.encode())
                found = "done"
            except psycopg.errors.InsufficientPrivilege as error:
                found = "org" if error.diag.message_hint == "not_your_organisation" else "x"
            except psycopg.Error:
                found = "refused"
            connection.rollback()
            for refusal in ("x", "org"):
                assert (found == refusal) == (expected == refusal), statement
