"""Each line of the table of database errors, on both transports (R3)."""

import json
from collections.abc import Iterator
from contextlib import closing

import httpx
import pytest

from local.rest_callers import SECRET_KEY
from local.rest_errors import OWN_CODES, SQLSTATES, Line, status_of
from local.supabase import postgrest
from mentor_pause.database.error_table import CODES, STATUSES, Kind, Rule
from mentor_pause.database.pooled import PooledTransport
from mentor_pause.database.rest import RestTransport
from mentor_pause.database.transport import Transport
from mentor_pause.errors import (
    DatabaseError,
    DatabaseMisconfigured,
    DatabaseUnavailable,
    MentorPauseError,
    RetryableDatabaseError,
)
from support.cluster import Cluster
from support.played_http import played
from support.pooler import pgbouncer
from support.refusals import refusing_server
from support.roster import ORG, Roster

CLASSES: dict[Kind, type[MentorPauseError]] = {
    Kind.MENTOR: DatabaseError,
    Kind.RETRY: RetryableDatabaseError,
    Kind.UNAVAILABLE: DatabaseUnavailable,
    Kind.MISCONFIGURED: DatabaseMisconfigured,
}
RAISE = """
create function public.raise_code(p_code text) returns text language plpgsql as $$
begin
    raise exception 'permission denied for function x' using errcode = p_code, detail = 'why';
end $$;
grant execute on function public.raise_code to mentor_pause_job, service_role;
"""


@pytest.fixture(params=["pooled", "pgbouncer", "rest"])
def transport(
    request: pytest.FixtureRequest, roster: Roster, cluster: Cluster
) -> Iterator[Transport]:
    """Each transport, to a database with a function that raises any code."""
    roster.db.execute(RAISE)
    url = cluster.url(roster.db)
    if request.param == "rest":
        owner_url = cluster.server.url(str(roster.db.info.dbname))
        with postgrest(owner_url) as project, closing(RestTransport(project, SECRET_KEY)) as found:
            yield found
    elif request.param == "pooled":
        with closing(PooledTransport(url)) as found:
            yield found
    else:
        with pgbouncer(url) as pooler, closing(PooledTransport(pooler.url)) as found:
            yield found


def example(rule: Rule) -> str:
    """Return a SQLSTATE that begins as the line does."""
    return rule.key.ljust(5, "1")


def rest(answer: httpx.Response) -> RestTransport:
    """The REST transport to a server that gives one fixed answer."""
    return RestTransport("https://project", SECRET_KEY, played(lambda _: answer))


def test_every_sqlstate_of_the_table(transport: Transport) -> None:
    """Class, code and message. One test covers all lines, since each transport starts a server."""
    for rule in (rule for rule in CODES if not rule.key.startswith("PGRST")):
        code = example(rule)
        with pytest.raises(MentorPauseError) as raised:
            transport.call("raise_code", {"p_code": code})
        assert type(raised.value) is CLASSES[rule.kind], code
        assert getattr(raised.value, "sqlstate", None) == code
        assert ("permission denied" in str(raised.value)) is rule.is_quoted, code
        assert rule.meaning in str(raised.value) or rule.kind is Kind.MENTOR
        assert (raised.value.__cause__, raised.value.__context__) == (None, None)


def test_an_adopters_own_code_is_a_mentors_error(transport: Transport) -> None:
    """A trigger may raise any code."""
    with pytest.raises(DatabaseError, match="permission denied for function x") as raised:
        transport.call("raise_code", {"p_code": "HLF01"})
    assert (raised.value.sqlstate, raised.value.detail) == ("HLF01", "why")


def test_a_missing_function_right_or_table_is_misconfigured(
    transport: Transport, roster: Roster
) -> None:
    """R3: it is not an error of a mentor, on either transport."""
    with pytest.raises(DatabaseMisconfigured, match="apply every migration") as raised:
        transport.call("get_org_day", {"p_organisation": ORG})
    assert raised.value.sqlstate in ("42883", "PGRST202")
    roster.db.execute("revoke execute on function assert_org_scope from public, service_role")
    roster.db.execute("revoke execute on function assert_org_scope from mentor_pause_job")
    with pytest.raises(DatabaseMisconfigured, match="the role lacks a right") as raised:
        transport.call("assert_org_scope", {"p_org_id": ORG, "p_slug": "hlf"})
    assert raised.value.sqlstate == "42501"
    roster.db.execute("alter table organisations rename to organizations")
    with pytest.raises(DatabaseMisconfigured, match=r'relation "public.organisations" does not'):
        transport.call("get_org_day", {"p_org_id": ORG, "p_at": "2026-03-01T00:00:00Z"})


