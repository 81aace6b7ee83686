"""The table of database errors (R3, R6)."""

import pytest

from mentor_pause.database.error_classification import error_from_answer, error_from_code, is_code
from mentor_pause.database.error_table import CODES, SENTENCES, STATUSES, Kind, Rule
from mentor_pause.errors import (
    Conflict,
    DatabaseError,
    DatabaseMisconfigured,
    DatabaseUnavailable,
    Forbidden,
    NotFound,
    RetryableDatabaseError,
    VersionConflict,
)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("08006", DatabaseUnavailable), ("08P01", DatabaseUnavailable),
        ("0A000", DatabaseMisconfigured), ("22023", DatabaseError), ("23505", DatabaseError),
        ("25006", DatabaseUnavailable), ("28000", DatabaseMisconfigured),
        ("28P01", DatabaseMisconfigured), ("3D000", DatabaseMisconfigured),
        ("3F000", DatabaseMisconfigured), ("40001", RetryableDatabaseError),
        ("40P01", RetryableDatabaseError), ("42883", DatabaseMisconfigured),
        ("42P01", DatabaseMisconfigured), ("53100", DatabaseUnavailable),
        ("53200", DatabaseUnavailable), ("53300", DatabaseUnavailable),
        ("55000", DatabaseMisconfigured),
        ("55P03", RetryableDatabaseError), ("57014", DatabaseUnavailable),
        ("57P01", DatabaseUnavailable), ("57P03", DatabaseUnavailable),
        ("58030", DatabaseUnavailable), ("P0001", DatabaseError), ("PT400", DatabaseError),
        ("PT403", Forbidden), ("PT404", NotFound), ("PT409", Conflict), ("PT429", DatabaseError),
        ("XX000", DatabaseUnavailable), ("XX001", DatabaseError), ("HLF01", DatabaseError),
        ("PGRST000", DatabaseUnavailable), ("PGRST002", DatabaseUnavailable),
        ("PGRST003", DatabaseUnavailable), ("PGRST106", DatabaseMisconfigured),
        ("PGRST202", DatabaseMisconfigured), ("PGRST203", DatabaseMisconfigured),
        ("PGRST301", DatabaseMisconfigured), ("PGRSTX00", DatabaseUnavailable),
    ],
)  # fmt: skip
def test_a_code_has_its_class(code: str, error: type[Exception]) -> None:
    """It is the same on either transport."""
    found = error_from_code(code, "message")
    assert type(found) is error
    assert getattr(found, "sqlstate", None) == code


def test_the_hint_tells_which_conflict_may_be_tried_again() -> None:
    """S2."""
    found = error_from_code("PT409", "message", "detail", "version_conflict")
    assert type(found) is VersionConflict
    other = error_from_code("PT409", "message", "detail", "transition_not_allowed")
    assert type(other) is Conflict
    assert (other.detail, other.hint) == ("detail", "transition_not_allowed")


@pytest.mark.parametrize(
    ("message", "error"),
    [
        ("permission denied for function update_mentor_status", DatabaseMisconfigured),
        ("permission denied for schema public", DatabaseMisconfigured),
        ("must be owner of table peer_mentors", DatabaseMisconfigured),
        ("keine Berechtigung für Funktion update_mentor_status", DatabaseMisconfigured),
        ('new row violates row-level security policy for table "x"', DatabaseMisconfigured),
    ],
)
def test_a_missing_right_of_the_role_is_not_a_mentors_error(
    message: str, error: type[Exception]
) -> None:
    """R3, R4: in any language of the server.

    The pause loop distinguishes it from a row's policy.
    """
    assert type(error_from_code("42501", message)) is error


@pytest.mark.parametrize(
    "found",
    [503, 40001, None, True, ["40001"], {}, "", "503", "ERR_429", "unavailable", "4000", "400011",
     "pgrst301", "PGRST30", "PGRST3011", "PGRST-301", "p0001", "40 01"],
)  # fmt: skip
def test_only_the_shape_of_a_sqlstate_is_a_code(found: object) -> None:
    """R3: gateways put numbers and words there."""
    assert not is_code(found)


@pytest.mark.parametrize("code", ["40001", "P0001", "HLF01", "PGRST301", "PGRSTX00"])
def test_codes_of_the_database_and_of_postgrest_are_codes(code: str) -> None:
    """No other text is a code."""
    assert is_code(code)


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (400, "HLF01", DatabaseError), (400, "22023", DatabaseError), (409, "23505", DatabaseError),
        (500, "P0002", DatabaseError), (403, "PT403", Forbidden), (429, "PT429", DatabaseError),
        (503, "ERROR", DatabaseUnavailable), (429, "LIMIT", DatabaseUnavailable),
        (401, "22023", DatabaseMisconfigured), (403, "40300", DatabaseMisconfigured),
        (503, "P0001", DatabaseUnavailable), (500, "40P01", RetryableDatabaseError),
    ],
)  # fmt: skip
def test_a_code_counts_only_beside_a_status_that_postgrest_gives_to_it(
    status: int, code: str, error: type[Exception]
) -> None:
    """A gateway's word of five capitals is not a SQLSTATE. A missing role in a token is 401."""
    assert type(error_from_answer(status, code, "message", None, None)) is error


@pytest.mark.parametrize("rule", [*CODES, *STATUSES, *SENTENCES], ids=lambda rule: rule.key)
def test_every_line_of_the_table_has_a_meaning_and_says_what_to_do(rule: Rule) -> None:
    """R6: for a wrong configuration, it names what a person has to change."""
    assert rule.meaning
    if rule.kind is Kind.MISCONFIGURED:
        assert ";" in rule.meaning


def test_a_missing_right_is_the_systems_fault_in_any_language() -> None:
    """R3, R4: a server, a database or a role may set lc_messages."""
    error = error_from_code("42501", "keine Berechtigung für Funktion update_mentor_status")
    assert isinstance(error, DatabaseMisconfigured)
