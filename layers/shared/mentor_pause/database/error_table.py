"""The table that separates errors of one mentor from faults of the system (R3).

Both transports look up a failure here, so that both raise the same class for it:

* `MENTOR`: `DatabaseError` or a subclass; only this call is refused, the next may succeed.
* `RETRY`: `RetryableDatabaseError`; the same call may succeed in a moment.
* `UNAVAILABLE`: `DatabaseUnavailable`; no call succeeds now, so the page has to wait.
* `MISCONFIGURED`: `DatabaseMisconfigured`; no call succeeds until a person changes something.

The code decides first. Without a code, the HTTP status (REST) or libpq's message (pooled) decides.
`docs/database-errors.md` is generated from these tables. Sources: PostgreSQL's documentation,
appendix "PostgreSQL Error Codes"; PostgREST's, "Errors"; the messages of PgBouncer and Supavisor.
"""

from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """What a failure means for the work."""

    MENTOR = "mentor's error"
    RETRY = "retry now"
    UNAVAILABLE = "unavailable"
    MISCONFIGURED = "misconfigured"


class Rule(NamedTuple):
    """One line of a table."""

    key: str
    """The beginning of a code or a status, or a regular expression for libpq's message."""
    kind: Kind
    meaning: str
    """The cause, and for `MISCONFIGURED` the remedy."""
    is_quoted: bool = True
    """Whether our message may quote the server; False if the server may repeat the URL."""


_M, _R, _U, _C = Kind.MENTOR, Kind.RETRY, Kind.UNAVAILABLE, Kind.MISCONFIGURED
_MIGRATE = "apply every migration to the database"
_LOGIN = "check the role and the password in SUPABASE_DB_URL"
_KEY = "check SUPABASE_SERVICE_ROLE_KEY"
_ADDRESS = "check SUPABASE_URL"

CODES = (
    Rule("PT4", _M, "one of our functions refuses: not found, not allowed, conflict"),
    Rule("PT5", _U, "a function says that it cannot answer now"),
    Rule("P0", _M, "a function or a trigger refuses this row"),
    Rule("09", _M, "a trigger failed at this row"),
    Rule("21", _M, "the function expects one row and found several"),
    Rule("22", _M, "a value of this row or call"),
    Rule("23", _M, "a constraint on this row"),
    Rule("27", _M, "a trigger has changed this row"),
    Rule("2D", _M, "a function ends the transaction of this call"),
    Rule("38", _M, "a routine outside SQL failed at this row"),
    Rule("39", _M, "a routine outside SQL failed at this row"),
    Rule("3B", _M, "a savepoint of a function failed at this row"),
    Rule("44", _M, "a view does not accept this row"),
    Rule("54", _M, "this call is too large"),
    Rule("55", _M, "this row is not in the state that the call needs"),
    Rule("XX", _M, "this row's data or index is damaged"),
    Rule("2200H", _C, f"a sequence of the database is at its end; {_MIGRATE}"),
    Rule("55000", _C, "the database's state does not allow a change; ask its operator"),
    Rule("55P03", _R, "the row is locked by another transaction"),
    Rule("40", _R, "two transactions conflicted"),
    Rule("72", _R, "the transaction's snapshot is too old"),
    Rule("08", _U, "the connection to the database failed"),
    Rule("25", _U, "the session cannot execute the call"),
    Rule("25006", _U, "the database is read-only, as it is when its disk quota is used up"),
    Rule("26", _U, "the session cannot execute the call"),
    Rule("53", _U, "the database is out of connections, memory or disk space"),
    Rule("55006", _U, "the database is being changed"),
    Rule("57", _U, "the database ended the call or the connection"),
    Rule("57014", _U, "the database's time limit ended the call"),
    Rule("58", _U, "the database's machine failed"),
    Rule("HV", _U, "a foreign server behind the database failed"),
    Rule("XX000", _U, "the database or its pooler had an internal error"),
    Rule("0A", _C, f"the database cannot do what the function asks; {_MIGRATE}"),
    Rule("0L", _C, f"a grant is missing in the database; {_MIGRATE}"),
    Rule("0P", _C, f"a role is missing in the database; {_MIGRATE}"),
    Rule("28", _C, f"the database refuses the login; {_LOGIN}", is_quoted=False),
    Rule("3D", _C, "there is no such database; check SUPABASE_DB_URL", is_quoted=False),
    Rule("3F", _C, f"a schema is missing in the database; {_MIGRATE}"),
    Rule("42", _C, f"the database's functions or tables have another version; {_MIGRATE}"),
    Rule("42501", _C, f"the role lacks a right in the database; {_LOGIN}, or {_MIGRATE}"),
    Rule("F0", _C, "the database's configuration file has an error; ask its operator"),
    Rule("PGRST0", _U, "the REST interface has no connection to the database", is_quoted=False),
    Rule("PGRST1", _C, f"the REST interface does not accept the request; {_ADDRESS}"),
    Rule("PGRST106", _C, "the REST interface does not expose the schema public; expose it"),
    Rule("PGRST125", _C, f"the path is not the REST interface's; {_ADDRESS}"),
    Rule("PGRST2", _C, f"the REST interface does not know the function; {_MIGRATE}"),
    Rule("PGRST202", _C, f"the function is missing, or the REST schema is stale; {_MIGRATE}"),
    Rule("PGRST203", _C, f"the function is there several times; drop the older one, or {_MIGRATE}"),
    Rule("PGRST3", _C, f"the REST interface refuses the key; {_KEY}"),
    Rule("PGRST300", _C, "the REST interface has no JWT secret; ask the project's operator"),
    Rule("PGRSTX", _U, "the REST interface had an internal error"),
)  # fmt: skip
"""By SQLSTATE or PostgREST's own code. The longest beginning decides; any other code is a mentor's
error."""

