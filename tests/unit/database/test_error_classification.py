"""The sentences of database errors repeat no credential and no address (R3, R6)."""

import pytest

from mentor_pause.database.error_classification import (
    error_from_answer,
    error_from_code,
    error_from_connection,
    quote,
)
from mentor_pause.errors import DatabaseUnavailable, MentorPauseError


def test_a_gateways_message_is_kept_short_and_without_addresses_or_keys() -> None:
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


def test_the_message_of_a_refused_login_is_not_quoted() -> None:
    """R6: it has the role, the database and the address."""
    found = error_from_code("28P01", 'password authentication failed for user "job"', "job", "job")
    assert "job" not in f"{found}{found.__dict__}"
    assert "SUPABASE_DB_URL" in str(found)


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
    """R6: for servers, PgBouncer, Supavisor and libpq itself."""
    found: MentorPauseError = error_from_connection(said)
    assert isinstance(found, DatabaseUnavailable)
    assert str(found).startswith("no connection to the database: ")
    assert REFUSALS[said] in str(found)
    assert not {"job", '"x"', "1.2.3.4", '"h"'} & set(str(found).replace(",", " ").split())
