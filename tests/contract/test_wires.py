"""Both wires to the database give the same results and the same errors.

The REST wire speaks to a small server in PostgREST's documented dialect over the same PostgreSQL.
With `SUPABASE_TEST_URL` and `SUPABASE_TEST_KEY` set, the same questions go to a real project as
well.
"""

import os
import socket
import threading
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import httpx
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from mentor_pause.database.client import Begun, Database, LostEnd
from mentor_pause.database.pooled import PooledTransport
from mentor_pause.database.rest import RestTransport
from mentor_pause.domain.runs import RunRequest
from mentor_pause.domain.summary import Summary
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
from support.cluster import Cluster
from support.pooler import pgbouncer
from support.postgrest import LEGACY_JWT, SECRET_KEY, postgrest
from support.proxy import running_proxy
from support.roster import ORG, TODAY, TOMORROW, YESTERDAY, Roster


@pytest.fixture(params=["pooled", "pgbouncer", "rest"])
def database(
    request: pytest.FixtureRequest, roster: Roster, cluster: Cluster
) -> Iterator[Database]:
    """The database client over each transport; the pooled one through PgBouncer, too."""
    if request.param == "pooled":
        with closing(PooledTransport(cluster.url(roster.db))) as pooled:
            yield Database(pooled)
    elif request.param == "pgbouncer":
        with (
            pgbouncer(cluster.url(roster.db)) as pooler,
            closing(PooledTransport(pooler.url)) as pooled,
        ):
            yield Database(pooled)
    else:
        owner_url = cluster.server.url(str(roster.db.info.dbname))
        with postgrest(owner_url) as url, closing(RestTransport(url, SECRET_KEY)) as rest_wire:
            yield Database(rest_wire)


def pause(database: Database, mentor: UUID, run: UUID | None = None, *, dry: bool = False) -> str:
    """Pause a mentor and return the outcome."""
    return database.pause_expired(mentor, ORG, run or uuid4(), TODAY, dry_run=dry).outcome


def test_a_change_comes_back_typed(database: Database, roster: Roster) -> None:
    """Every column, in Python's own types."""
    mentor = roster.add_mentor(YESTERDAY)
    change = database.pause_expired(mentor, ORG, uuid4(), TODAY)
    (row,) = roster.history()
    assert change.model_dump() == {
        "outcome": "changed",
        "previous_status": "active",
        "new_status": "paused",
        "certification_expiry_date": YESTERDAY,
        "version": 2,
        "changed_at": row["changed_at"],
    }


def test_every_outcome_is_told_apart(database: Database, roster: Roster) -> None:
    """E4, E9."""
    run, mentor = uuid4(), roster.add_mentor()
    assert pause(database, mentor, dry=True) == "would_change"
    assert pause(database, mentor, run) == "changed"
    assert pause(database, mentor, run) == "replayed"
    assert pause(database, mentor) == "not_active"
    assert pause(database, roster.add_mentor(TOMORROW)) == "not_expired"


def test_pages_of_mentors(database: Database, roster: Roster) -> None:
    """D7, with and without a place to go on from."""
    mentors = roster.add_mentors(7)
    first = database.list_mentors("list_expired_mentors", ORG, TODAY, None, 5)
    rest = database.list_mentors("list_expired_mentors", ORG, TODAY, first[-1], 5)
    assert [*first, *rest] == mentors
    assert database.list_mentors("list_expired_mentors", ORG, TODAY, mentors[-1], 5) == []


def test_scope_and_monitoring_query(database: Database, roster: Roster) -> None:
    """D8, O1: a row and a scalar."""
    roster.add_mentors(3)
    scope = database.assert_org_scope(ORG, "hlf")
    assert (scope.org_id, scope.slug, scope.time_zone) == (ORG, "hlf", "Europe/Oslo")
    assert database.count_stale_active_mentors(ORG, scope.today) == 3


