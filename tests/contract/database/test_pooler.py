"""The pooled transport through a real PgBouncer that is paused, exhausted, frozen or gone."""

import threading
from collections.abc import Iterator
from contextlib import closing, suppress

import pytest

from mentor_pause.database.pooled import PooledTransport
from mentor_pause.errors import DatabaseMisconfigured, DatabaseUnavailable, MentorPauseError
from support.cluster import Cluster
from support.deadlines import SCOPE, ends_in_time
from support.pooler import Pooler, needs_pgbouncer, pgbouncer
from support.roster import Roster

pytestmark = needs_pgbouncer


@pytest.fixture
def pooler(roster: Roster, cluster: Cluster) -> Iterator[Pooler]:
    """A PgBouncer with one connection to the server."""
    with pgbouncer(cluster.url(roster.db), default_pool_size=1) as found:
        yield found


@pytest.fixture
def transport(pooler: Pooler) -> Iterator[PooledTransport]:
    """The pooled transport, connected."""
    with closing(PooledTransport(pooler.url)) as found:
        found.call("assert_org_scope", SCOPE)
        yield found


def test_a_paused_pooler(pooler: Pooler, transport: PooledTransport) -> None:
    """R2: PAUSE holds every query. The call ends within its budget, and works after RESUME."""
    pooler.pause()
    with ends_in_time("no answer from the database within 10 s"):
        transport.call("assert_org_scope", SCOPE)
    pooler.resume()
    assert transport.call("assert_org_scope", SCOPE)


def test_a_frozen_pooler(pooler: Pooler, transport: PooledTransport) -> None:
    """R2: SIGSTOP. Cancelling the call is bounded, too."""
    pooler.freeze()
    with ends_in_time("no answer from the database within 10 s"):
        transport.call("assert_org_scope", SCOPE)
    with ends_in_time("no connection to the database within 5 s"):
        transport.call("assert_org_scope", SCOPE)
    pooler.thaw()
    assert transport.call("assert_org_scope", SCOPE)


def test_a_pooler_that_is_killed_and_started_again(
    pooler: Pooler, transport: PooledTransport
) -> None:
    """One call is lost; the next one connects."""
    pooler.kill()
    with ends_in_time("the server closed the connection"):
        transport.call("assert_org_scope", SCOPE)
    with ends_in_time("nothing listens at its address"):
        transport.call("assert_org_scope", SCOPE)
    pooler.start()
    assert transport.call("assert_org_scope", SCOPE)


def test_a_pooler_that_reconnects_is_not_noticed(
    pooler: Pooler, transport: PooledTransport
) -> None:
    """RECONNECT, as after a failover of the database."""
    for _ in range(3):
        pooler.reconnect()
        assert transport.call("assert_org_scope", SCOPE)


def wait_for_lock(transport: PooledTransport) -> None:
    """Keep the connection to the server busy; ignore how the query ends."""
    with suppress(MentorPauseError):
        transport.call("wait_for_lock", {})


def test_a_pool_that_is_exhausted(
    pooler: Pooler, transport: PooledTransport, roster: Roster, cluster: Cluster
) -> None:
    """R2: its only connection to the server is busy."""
    roster.db.execute(
        "create function wait_for_lock() returns int language sql as"
        " 'select pg_advisory_xact_lock(7); select 1';"
        "grant execute on function wait_for_lock to mentor_pause_job"
    )
    with roster.db.transaction(), closing(PooledTransport(pooler.url)) as other:
        roster.db.execute("select pg_advisory_xact_lock(7)")
        busy = threading.Thread(target=wait_for_lock, args=(other,))
        busy.start()
        waiting = "select from pg_locks where locktype = 'advisory' and not granted"
        while not roster.rows(waiting):
            pass
        with ends_in_time("no answer from the database"):
            transport.call("assert_org_scope", SCOPE)
    busy.join(10)
    assert transport.call("assert_org_scope", SCOPE)


def test_a_wait_that_the_pooler_ends_keeps_the_poolers_error(
    roster: Roster, cluster: Cluster
) -> None:
    """R3: query_wait_timeout is a FATAL error in an open session. Its code and its text survive."""
    with (
        pgbouncer(cluster.url(roster.db), query_wait_timeout=1) as pooler,
        closing(PooledTransport(pooler.url)) as transport,
    ):
        transport.call("assert_org_scope", SCOPE)
        pooler.pause()
        with pytest.raises(DatabaseUnavailable, match="it says: query_wait_timeout") as raised:
            transport.call("assert_org_scope", SCOPE)
        assert raised.value.sqlstate == "08P01"
        pooler.resume()
        assert transport.call("assert_org_scope", SCOPE)


def test_a_pooler_that_refuses_a_login_is_named(roster: Roster, cluster: Cluster) -> None:
    """R2, R6: each refusal is one sentence. A wrong password waits for an operator."""
    url = cluster.url(roster.db)
    with pgbouncer(url, max_client_conn=2) as pooler:
        password = cluster.passwords["mentor_pause_job"]
        for wrong, sentence in (
            (pooler.url.replace(password, "wrong"), "wrong user or password"),
            (pooler.url.replace("mentor_pause_job", "nobody"), "wrong user or password"),
            (pooler.url + "x", "there is no such database"),
            (pooler.url + "?sslmode=require", "the server offers no TLS"),
            (pooler.url + "?options=-crole%3Dx", "refuses a parameter of SUPABASE_DB_URL"),
        ):
            with closing(PooledTransport(wrong)) as transport:
                with pytest.raises(DatabaseMisconfigured, match=sentence) as raised:
                    transport.call("assert_org_scope", SCOPE)
                assert password not in str(raised.value)
        with (
            closing(PooledTransport(pooler.url)) as one,
            closing(PooledTransport(pooler.url)) as two,
        ):
            one.call("assert_org_scope", SCOPE)
            two.call("assert_org_scope", SCOPE)
            with (
                closing(PooledTransport(pooler.url)) as three,
                pytest.raises(DatabaseUnavailable, match="all connections are in use"),
            ):
                three.call("assert_org_scope", SCOPE)


def test_the_error_of_a_terminated_session_survives(roster: Roster, cluster: Cluster) -> None:
    """R3: libpq's own error follows 57P01 and must not hide it. The next call connects again."""
    with closing(PooledTransport(cluster.url(roster.db))) as transport:
        transport.call("assert_org_scope", SCOPE)
        roster.db.execute(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
            " where usename = 'mentor_pause_job' and datname = current_database()"
        )
        with pytest.raises(DatabaseUnavailable, match="due to administrator command") as raised:
            transport.call("assert_org_scope", SCOPE)
        assert raised.value.sqlstate == "57P01"
        assert transport.call("assert_org_scope", SCOPE)
