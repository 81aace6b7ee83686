"""The list of accepted findings of Supabase's linter (`local/lint.py`)."""

from typing import Any

import psycopg

from local.lint import ACCEPTED, unaccepted


def finding(name: str, function: str) -> dict[str, Any]:
    """Return a finding as Supabase's command line prints it."""
    return {"name": name, "level": "WARN", "detail": function, "metadata": {"name": function}}


def test_the_accepted_functions_are_all_that_signed_in_people_may_execute(
    db: psycopg.Connection,
) -> None:
    """S4: a function that is granted to people later needs a reason in the list."""
    granted = db.execute(
        "select proname from pg_proc where pronamespace = 'public'::regnamespace"
        " and prosecdef and has_function_privilege('authenticated', oid, 'execute')"
    ).fetchall()
    assert {name for (name,) in granted} == ACCEPTED.keys()


def test_the_linter_accepts_a_function_by_its_name_and_nothing_else() -> None:
    """Another function, and another finding about the same function, are errors."""
    definer = "authenticated_security_definer_function_executable"
    (accepted, *_) = ACCEPTED
    assert unaccepted([finding(definer, accepted)]) == []
    assert unaccepted([finding(definer, "new_one")]) == [f"WARN: {definer}: new_one"]
    assert unaccepted([finding("other", accepted)]) == [f"WARN: other: {accepted}"]
