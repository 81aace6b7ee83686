"""The database's failures are the same errors over every transport (E5, E6)."""

import socket
from contextlib import closing
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from mentor_pause.database.client import Database
from mentor_pause.database.pooled import PooledTransport
from mentor_pause.database.rest import RestTransport
from mentor_pause.errors import DatabaseError, DatabaseUnavailable, RetryableDatabaseError
from support.cluster import Cluster
from support.database_client import pause
from support.proxy import running_proxy
from support.roster import Roster


def test_a_failing_mentor_is_a_permanent_error(database: Database, roster: Roster) -> None:
    """E5: a trigger raises P0001."""
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
        except DatabaseUnavailable:  # the call fails at most once, because the connection is lost
            assert roster.history() == []
    assert outcomes == ["changed"]


def test_a_server_that_disappears_is_unavailable(cluster: Cluster, roster: Roster) -> None:
    """E6: libpq's own error has no SQLSTATE. The next call connects again."""
    mentor = roster.add_mentor()
    url = urlsplit(cluster.url(roster.db))
    with (
        running_proxy((url.hostname or "", url.port or 0)) as proxy,
        closing(
            PooledTransport(url.geturl().replace(f":{url.port}/", f":{proxy.port}/"))
        ) as transport,
    ):
        database = Database(transport)
        assert pause(database, mentor, dry=True) == "would_change"
        proxy.cut()
        with pytest.raises(DatabaseUnavailable) as raised:
            pause(database, mentor)
        assert raised.value.sqlstate is None
        assert "the server closed the connection" in str(raised.value)
        assert pause(database, mentor) == "changed"


@pytest.mark.parametrize("kind", ["pooled", "rest"])
def test_a_database_without_a_server_is_unavailable(kind: str) -> None:
    """E6: no server listens on the port."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        address = f"127.0.0.1:{port}"
        transport = (
            PooledTransport(f"postgresql://{address}/x")
            if kind == "pooled"
            else RestTransport(f"http://{address}", "key")
        )
        with pytest.raises(DatabaseUnavailable):
            Database(transport).notify_coordinators(uuid4())