def test_a_run_from_its_row_to_its_end(database: Database, roster: Roster) -> None:
    """D4, E8, E11."""
    attempt = RunRequest("certification_expiry", ORG, "manual", "t-1", "somebody")
    run, mentor = attempt.job_run_id, roster.add_mentor()
    roster.add_coordinator(mentors=[mentor])
    database.begin_execution(attempt, "running", as_of=TODAY)
    assert pause(database, mentor, run) == "changed"
    waiting, stranger = roster.add_mentor(), uuid4()
    found = database.list_run_outcomes(ORG, run, TODAY, [mentor, waiting, stranger])
    assert found == {mentor: "applied", stranger: "skipped"}
    assert database.notify_coordinators(run) == 1
    for _ in range(2):
        database.finish_execution(Summary(run, "paused", (mentor,)), "completed", None)
    (row,) = database.list_executions(ORG, 10)
    assert (row.status, row.processed_count, row.paused_count) == ("completed", 1, 1)
    assert (row.job_run_id, row.as_of, row.trigger, row.error) == (run, TODAY, "manual", None)


def test_the_portal_can_be_told_of_a_mentor_again(database: Database, roster: Roster) -> None:
    """H5: of one of this organisation; for services only (the access matrix)."""
    mentor = roster.add_mentor()
    roster.db.execute("insert into portal_sync_state values (%s, 1)", (mentor,))
    roster.db.execute("grant execute on function reset_portal_sync to mentor_pause_job")
    with pytest.raises(NotFound):
        database.reset_portal_sync(uuid4(), mentor)
    assert len(roster.rows("select from portal_sync_state")) == 1
    for _ in range(2):
        database.reset_portal_sync(ORG, mentor)
    assert roster.rows("select from portal_sync_state") == []


def test_an_attempt_without_organisation_is_logged(database: Database, roster: Roster) -> None:
    """D4: also what could not be configured."""
    database.begin_execution(RunRequest("?", None, "manual", "t", "x"), "failed", error="no job")
    (row,) = database.list_executions(ORG, 10)
    assert (row.org_id, row.status, row.error) == (None, "failed", "no job")


def test_the_databases_no_keeps_its_code_and_detail(database: Database, roster: Roster) -> None:
    """PT404 and PT409 have classes of their own."""
    with pytest.raises(NotFound) as missing:
        pause(database, uuid4())
    assert (missing.value.sqlstate, str(missing.value)) == ("PT404", "mentor not found")
    with pytest.raises(Conflict) as conflict:
        database.assert_org_scope(ORG, "other")
    assert conflict.value.detail == "expected other, actual hlf"


@pytest.fixture(params=["pooled", "rest"])
def service(request: pytest.FixtureRequest, roster: Roster, cluster: Cluster) -> Iterator[Database]:
    """The door of a service, which may make every change, over one wire and over the other."""
    with postgrest(cluster.server.url(str(roster.db.info.dbname))) as url:
        wire = (
            PooledTransport(cluster.url_as(roster.db, "service_role"))
            if request.param == "pooled"
            else RestTransport(url, SECRET_KEY)
        )
        with closing(wire):
            yield Database(wire)


def test_a_status_is_looked_at_and_changed_by_hand(service: Database, roster: Roster) -> None:
    """S2, S3."""
    mentor = roster.add_mentor(YESTERDAY)
    seen = service.get_mentor_status(mentor, ORG)
    assert (seen.status, seen.version, seen.certification_expiry_date) == ("active", 1, YESTERDAY)
    change = service.change_status(mentor, ORG, "paused", "on_leave", seen.version)
    assert (change.outcome, change.version) == ("changed", 2)
    with pytest.raises(VersionConflict) as faster:
        service.change_status(mentor, ORG, "inactive", "moved_away", seen.version)
    assert (faster.value.hint, faster.value.detail) == (
        "version_conflict", "expected version 1, actual 2",
    )  # fmt: skip
    with pytest.raises(NotFound):
        service.get_mentor_status(uuid4(), ORG)


