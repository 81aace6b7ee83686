"""`private.check_mapping` finds each mistake of a mapping (R6)."""

import re

import psycopg
import pytest

from support.adoption import ADOPTERS, Adoption

pytestmark = pytest.mark.xdist_group("adoption")  # one project is adopted once
_MISTAKE = r"^-- (wrong|note) \| (.+) \| (.+)\n((?:.+\n)+)"
_FOUND = re.findall(_MISTAKE, (ADOPTERS / "mistakes.sql").read_text(), re.MULTILINE)
MISTAKES = [
    pytest.param(level, words, statements, id=name) for level, name, words, statements in _FOUND
]
"""Level, how the finding begins, and the statements that make the mistake."""


def test_a_correct_mapping_has_no_finding(valley: Adoption) -> None:
    """The result is empty."""
    assert valley.findings() == []


@pytest.mark.parametrize(("level", "words", "statements"), MISTAKES)
def test_a_mistake_has_one_finding_with_its_remedy(
    valley: Adoption, level: str, words: str, statements: str
) -> None:
    """R6: each mistake is made alone."""
    with valley.db.transaction(force_rollback=True):
        valley.db.execute(statements.encode())
        found = valley.findings()
    matching = [row for row in found if row[2].startswith(words)]
    assert matching, found
    assert {row[1] for row in matching} == {level}
    assert all(row[3] for row in found)


@pytest.mark.parametrize(
    ("column", "wanted", "value"),
    [
        ("timestamptz '2026-12-01 00:00 Europe/Oslo'", "date", "2026-12-01"),
        ("timestamptz '2026-12-01 12:00 Europe/Oslo'", "date", "2026-12-02"),
        ("timestamp '2026-12-01 00:00'", "date", "2026-12-01"),
        ("text '30.11.2026'", "date", "2026-12-01"),
        ("date '2026-11-30'", "timestamp with time zone", "2026-11-30 23:00:00+00"),
        ("timestamp '2026-12-01 00:00'", "timestamp with time zone", "2026-11-30 23:00:00+00"),
        ("true", "timestamp with time zone", None),
        ("7", "text", "7"),
    ],
)
def test_the_conversion_that_a_finding_proposes_is_right(
    valley: Adoption, column: str, wanted: str, value: str | None
) -> None:
    """E1: no mentor is paused a day early, whatever the session's time zone is."""
    with valley.db.transaction(force_rollback=True):
        valley.db.execute("set local timezone = 'UTC'")
        propose = f"select private.suggest_conversion(pg_typeof({column})::text, %s)"
        found = valley.db.execute(propose.encode(), (wanted,)).fetchone()
        assert found
        expression = found[0].partition(", ")[0] if value is None else found[0]
        expression = expression.removesuffix(", by the format of your days")
        convert = f"select ({expression.replace('YOURS', column)})::text"
        assert valley.db.execute(convert.encode()).fetchone() == (value,)


def test_a_table_that_our_functions_cannot_read_is_found(valley: Adoption) -> None:
    """An adopter's table may belong to another role than the functions."""
    with valley.db.transaction(force_rollback=True):
        valley.db.execute(
            "create role plain_owner; alter function private.check_rights() owner to plain_owner;"
            " grant usage on schema private to plain_owner;"
            " grant execute on function private.expected_columns() to plain_owner"
        )
        found = valley.db.execute("select finding from private.check_rights()").fetchall()
    assert (
        "our functions may not read all of public.licences, which public.certifications shows",
    ) in found


@pytest.mark.parametrize("role", ["anon", "authenticated", "service_role", "mentor_pause_job"])
@pytest.mark.parametrize("call", ["check_mapping()", "preview_certification_expiry('hlf')"])
def test_only_the_owner_may_check_and_preview(valley: Adoption, role: str, call: str) -> None:
    """S4: both functions read every row."""
    with valley.db.transaction(force_rollback=True):
        valley.db.execute(f"set local role {role}".encode())
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            valley.db.execute(b"select * from private." + call.encode())


def test_a_check_changes_nothing_and_says_what_to_do(valley: Adoption) -> None:
    """The finding about a disabled trigger has the statement that enables it."""
    with valley.db.transaction(force_rollback=True):
        valley.db.execute(
            "alter table public.peer_mentor_status_history disable trigger refuse_update"
        )
        ((_, _, _, statement),) = valley.findings()
        valley.db.execute(statement.encode())
        assert valley.findings() == []


AUDIT = """
    create table public.audit (person uuid);
    create function public.audit_it() returns trigger language plpgsql
    as $$ begin insert into TABLE (person) values (new.person); return new; end $$;
    create trigger audit_it before update on app.people
    for each row execute function public.audit_it()
"""


def test_a_trigger_that_works_for_the_app_works_for_the_check(valley: Adoption) -> None:
    """An adopter's own trigger may name tables without their schema."""
    with valley.db.transaction(force_rollback=True):
        valley.db.execute(AUDIT.replace("TABLE", "audit").encode())
        assert valley.findings() == []


def test_a_trigger_of_the_adopters_own_that_fails_is_named(valley: Adoption) -> None:
    """It fails without the mapping, too, so the finding is a note."""
    with valley.db.transaction(force_rollback=True):
        valley.db.execute(AUDIT.replace("TABLE", "no_such_table").encode())
        ((_, level, finding, advice),) = valley.findings()
    assert (level, finding) == (
        "note",
        'an update of app.people fails: relation "no_such_table" does not exist',
    )
    assert "audit_it()" in advice
    assert "adopted" not in advice