STATUSES = (
    Rule("2", _U, "the answer is not an answer of the REST interface"),
    Rule("3", _C, f"the address is redirected; {_ADDRESS}"),
    Rule("4", _C, f"the server at the address does not accept the request; {_ADDRESS}"),
    Rule("401", _C, f"the key is refused; {_KEY}"),
    Rule("402", _C, "the project is over its quota, or not paid for; see the project's billing"),
    Rule("403", _C, f"the key, or this network, is refused; {_KEY} and the project's restrictions"),
    Rule("404", _C, f"no REST interface answers at this path; {_ADDRESS}"),
    Rule("407", _C, "a proxy requires a login; let the function reach the project directly"),
    Rule("408", _U, "the gateway waited too long"),
    Rule("425", _U, "the gateway asks for the request later"),
    Rule("429", _U, "the gateway accepts no more requests for now"),
    Rule("5", _U, "the gateway has no answer from the REST interface"),
    Rule("540", _C, "the project is paused; resume it in its dashboard"),
)  # fmt: skip
"""By HTTP status, for an answer without a code. The longest beginning decides."""

SENTENCES = (
    Rule(r"tenant.*not found", _C, "the pooler knows no such project or role; use the user"
         " ROLE.PROJECT and the host of the project's own pooler"),
    Rule(r"circuit ?breaker|too many authentication", _U,
         "the pooler takes no new connections for a while after many failures (circuit breaker)"),
    Rule(r"allow_?list|network restriction", _C,
         "the project's network restrictions refuse this address; allow it there"),
    Rule(r"does not support ssl", _C, "the server offers no TLS; use a server that does"),
    Rule(r"(ssl|tls)\b.*\brequired|no encryption|ssl off", _C,
         "the server demands TLS; set sslmode=verify-full in {url}"),
    Rule(r"no pg_hba\.conf entry|pg_hba\.conf rejects", _C,
         "the server's pg_hba.conf refuses role, database or address; allow them there"),
    Rule(r"certificate|sslrootcert", _C,
         "the server's certificate is not trusted; check sslrootcert and the host"),
    Rule(r"no password supplied", _C, "{url} holds no password; add the password"),
    Rule(r"(password|sasl|scram) authentication failed|wrong password|auth failed"
         r"|invalid (scram|server) |password authentication", _C,
         "wrong user or password; check both in {url}"),
    Rule(r"no such database|database .*does not exist", _C,
         "there is no such database; check the database in {url}"),
    Rule(r"no such user|role .*does not exist", _C,
         "there is no such role; check the user in {url}"),
    Rule(r"not permitted to log in|permission denied for database", _C,
         "the role may not log in to this database; check the user in {url}"),
    Rule(r"no more connections|too many (clients|connections)|connection slots|max.?client"
         r"|max.*connections", _U, "all connections are in use"),
    Rule(r"starting up|shutting down|recovery mode|accepting (connections|clients)"
         r"|terminating connection", _U, "the server is starting up or shutting down"),
    Rule(r"query_wait_timeout|login has been failing|server login failed|cannot connect to"
         r"|unable to (establish|connect)", _U, "the pooler has no connection to the database"),
    Rule(r"startup parameter|unrecognized configuration parameter", _C,
         "the pooler refuses a parameter of {url}; remove its options"),
    Rule(r"frontend protocol|response to ssl|expected authentication request|unexpected message",
         _C, "the server at the address is not PostgreSQL; check host and port in {url}"),
    Rule(r"temporary failure in name resolution", _U, "its host name cannot be resolved for now"),
    Rule(r"translate host name|resolve host|name or service not known|no address associated", _C,
         "there is no such host; check the host in {url}"),
    Rule(r"connection refused", _U, "nothing listens at its address"),
    Rule(r"unreachable|no route to host|assign requested address", _U,
         "no network leads to its address; a project's direct host has IPv6 only, its pooler IPv4"),
    Rule(r"time.?out|timed out", _U, "no answer in time"),
    Rule(r"invalid (connection option|uri|port|sslmode|integer)|missing \"=\"", _C,
         "the driver cannot read {url}; is its password percent-encoded?"),
    Rule(r"closed|disconnected|reset by peer|broken pipe|\beof\b|ssl (syscall|error)"
         r"|no connection to", _U,
         "the server closed the connection"),
)  # fmt: skip
"""By libpq's message in lower case, if libpq has no SQLSTATE. The first rule that fits decides.

`{url}` stands for the variable that holds the address.
"""

UNKNOWN_SENTENCE = Rule("", _U, "the connection failed for a reason that is not in the table")
"""For every other message of libpq."""