def test_what_the_monitor_asks_comes_back_typed(database: Database, roster: Roster) -> None:
    """O1: days by the organisation's clock, moments with their zone, and no run at first."""
    late = datetime(2026, 2, 28, 23, 30, tzinfo=UTC)
    assert database.get_org_day(ORG, late) == TODAY
    assert database.get_org_day(ORG, late - timedelta(hours=1)) == YESTERDAY
    with pytest.raises(NotFound):
        database.get_org_day(uuid4(), late)
    found = database.get_run_freshness(ORG, "certification_expiry")
    assert (found.last_finished_at, found.last_as_of) == (None, None)
    attempt = RunRequest("certification_expiry", ORG, "schedule", "t-1", "rule")
    begun = database.begin_execution(attempt, "running", as_of=TODAY)
    assert begun == Begun(status="running", as_of=TODAY)
    assert database.list_running_executions(ORG, 1, 5) == []
    database.finish_execution(Summary(attempt.job_run_id, "paused"), "completed", None)
    again = database.begin_execution(attempt, "running", as_of=TOMORROW)
    assert again == Begun(status="completed", as_of=TODAY)
    found = database.get_run_freshness(ORG, "certification_expiry", TODAY, late)
    assert (found.last_as_of, found.night_error_count) == (TODAY, 0)
    assert 0 <= (found.hours_since_completed_run or -1) < 1
    missed = database.get_run_freshness(ORG, "certification_expiry", TOMORROW, late)
    assert missed.night_error_count is None
    assert database.count_active_uncertified(ORG) == 0
    with pytest.raises(NotFound):
        database.end_lost_execution(ORG, uuid4(), "lost")
    ended = database.end_lost_execution(ORG, attempt.job_run_id, "lost")
    assert ended == LostEnd(has_ended=False, effect_count=0, error_count=0)
    assert found.last_finished_at is not None
    assert found.last_finished_at.tzinfo is not None


def test_what_the_http_entry_asks_comes_back_typed(service: Database, roster: Roster) -> None:
    """O3: a stranger has no role, a run that is not there no row."""
    coordinator = roster.add_coordinator()
    assert service.get_member_role(ORG, coordinator) == "coordinator"
    assert service.get_member_role(ORG, uuid4()) is None
    first = uuid4()
    attempt = RunRequest("certification_expiry", ORG, "manual", "t-1", "somebody", redrive_of=first)
    assert service.get_execution(ORG, attempt.job_run_id) is None
    service.begin_execution(attempt, "refused", error="in the way")
    refused = service.get_execution(ORG, attempt.job_run_id)
    assert refused is not None
    assert (refused.status, refused.redrive_of) == ("refused", first)
    service.begin_execution(attempt, "running", as_of=TODAY)
    service.begin_execution(attempt, "duplicate", error="again")
    found = service.get_execution(ORG, attempt.job_run_id)
    assert found is not None
    assert (found.status, found.as_of) == ("running", TODAY), "the row that tells its story"
    assert service.get_execution(uuid4(), attempt.job_run_id) is None


def test_the_job_does_nothing_but_its_job(roster: Roster, cluster: Cluster) -> None:
    """S3: its credential, in other hands, cannot make anybody active."""
    mentor = roster.add_mentor(status="paused")
    with (
        closing(PooledTransport(cluster.url(roster.db))) as wire,
        pytest.raises(Forbidden) as raised,
    ):
        Database(wire).change_status(mentor, ORG, "active", "on_leave")
    assert raised.value.hint == "reserved_for_the_job"


def test_a_failing_mentor_is_a_permanent_error(database: Database, roster: Roster) -> None:
    """E5: P0001 of a trigger, with its SQLSTATE."""
    mentor = roster.add_mentor()
    roster.fail_for(mentor)
    with pytest.raises(DatabaseError) as raised:
        pause(database, mentor)
    assert (raised.value.sqlstate, str(raised.value)) == ("P0001", "no way")


