"""The stand-in for PostgREST follows its specification, and no result is cut silently (R4)."""

import re
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from uuid import uuid4

import httpx
import pytest

from local.places import ROOT
from local.rest_callers import EXPIRED_JWT, LEGACY_JWT, SECRET_KEY
from local.rest_errors import OWN_CODES, SQLSTATES, status_of
from local.supabase import postgrest
from mentor_pause.database.client import Database
from mentor_pause.database.portal_client import PortalDatabase
from mentor_pause.database.rest import RestTransport
from mentor_pause.database.transport import LIST_KEYS
from mentor_pause.domain.runs import Run, RunRequest, Trigger
from mentor_pause.errors import DatabaseMisconfigured
from support.cluster import Cluster
from support.played_http import played
from support.roster import ORG, TODAY, Roster

PACKAGE = ROOT / "layers/shared/mentor_pause"
FUNCTIONS = """
create function numbers(p_count int) returns table (n int) language sql stable
    as 'select generate_series(p_count, 1, -1)';
create function nothing() returns void language sql as '';
create function answer(p_a int) returns int language sql as 'select p_a';
create function answer(p_a int, p_b int default 1) returns int language sql as 'select p_a';
create function raise_code(p_code text) returns text language plpgsql as $$
begin raise exception 'said' using errcode = p_code, detail = 'why', hint = 'try'; end $$;
create table calls (at timestamptz default clock_timestamp());
grant all on calls to service_role;
create function count_calls() returns table (n bigint) language sql
    as 'insert into calls default values; select count(*) from calls';
"""


@pytest.fixture
def owner_url(roster: Roster, cluster: Cluster) -> str:
    """A database with functions of each kind."""
    roster.db.execute(FUNCTIONS)
    return cluster.server.url(str(roster.db.info.dbname))


@pytest.fixture
def client(owner_url: str) -> Iterator[httpx.Client]:
    """A client of a stand-in that returns at most 3 rows."""
    with (
        postgrest(owner_url, max_rows=3) as url,
        httpx.Client(base_url=f"{url}/rest/v1/", headers={"apikey": SECRET_KEY}) as found,
    ):
        yield found


def call(client: httpx.Client, path: str, body: Any = None, **headers: str) -> httpx.Response:
    """Send a POST request."""
    return client.post(path, json=body or {}, headers=headers)


EXACT = {"Prefer": "count=exact"}


@pytest.mark.parametrize(
    ("path", "body", "headers", "status", "answer", "content_range"),
    [
        ("numbers", {"p_count": 2}, {}, 200, [{"n": 2}, {"n": 1}], "0-1/*"),
        ("numbers", {"p_count": 5}, {}, 200, [{"n": 5}, {"n": 4}, {"n": 3}], "0-2/*"),
        ("numbers", {"p_count": 5}, EXACT, 206, [{"n": 5}, {"n": 4}, {"n": 3}], "0-2/5"),
        ("numbers", {"p_count": 3}, EXACT, 200, [{"n": 3}, {"n": 2}, {"n": 1}], "0-2/3"),
        ("numbers", {"p_count": 0}, EXACT, 200, [], "*/0"),
        ("numbers?limit=1&offset=1", {"p_count": 5}, EXACT, 206, [{"n": 4}], "1-1/5"),
        ("numbers?order=n.asc&n=gt.3", {"p_count": 5}, EXACT, 200, [{"n": 4}, {"n": 5}], "0-1/2"),
        ("numbers?order=n.desc&n=lt.3", {"p_count": 5}, {}, 200, [{"n": 2}, {"n": 1}], "0-1/*"),
        ("answer", {"p_a": 7, "p_b": 1}, EXACT, 200, 7, "0-0/1"),
        ("nothing", {}, {}, 204, None, None),
    ],
)  # fmt: skip
def test_rows_scalars_and_nothing(
    client: httpx.Client, path: str, body: Any, headers: dict[str, str],
    status: int, answer: Any, content_range: str | None,
) -> None:  # fmt: skip
    """RpcSpec.hs, RangeSpec.hs, QueryLimitedSpec.hs."""
    found = call(client, f"rpc/{path}", body, **headers)
    assert (found.status_code, found.headers.get("Content-Range")) == (status, content_range)
    assert (found.json() if found.content else None) == answer


