"""Codes of PostgreSQL and PostgREST, and what may be done about them (E6)."""

import pytest

from mentor_pause.errors import (
    Conflict,
    DatabaseError,
    DatabaseUnavailable,
    Forbidden,
    NotFound,
    RetryableDatabaseError,
    VersionConflict,
)
from mentor_pause.supabase.wire import database_error


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (None, DatabaseUnavailable),
        ("08006", DatabaseUnavailable),
        ("57P01", DatabaseUnavailable),
        ("57P03", DatabaseUnavailable),
        ("53300", DatabaseUnavailable),
        ("PGRST000", DatabaseUnavailable),
        ("PGRST002", DatabaseUnavailable),
        ("PGRST003", DatabaseUnavailable),
        ("40001", RetryableDatabaseError),
        ("40P01", RetryableDatabaseError),
        ("53200", RetryableDatabaseError),
        ("55P03", RetryableDatabaseError),
        ("57014", DatabaseUnavailable),
        ("PT403", Forbidden),
        ("PT404", NotFound),
        ("PT409", Conflict),
        ("42501", DatabaseError),
        ("23505", DatabaseError),
        ("22023", DatabaseError),
        ("55000", DatabaseError),
        ("P0001", DatabaseError),
        ("PGRST301", DatabaseError),
    ],
)
def test_a_code_has_its_class(code: str | None, error: type[Exception]) -> None:
    """The same on either wire."""
    found = database_error(code, "message", "detail")
    assert type(found) is error
    assert (found.sqlstate, found.detail) == (code, "detail")  # type: ignore[attr-defined]


def test_of_the_conflicts_the_hint_tells_the_one_that_is_worth_another_look() -> None:
    """S2."""
    found = database_error("PT409", "message", "detail", "version_conflict")
    assert type(found) is VersionConflict
    other = database_error("PT409", "message", "detail", "transition_not_allowed")
    assert type(other) is Conflict
    assert other.hint == "transition_not_allowed"
