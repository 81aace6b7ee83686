"""Who may see and change what, on a real PostgreSQL (S3-S7, D9).

The matrix and the rules are in `supabase/tests/database/access`; pgTAP runs the same files.
"""

from typing import LiteralString

import psycopg
import pytest

from support.access import Access

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
"""What is taken away, one at a time."""

ADDITIONS: dict[str, LiteralString] = {
    "a policy that lets everybody see everything": """
        select format('alter policy %I on %s using (true)', p.polname, c.oid::regclass), c.relname
        from pg_policy as p inner join pg_class as c on c.oid = p.polrelid
    """,
    "a grant on a table": """
        select format('grant %s on %s to %s', privilege, c.oid::regclass, role), c.relname
        from pg_class as c,
            unnest(array['anon', 'authenticated', 'service_role', 'mentor_pause_job',
                'portal_sync']) as role,
            unnest(array['select', 'insert', 'update', 'delete', 'truncate', 'references',
                'trigger']) as privilege
        where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace
            and not has_table_privilege(role, c.oid, privilege)
    """,
    "a grant on a function": """
        select format('grant execute on function %s to %s', f.oid::regprocedure, role), f.proname
        from pg_proc as f,
            unnest(array['anon', 'authenticated', 'mentor_pause_job', 'portal_sync']) as role
        where f.pronamespace in ('public'::regnamespace, 'private'::regnamespace)
            and not has_function_privilege(role, f.oid, 'execute')
    """,
    "a schema that is opened": """
        select format('grant usage on schema private to %s', role), null
        from unnest(array['anon', 'authenticated', 'service_role', 'mentor_pause_job',
            'portal_sync']) as role
    """,
    "a job role that may become another": """
        select format('grant %s to %s', power, job), null
        from unnest(array['service_role', 'authenticated']) as power,
            unnest(array['mentor_pause_job', 'portal_sync']) as job
    """,
}


@pytest.fixture
def access(db: psycopg.Connection) -> Access:
    """A database with the matrix's world."""
    return Access(db)


def test_every_cell_of_the_matrix_holds(access: Access) -> None:
    """S5: persona x object x operation -> outcome, each one tried."""
    assert access.differences() == []


def test_no_table_function_or_policy_breaks_a_rule(access: Access) -> None:
    """S4, S6, D9: also those that come later."""
    assert access.findings() == []


def test_the_matrix_has_a_cell_for_every_permutation(access: Access) -> None:
    """S5: every persona with every table and operation, and with every function of the API."""
    missing = access.db.execute("""
        with wanted as (
            select c.relname::text as object, operation
            from pg_class as c,
                unnest(array['select', 'insert', 'update', 'delete', 'truncate',
                    'insert returning', 'update returning']) as operation
            where c.relkind in ('r', 'v') and c.relnamespace = 'public'::regnamespace
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


@pytest.mark.parametrize("guard", REMOVALS)
def test_a_guard_that_is_taken_away_is_missed(access: Access, guard: str) -> None:
    """S5: each one, tried one after the other."""
    removals = access.generate(REMOVALS[guard])
    assert removals
    assert [
        str(s.as_string()) for s, objects in removals if not access.is_noticed(s, objects)
    ] == []


@pytest.mark.parametrize("hole", ADDITIONS)
def test_a_hole_is_noticed(access: Access, hole: str) -> None:
    """S5: each grant that is not there, and each policy opened wide."""
    additions = access.generate(ADDITIONS[hole])
    assert additions
    assert [
        str(s.as_string()) for s, objects in additions if not access.is_noticed(s, objects)
    ] == []
