"""The list of accepted findings of Supabase's linter (`local/lint.py`)."""

from typing import Any

import psycopg

from local.lint import ACCEPTED, unaccepted

DEFINER = "authenticated_security_definer_function_executable"


def finding(schema: str, name: str, arguments: str, kind: str = DEFINER) -> dict[str, Any]:
    """Return a finding as Supabase's command line prints it."""
    function = {"schema": schema, "name": name, "arguments": arguments}
    return {"name": kind, "level": "WARN", "detail": name, "metadata": function}


def test_the_accepted_functions_are_all_that_signed_in_people_may_execute(
    db: psycopg.Connection,
) -> None:
    """S4: a function that is granted to people later needs a reason in the list."""
    granted = db.execute(
        "select 'public.' || proname || '(' || pg_get_function_identity_arguments(oid) || ')'"
        " from pg_proc where pronamespace = 'public'::regnamespace"
        " and prosecdef and has_function_privilege('authenticated', oid, 'execute')"
    ).fetchall()
    assert {signature for (signature,) in granted} == ACCEPTED.keys()


def test_the_linter_accepts_a_function_by_its_signature_and_nothing_else() -> None:
    """An overload, another schema, and another finding about the same function are errors."""
    accepted = ("public", "get_mentor_status", "p_mentor_id uuid, p_org_id uuid")
    schema, name, arguments = accepted
    assert unaccepted([finding(*accepted)]) == []
    for other in (
        finding(schema, name, "p_mentor_id text, p_org_id uuid"),
        finding("app", name, arguments),
        finding(schema, "new_one", arguments),
        finding(*accepted, kind="other"),
    ):
        assert unaccepted([other]) == [f"WARN: {other['name']}: {other['detail']}"]
