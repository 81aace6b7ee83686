"""The table of database errors, and the words of the errors that it makes (R3, R6)."""

import pytest

from mentor_pause.database.error_classification import (
    error_from_answer,
    error_from_code,
    error_from_connection,
    is_code,
    quote,
)
from mentor_pause.database.error_table import CODES, SENTENCES, STATUSES, Kind, Rule
from mentor_pause.errors import (
    Conflict,
    DatabaseError,
    DatabaseMisconfigured,
    DatabaseUnavailable,
    Forbidden,
    MentorPauseError,
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
    """The same on either transport."""
    found = error_from_code(code, "message")
    assert type(found) is error
    assert getattr(found, "sqlstate", None) == code


def test_of_the_conflicts_the_hint_tells_the_one_that_is_worth_another_look() -> None:
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
def test_a_right_that_the_role_lacks_is_no_mentors_error(
    message: str, error: type[Exception]
) -> None:
    """R3, R4: in any language of the server; the pause loop tells a row's policy from it."""
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
    """And no others."""
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
    """A gateway's word of five capitals is not a SQLSTATE; a missing role in a token is 401."""
    assert type(error_from_answer(status, code, "message", None, None)) is error


def test_what_a_gateway_says_is_kept_bounded_and_without_addresses_or_keys() -> None:
    """R3, R6."""
    said = (
        "Invalid API key sb_secret_abc for https://x.supabase.co/a?b=c at db.x.supabase.co,"
        " user=postgres, Bearer abc, eyJhbGciOi.eyJzdWIi.sig, 10.0.0.7:5432, a@b.no,"
        " arn:aws:iam::123456789012:role/x, 123456789012\n<b>" + "y" * 40 + " z" * 500
    )
    quoted = quote(said)
    assert quoted.startswith("Invalid API key ... for ... at ..., ... ...")
    assert len(quoted) == 200
    for secret in ("abc", "x.supabase.co", "postgres", "eyJ", "10.0", "a@b", "1234", "yyy"):
        assert secret not in quoted
    found = error_from_answer(402, None, "over quota: exceed_egress_quota", None, None)
    assert str(found) == (
        "HTTP 402: the project is over its quota, or not paid for; see the project's billing"
        " (it says: over quota: exceed_egress_quota)"
    )


def test_of_a_refused_login_nothing_is_quoted() -> None:
    """R6: the server repeats the role, the database and the address."""
    found = error_from_code("28P01", 'password authentication failed for user "job"', "job", "job")
    assert "job" not in f"{found}{found.__dict__}"
    assert "SUPABASE_DB_URL" in str(found)


@pytest.mark.parametrize("rule", [*CODES, *STATUSES, *SENTENCES], ids=lambda rule: rule.key)
def test_every_line_of_the_table_has_a_meaning_and_says_what_to_do(rule: Rule) -> None:
    """R6: what is misconfigured names what a person has to change."""
    assert rule.meaning
    if rule.kind is Kind.MISCONFIGURED:
        assert ";" in rule.meaning


REFUSALS = {
    'FATAL:  password authentication failed for user "job"': "wrong user or password",
    "FATAL:  SASL authentication failed": "wrong user or password",
    "fe_sendauth: no password supplied": "holds no password",
    'FATAL:  database "x" does not exist': "no such database",
    "FATAL:  no such database: x": "no such database",
    'FATAL:  role "job" does not exist': "no such role",
    "FATAL:  no such user": "no such role",
    'FATAL:  role "job" is not permitted to log in': "may not log in",
    'FATAL:  permission denied for database "x"': "may not log in",
    "FATAL:  SSL required": "demands TLS",
    "FATAL:  SSL connection is required": "demands TLS",
    'no pg_hba.conf entry for host "1.2.3.4", user "job", no encryption': "demands TLS",
    'no pg_hba.conf entry for host "1.2.3.4", user "job", SSL encryption': "pg_hba.conf refuses",
    "server does not support SSL, but SSL was required": "offers no TLS",
    "SSL error: certificate verify failed": "certificate is not trusted",
    'root certificate file "/opt/x.crt" does not exist': "certificate is not trusted",
    "FATAL:  no more connections allowed (max_client_conn)": "all connections are in use",
    "FATAL:  sorry, too many clients already": "all connections are in use",
    "FATAL:  remaining connection slots are reserved": "all connections are in use",
    'FATAL:  too many connections for role "job"': "all connections are in use",
    "FATAL:  Max client connections reached": "all connections are in use",
    "FATAL:  Tenant or user not found": "no such project or role",
    "FATAL:  (ENOTFOUND) tenant/user job.x not found": "no such project or role",
    "FATAL:  Circuit breaker open: too many authentication errors": "circuit breaker",
    "FATAL:  Address not in tenant allow_list: {1, 2, 3, 4}": "network restrictions",
    "FATAL:  the database system is starting up": "starting up or shutting down",
    "FATAL:  the database system is shutting down": "starting up or shutting down",
    "FATAL:  the database system is not yet accepting connections": "starting up",
    "FATAL:  query_wait_timeout": "no connection to the database",
    "FATAL:  server login has been failing, try again later": "no connection to the database",
    "FATAL:  unsupported startup parameter: options": "refuses a parameter",
    "could not translate host name": "no such host",
    "failed to resolve host 'h': [Errno -2] Name or service not known": "no such host",
    "[Errno -3] Temporary failure in name resolution": "cannot be resolved for now",
    'connection to server at "h" failed: Connection refused': "nothing listens",
    'connection to server at "h" failed: Network is unreachable': "no network leads",
    "connection timeout expired": "no answer in time",
    "server closed the connection unexpectedly": "the server closed the connection",
    "SSL SYSCALL error: EOF detected": "the server closed the connection",
    "received invalid response to SSL negotiation: H": "is not PostgreSQL",
    "something unheard of": "not in the table",
}


@pytest.mark.parametrize("said", REFUSALS)
def test_a_refused_connection_is_one_sentence_without_a_word_of_the_url(said: str) -> None:
    """R6: of servers, PgBouncer, Supavisor and libpq itself."""
    found: MentorPauseError = error_from_connection(said)
    assert isinstance(found, DatabaseUnavailable)
    assert str(found).startswith("no connection to the database: ")
    assert REFUSALS[said] in str(found)
    assert not {"job", '"x"', "1.2.3.4", '"h"'} & set(str(found).replace(",", " ").split())