@pytest.mark.parametrize(
    ("path", "headers", "status", "code"),
    [
        ("rpc/nobody", {}, 404, "PGRST202"),
        ("rpc/numbers", {}, 404, "PGRST202"),
        ("rpc/a/b", {}, 404, "PGRST125"),
        ("rpc/numbers?offset=9", EXACT, 416, "PGRST103"),
        ("rpc/answer", {"apikey": "wrong"}, 401, "PGRST301"),
        ("rpc/answer", {"apikey": EXPIRED_JWT}, 401, "PGRST303"),
        ("rpc/answer", {"Authorization": f"Bearer {SECRET_KEY}"}, 401, "PGRST301"),
        ("rpc/answer", {"apikey": LEGACY_JWT}, 401, "PGRST301"),
    ],
)
def test_refusals_of_its_own(
    client: httpx.Client, path: str, headers: dict[str, str], status: int, code: str
) -> None:
    """RpcSpec.hs, AuthSpec.hs, ErrorSpec.hs: status, code, and the header that repeats it."""
    found = call(client, path, {"p_count": 1} if "offset" in path else {}, **headers)
    assert (found.status_code, found.json()["code"]) == (status, code)
    assert found.headers["Proxy-Status"] == f"PostgREST; error={code}"
    assert found.json().keys() == {"code", "message", "details", "hint"}


def test_an_overloaded_function_is_300(client: httpx.Client) -> None:
    """RpcSpec.hs. R3: the transport reports it as an error."""
    found = call(client, "rpc/answer", {"p_a": 7})
    assert (found.status_code, found.json()["code"]) == (300, "PGRST203")
    with closing(
        RestTransport(str(client.base_url).removesuffix("/rest/v1/"), SECRET_KEY)
    ) as transport:
        with pytest.raises(DatabaseMisconfigured, match="is there several times") as raised:
            transport.call("answer", {"p_a": 7})
        assert raised.value.sqlstate == "PGRST203"
        assert transport.call("nothing", {}) == [{"nothing": None}]
        assert transport.call("answer", {"p_a": 7, "p_b": 1}) == [{"answer": 7}]


@pytest.mark.parametrize(
    ("body", "headers", "code"),
    [(b"{", {}, "PGRST102"), (b"{}", {"apikey": ""}, "PGRST301")],
)
def test_a_body_that_is_not_json(
    client: httpx.Client, body: bytes, headers: dict[str, str], code: str
) -> None:
    """RpcSpec.hs. PostgREST checks the key first."""
    found = client.post("rpc/nothing", content=body, headers=headers)
    assert (found.status_code, found.json()["code"]) == (status_of(code), code)
    found = httpx.post(f"{client.base_url}rpc/nothing", content=b"{}", trust_env=False)
    assert (found.status_code, found.json()["code"]) == (401, "PGRST302")


def test_the_status_of_every_sqlstate(client: httpx.Client) -> None:
    """Error.hs, line by line. Any other SQLSTATE is 400, and `PTxyz` is xyz."""
    named = [(line.code.ljust(5, "1"), line.status) for line in SQLSTATES]
    for code, status in [*named, ("22P02", 400), ("HLF01", 400), ("PT418", 418), ("PT40A", 500)]:
        found = call(client, "rpc/raise_code", {"p_code": code})
        assert (found.status_code, found.json()["code"]) == (status, code)
        assert (found.json()["message"], found.json()["hint"]) == ("said", "try")


def test_every_line_names_its_source() -> None:
    """Each source is a file of PostgREST's repository."""
    for line in (*SQLSTATES, *OWN_CODES):
        assert re.fullmatch(r"(src/PostgREST|test/spec/Feature)/[A-Za-z/]+\.hs", line.source)


def test_a_database_that_is_gone_is_503(cluster: Cluster) -> None:
    """Error.hs: PGRST000."""
    with postgrest("postgresql://x:y@127.0.0.1:1/x") as url:
        found = httpx.post(
            f"{url}/rest/v1/rpc/x", json={}, headers={"apikey": SECRET_KEY}, trust_env=False
        )
    assert (found.status_code, found.json()["code"]) == (503, "PGRST000")