def test_a_locked_mentor_is_retryable_but_the_database_is_not_down(
    database: Database, roster: Roster
) -> None:
    """E6: 55P03."""
    mentor = roster.add_mentor()
    with roster.db.transaction():
        roster.db.execute("select from peer_mentors where id = %s for update", (mentor,))
        with pytest.raises(RetryableDatabaseError) as raised:
            pause(database, mentor)
    assert raised.value.sqlstate == "55P03"
    assert not isinstance(raised.value, DatabaseUnavailable)


def test_a_lost_connection_is_retryable_and_the_next_call_connects_again(
    database: Database, roster: Roster
) -> None:
    """E6."""
    mentor = roster.add_mentor()
    assert pause(database, mentor, dry=True) == "would_change"
    roster.db.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where datname = current_database() and pid <> pg_backend_pid()"
    )
    outcomes: list[str] = []
    while not outcomes:
        try:
            outcomes.append(pause(database, mentor))
        except DatabaseUnavailable:  # at most once: the connection was gone
            assert roster.history() == []
    assert outcomes == ["changed"]


def test_a_server_that_goes_away_without_a_word_is_unavailable(
    cluster: Cluster, roster: Roster
) -> None:
    """E6: libpq's own words have no SQLSTATE; the next call connects again."""
    mentor = roster.add_mentor()
    url = urlsplit(cluster.url(roster.db))
    with (
        running_proxy((url.hostname or "", url.port or 0)) as proxy,
        closing(PooledTransport(url.geturl().replace(f":{url.port}/", f":{proxy.port}/"))) as wire,
    ):
        database = Database(wire)
        assert pause(database, mentor, dry=True) == "would_change"
        proxy.cut()
        with pytest.raises(DatabaseUnavailable) as raised:
            pause(database, mentor)
        assert raised.value.sqlstate is None
        assert "the server closed the connection" in str(raised.value)
        assert pause(database, mentor) == "changed"


@pytest.mark.parametrize("kind", ["pooled", "rest"])
def test_a_database_that_is_not_there_is_unavailable(kind: str) -> None:
    """E6: nobody listens on the port."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        address = f"127.0.0.1:{port}"
        wire = (
            PooledTransport(f"postgresql://{address}/x")
            if kind == "pooled"
            else RestTransport(f"http://{address}", "key")
        )
        with pytest.raises(DatabaseUnavailable):
            Database(wire).notify_coordinators(uuid4())


def rest(answer: httpx.Response | Exception, key: str = "key") -> Database:
    """The REST wire to a server that gives one answer."""

    def handler(request: httpx.Request) -> httpx.Response:
        if isinstance(answer, Exception):
            raise answer
        return answer

    return Database(RestTransport("http://project", key, httpx.MockTransport(handler)))


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(503, json={"code": "PGRST001", "message": "x"}), DatabaseUnavailable),
        (httpx.Response(504, json={"code": "PGRST003", "message": "x"}), DatabaseUnavailable),
        (httpx.Response(500, json={"code": "40P01", "message": "x"}), RetryableDatabaseError),
        (httpx.Response(500, json={"code": "57014", "message": "x"}), DatabaseUnavailable),
        (httpx.Response(401, json={"code": "PGRST301", "message": "x"}), DatabaseMisconfigured),
        (httpx.Response(404, json={"code": "PGRST202", "message": "x"}), DatabaseMisconfigured),
        (httpx.Response(502, text="<html>Bad Gateway</html>"), DatabaseUnavailable),
        (httpx.Response(429, text="slow down"), DatabaseUnavailable),
        (httpx.Response(403, text="<html>no</html>"), DatabaseMisconfigured),
        (httpx.Response(200, text="<html>login</html>"), DatabaseUnavailable),
        (httpx.LocalProtocolError("Illegal header value b'key'"), DatabaseMisconfigured),
        (httpx.ReadTimeout("too slow"), DatabaseUnavailable),
        (httpx.ConnectError("nobody there"), DatabaseUnavailable),
    ],
)
def test_rest_answers_are_told_apart_by_code_then_by_status(
    answer: httpx.Response | Exception, error: type[Exception]
) -> None:
    """Documentation of PostgREST, "Errors"; gateways in front of it answer as they like."""
    with pytest.raises(error) as raised:
        rest(answer).notify_coordinators(uuid4())
    assert type(raised.value) is error


@pytest.mark.parametrize(
    ("key", "accepted"), [(SECRET_KEY, True), (LEGACY_JWT, True), ("?", False)]
)
def test_both_kinds_of_key_are_sent_as_they_must_be(
    roster: Roster, cluster: Cluster, key: str, accepted: bool
) -> None:
    """A secret key as Bearer would be refused (PGRST301)."""
    owner_url = cluster.server.url(str(roster.db.info.dbname))
    with postgrest(owner_url) as url, closing(RestTransport(url, key)) as wire:
        if accepted:
            assert Database(wire).assert_org_scope(ORG, "hlf").slug == "hlf"
        else:
            with pytest.raises(DatabaseMisconfigured, match="check SUPABASE_SERVICE_ROLE_KEY"):
                Database(wire).assert_org_scope(ORG, "hlf")


@contextmanager
def counting_proxy(host: str, port: int) -> Generator[tuple[int, list[int]]]:
    """A TCP proxy that counts the server's ReadyForQuery messages: one ends each round trip."""
    counted = [0]
    listener = socket.create_server(("127.0.0.1", 0))

    def pump(source: socket.socket, target: socket.socket, *, count: bool) -> None:
        while data := source.recv(65536):
            if count:
                counted[0] += data.count(b"Z\x00\x00\x00\x05")
            target.sendall(data)

    def serve() -> None:
        client, _ = listener.accept()
        server = socket.create_connection((host, port))
        with client, server:
            up = threading.Thread(target=pump, args=(client, server), kwargs={"count": False})
            up.start()
            pump(server, client, count=True)
            up.join()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1], counted
    finally:
        thread.join()
        listener.close()


