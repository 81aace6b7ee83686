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
def wire(pooler: Pooler) -> Iterator[PooledTransport]:
    """The transport, warm."""
    with closing(PooledTransport(pooler.url)) as found:
        found.call("assert_org_scope", SCOPE)
        yield found


def test_a_paused_pooler(pooler: Pooler, wire: PooledTransport) -> None:
    """R2: PAUSE holds every query; the call ends within its budget, and works after RESUME."""
    pooler.pause()
    with ends_in_time("no answer from the database within 10 s"):
        wire.call("assert_org_scope", SCOPE)
    pooler.resume()
    assert wire.call("assert_org_scope", SCOPE)


def test_a_frozen_pooler(pooler: Pooler, wire: PooledTransport) -> None:
    """R2: SIGSTOP; the cancelling is bounded, too."""
    pooler.freeze()
    with ends_in_time("no answer from the database within 10 s"):
        wire.call("assert_org_scope", SCOPE)
    with ends_in_time("no connection to the database within 5 s"):
        wire.call("assert_org_scope", SCOPE)
    pooler.thaw()
    assert wire.call("assert_org_scope", SCOPE)


def test_a_pooler_that_is_killed_and_started_again(pooler: Pooler, wire: PooledTransport) -> None:
    """One call is lost; the next one connects."""
    pooler.kill()
    with ends_in_time("the server closed the connection"):
        wire.call("assert_org_scope", SCOPE)
    with ends_in_time("nothing listens at its address"):
        wire.call("assert_org_scope", SCOPE)
    pooler.start()
    assert wire.call("assert_org_scope", SCOPE)


def test_a_pooler_that_reconnects_is_not_noticed(pooler: Pooler, wire: PooledTransport) -> None:
    """RECONNECT, as after a failover of the database."""
    for _ in range(3):
        pooler.reconnect()
        assert wire.call("assert_org_scope", SCOPE)


def wait_for_lock(wire: PooledTransport) -> None:
    """Keep the connection to the server busy; how that ends is of no account."""
    with suppress(MentorPauseError):
        wire.call("wait_for_lock", {})


def test_a_pool_that_is_exhausted(
    pooler: Pooler, wire: PooledTransport, roster: Roster, cluster: Cluster
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
            wire.call("assert_org_scope", SCOPE)
    busy.join(10)
    assert wire.call("assert_org_scope", SCOPE)


def test_a_wait_that_the_pooler_ends_is_told_by_the_pooler(
    roster: Roster, cluster: Cluster
) -> None:
    """R3: query_wait_timeout is a FATAL in mid-session; its code and its text survive."""
    with (
        pgbouncer(cluster.url(roster.db), query_wait_timeout=1) as pooler,
        closing(PooledTransport(pooler.url)) as wire,
    ):
        wire.call("assert_org_scope", SCOPE)
        pooler.pause()
        with pytest.raises(DatabaseUnavailable, match="it says: query_wait_timeout") as raised:
            wire.call("assert_org_scope", SCOPE)
        assert raised.value.sqlstate == "08P01"
        pooler.resume()
        assert wire.call("assert_org_scope", SCOPE)


def test_what_a_pooler_refuses_is_named(roster: Roster, cluster: Cluster) -> None:
    """R2, R6: each in one sentence; a wrong password waits for a person."""
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
            with closing(PooledTransport(wrong)) as wire:
                with pytest.raises(DatabaseMisconfigured, match=sentence) as raised:
                    wire.call("assert_org_scope", SCOPE)
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
    """R3: 57P01 is followed by libpq's own error; the next call connects again."""
    with closing(PooledTransport(cluster.url(roster.db))) as wire:
        wire.call("assert_org_scope", SCOPE)
        roster.db.execute(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
            " where usename = 'mentor_pause_job' and datname = current_database()"
        )
        with pytest.raises(DatabaseUnavailable, match="due to administrator command") as raised:
            wire.call("assert_org_scope", SCOPE)
        assert raised.value.sqlstate == "57P01"
        assert wire.call("assert_org_scope", SCOPE)