@pytest.mark.parametrize(
    "rule", [rule for rule in CODES if rule.key.startswith("PGRST")], ids=lambda rule: rule.key
)
def test_every_code_of_postgrest(rule: Rule) -> None:
    """With the status that PostgREST gives to it. The message has no part of the address."""
    code = rule.key.ljust(8, "9")
    said = {"code": code, "message": "it says so", "details": "host db.x.supabase.co", "hint": None}
    with pytest.raises(MentorPauseError) as raised:
        rest(httpx.Response(status_of(code), json=said)).call("f", {})
    assert type(raised.value) is CLASSES[rule.kind]
    assert rule.meaning in str(raised.value)
    assert "supabase.co" not in f"{raised.value}{raised.value.__dict__}"


BODIES = (
    httpx.Response(500, json={"message": "the gateway says so", "code": 503}),
    httpx.Response(500, json={"msg": "the gateway says so", "code": "unavailable"}),
    httpx.Response(500, json={"error": {"message": "the gateway says so", "code": 1}}),
    httpx.Response(500, json={"message": ["x"], "code": None, "error": "the gateway says so"}),
    httpx.Response(500, text="the gateway says so"),
)
ODD_BODIES = (
    b"", b"<html>", b"[]", b"null", b"5", b'"x"', b"{", b"\xff\xfe", b"[" * 100_000,
    json.dumps({"message": {"a": 1}, "details": 5, "hint": ["x"], "code": ["22023"]}).encode(),
)  # fmt: skip


@pytest.mark.parametrize("rule", STATUSES, ids=lambda rule: rule.key)
def test_every_status_without_a_code(rule: Rule) -> None:
    """R3: whatever the body is. The message has the gateway's sentence, if there is one."""
    status = int(rule.key.ljust(3, "0"))
    if status == 200:
        for body in (b"<html>login</html>", b"{", b"\xff"):
            with pytest.raises(CLASSES[rule.kind], match="a body that is not JSON"):
                rest(httpx.Response(200, content=body)).call("f", {})
        return
    for said in BODIES:
        answer = httpx.Response(status, headers=said.headers, content=said.content)
        with pytest.raises(MentorPauseError, match="it says: the gateway says so") as raised:
            rest(answer).call("f", {})
        assert type(raised.value) is CLASSES[rule.kind]
        assert f"HTTP {status}: {rule.meaning}" in str(raised.value)
    for body in ODD_BODIES:
        with pytest.raises(MentorPauseError) as raised:
            rest(httpx.Response(status, content=body)).call("f", {})
        assert type(raised.value) is CLASSES[rule.kind]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    """R3: the key would be sent to another host."""
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(status, headers={"Location": "https://evil.org/"}, json=[])

    transport = RestTransport("https://project", SECRET_KEY, played(answer))
    with pytest.raises(DatabaseMisconfigured, match="redirected; check SUPABASE_URL") as raised:
        transport.call("begin_execution", {})
    assert asked == ["https://project/rest/v1/rpc/begin_execution"]
    assert "evil" not in str(raised.value)


@pytest.mark.parametrize("line", [*SQLSTATES, *OWN_CODES], ids=lambda line: line.code)
def test_an_answer_of_postgrest_is_read_by_its_code(line: Line) -> None:
    """Each line of its specification: the status does not change a code's meaning."""
    code = line.code if line.code.startswith("PGRST") else line.code.ljust(5, "0")
    body = {"code": code, "message": "permission denied for x", "details": None, "hint": None}
    with pytest.raises(MentorPauseError) as raised:
        rest(httpx.Response(status_of(code), json=body)).call("f", {})
    assert getattr(raised.value, "sqlstate", None) == code


@pytest.mark.parametrize(
    ("message", "code", "sentence"),
    [
        ("Tenant or user not found", "", "knows no such project or role"),
        ("SASL authentication failed", "08P01", "wrong user or password"),
        ("no more connections allowed (max_client_conn)", "08P01", "all connections are in use"),
        ("SSL required", "08P01", "the server demands TLS"),
        ("the database system is starting up", "57P03", "starting up or shutting down"),
        ("Circuit breaker open", "XX000", "circuit breaker"),
        ("job_role in a_database is unwelcome at 127.0.0.1", "28000", "not in the table"),
    ],
)
def test_a_pooler_that_refuses_is_one_sentence(message: str, code: str, sentence: str) -> None:
    """R6: through the driver, with and without a SQLSTATE. The sentence has no part of the URL."""
    with refusing_server(message, code) as url, closing(PooledTransport(url)) as transport:
        with pytest.raises(DatabaseUnavailable, match=sentence) as raised:
            transport.call("f", {})
        said = f"{raised.value}{raised.value.__dict__}"
    for word in ("job_role", "a_database", "TOPSECRET", "127.0.0.1"):
        assert word not in said
    assert (raised.value.__cause__, raised.value.__context__) == (None, None)