def test_the_pooled_wire_takes_one_round_trip_per_mentor(roster: Roster, cluster: Cluster) -> None:
    """Counted on the wire: one ReadyForQuery for the connection, then one per call."""
    mentors = roster.add_mentors(25)
    url = cluster.url(roster.db)
    parts = conninfo_to_dict(url)
    with counting_proxy(str(parts["host"]), int(str(parts["port"]))) as (port, counted):
        proxied = make_conninfo(url, port=port, sslmode="disable")
        wire = PooledTransport(proxied)
        for mentor in mentors:
            assert pause(Database(wire), mentor) == "changed"
        assert counted == [1 + len(mentors)]
        wire.close()


def test_the_rest_wire_takes_one_request_per_mentor() -> None:
    """And reuses its connection, which is httpx's doing."""
    seen: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(f"{request.method} {request.url}")
        row = {"outcome": "changed", "previous_status": "active", "new_status": "paused",
               "certification_expiry_date": None, "version": 2, "changed_at": None}  # fmt: skip
        return httpx.Response(200, json=[row])

    pause(Database(RestTransport("http://p/", "k", httpx.MockTransport(handler))), uuid4())
    assert seen == ["POST http://p/rest/v1/rpc/update_mentor_status"]


@pytest.mark.skipif("SUPABASE_TEST_URL" not in os.environ, reason="SUPABASE_TEST_URL is not set")
def test_a_real_project_gives_the_documented_errors() -> None:
    """Asks only for what cannot exist, so that nothing in the project changes."""
    database = Database(
        RestTransport(os.environ["SUPABASE_TEST_URL"], os.environ["SUPABASE_TEST_KEY"])
    )
    with pytest.raises(NotFound):
        pause(database, uuid4())
    with pytest.raises(NotFound):
        database.assert_org_scope(uuid4(), "hlf")
    assert database.list_run_outcomes(uuid4(), uuid4(), TODAY, [uuid4()]) == {}