@pytest.mark.parametrize("counts", [True, False])
@pytest.mark.parametrize("max_rows", [1, 7, 77, 100, None])
def test_no_list_is_cut_at_any_cap(
    owner_url: str, roster: Roster, max_rows: int | None, counts: bool
) -> None:
    """R4: also if the project's operator has disabled counting."""
    mentors = roster.add_mentors(100 if max_rows != 1 else 9)
    with (
        postgrest(owner_url, max_rows, counts=counts) as url,
        closing(RestTransport(url, SECRET_KEY)) as transport,
    ):
        database, portal = Database(transport), PortalDatabase(transport)
        attempts = [
            RunRequest("certification_expiry", ORG, "manual", f"t-{n}", "x")
            for n in range(len(mentors))
        ]
        for attempt in attempts:
            database.begin_execution(attempt, "running", as_of=TODAY)
        planned = database.plan_certification_expiry(ORG, TODAY)
        assert [mentor.mentor_id for mentor in planned] == sorted(mentors)
        sync = Run(Trigger("hlf_sync", ORG, "manual", "t", "x"), TODAY)
        assert database.list_mentors(sync, None, 500) == sorted(mentors)
        run = uuid4()
        for mentor in mentors:
            database.pause_expired(mentor, ORG, run, TODAY)
        found = database.list_run_outcomes(ORG, run, TODAY, mentors)
        assert found == dict.fromkeys(mentors, "applied")
        assert [row.id for row in database.list_executions(ORG, 500)] == sorted(
            (row["id"] for row in roster.log()), reverse=True
        )
        assert [s.mentor_id for s in portal.list_states(ORG, mentors)] == sorted(mentors)
        assert [s.mentor_id for s in portal.list_all_states(ORG)] == sorted(mentors)


def test_a_cut_list_that_cannot_be_completed_is_an_error(owner_url: str) -> None:
    """A function without a key is not called twice, because it may change something."""
    with (
        postgrest(owner_url, max_rows=3) as url,
        closing(RestTransport(url, SECRET_KEY)) as transport,
    ):
        assert len(transport.call("numbers", {"p_count": 3})) == 3
        with pytest.raises(DatabaseMisconfigured, match="max-rows of the project cuts") as raised:
            transport.call("numbers", {"p_count": 4})
        assert "numbers" in str(raised.value)
    with (
        postgrest(owner_url, max_rows=0) as url,
        closing(RestTransport(url, SECRET_KEY)) as transport,
        pytest.raises(DatabaseMisconfigured, match="max-rows of the project cuts"),
    ):
        transport.call("assert_org_scope", {"p_org_id": ORG, "p_slug": "hlf"})


def test_a_peer_that_repeats_the_same_rows_is_an_error() -> None:
    """For example, a gateway that drops the query."""
    rows = [{"mentor_id": "1"}, {"mentor_id": "2"}]
    answer = httpx.Response(206, json=rows, headers={"Content-Range": "0-1/9"})
    transport = RestTransport("https://p", SECRET_KEY, played(lambda _: answer))
    with pytest.raises(DatabaseMisconfigured, match="cuts the answer of list_run_outcomes"):
        transport.call("list_run_outcomes", {})


def test_counting_calls_a_function_once(owner_url: str, roster: Roster) -> None:
    """Statements.hs: rows and count belong to one call."""
    with postgrest(owner_url) as url, closing(RestTransport(url, SECRET_KEY)) as transport:
        assert transport.call("count_calls", {}) == [{"n": 1}]
    assert len(roster.rows("select from calls")) == 1


def test_every_list_that_the_code_asks_for_has_a_key(roster: Roster) -> None:
    """A function that is added later needs a key, too. The key is a column that it returns."""
    used = {
        name
        for file in PACKAGE.rglob("*.py")
        for name in re.findall(r'"(list_\w+|plan_certification_expiry)"', file.read_text())
    }
    assert used == LIST_KEYS.keys()
    for function, key in LIST_KEYS.items():
        (row,) = roster.rows(
            "select pg_get_function_result(oid) as result, provolatile from pg_proc"
            " where proname = %s",
            function,
        )
        columns = set(re.findall(r"\w+", row["result"]))
        assert columns & {key.removeprefix("-"), "scheduler_execution_log"}
        assert row["provolatile"] == "s", "it is asked again, so it must change nothing"


@pytest.mark.parametrize(
    "environ",
    [
        {"NO_PROXY": "[::1],10.0.0.0/8"},
        {"HTTP_PROXY": "http://127.0.0.1:1", "ALL_PROXY": "http://127.0.0.1:1"},
        {"http_proxy": "socks5://nowhere:1"},
        {"HTTP_PROXY": "not an address"},
    ],
)
def test_our_connections_ignore_proxies_of_the_environment(
    owner_url: str, monkeypatch: pytest.MonkeyPatch, environ: dict[str, str]
) -> None:
    """R4."""
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    with postgrest(owner_url) as url, closing(RestTransport(url, SECRET_KEY)) as transport:
        assert transport.call("answer", {"p_a": 7, "p_b": 1}) == [{"answer": 7}]
