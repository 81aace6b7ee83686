"""How the pooled transport uses its connection."""

import os
import socket
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from urllib.parse import urlsplit

import psutil
import psycopg
import pytest
from psycopg import sql

from mentor_pause.database.pooled import PooledTransport, Session
from mentor_pause.database.transport import JsonArray
from mentor_pause.errors import DatabaseError
from support.cluster import Cluster
from support.deadlines import SCOPE, ends_in_time
from support.deployed import eventually
from support.proxy import Proxy, running_proxy
from support.roster import Roster

LARGE = 16 * 1024 * 1024
"""Bytes; more than the buffers of a socket hold."""


@pytest.fixture
def proxied(roster: Roster, cluster: Cluster) -> Iterator[tuple[PooledTransport, Proxy]]:
    """A transport that has not connected yet, and the proxy between it and the database."""
    roster.db.execute(
        "create function length_of(p_text text) returns int language sql"
        " as 'select length($1)';"
        "create function kinds_of(p_rows jsonb) returns text language sql"
        " as 'select jsonb_typeof($1)';"
        "create function ready() returns void language plpgsql as 'begin end';"
        "create function old() returns timestamptz language sql"
        " as $$ select timestamptz '1999-12-31 23:59:59.999999Z' $$"
    )
    url = urlsplit(cluster.url(roster.db))
    with running_proxy((url.hostname or "", url.port or 0)) as proxy:
        behind = url.geturl().replace(f":{url.port}", f":{proxy.port}")
        with closing(PooledTransport(behind)) as transport:
            yield transport, proxy


def test_a_large_argument_is_sent_whole(proxied: tuple[PooledTransport, Proxy]) -> None:
    """R2: libpq sends what the socket takes, and the session waits for room."""
    transport, _ = proxied
    assert transport.call("length_of", {"p_text": "x" * LARGE}) == [{"length_of": LARGE}]


def test_a_peer_that_takes_only_a_part_of_the_argument(
    proxied: tuple[PooledTransport, Proxy],
) -> None:
    """R2: sending ends in time too. The next call connects again."""
    transport, proxy = proxied
    transport.call("assert_org_scope", SCOPE)
    proxy.freeze()
    with ends_in_time("no answer from the database"):
        transport.call("length_of", {"p_text": "x" * LARGE})
    proxy.thaw()
    assert transport.call("length_of", {"p_text": "x"}) == [{"length_of": 1}]


def test_values_that_postgresql_types_are_the_same_as_over_rest(
    proxied: tuple[PooledTransport, Proxy], roster: Roster
) -> None:
    """R4: rows are jsonb, nothing is null, and a moment before 2000 has its day."""
    transport, _ = proxied
    roster.db.execute(
        sql.SQL(
            "alter role mentor_pause_job in database {} set timezone = 'Asia/Kathmandu'"
        ).format(sql.Identifier(str(roster.db.info.dbname)))
    )
    assert transport.call("kinds_of", {"p_rows": JsonArray([{"a": 1}])}) == [{"kinds_of": "array"}]
    assert transport.call("ready", {}) == [{"ready": None}]
    (row,) = transport.call("old", {})
    assert row == {"old": datetime(1999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)}
    assert str(row["old"]).endswith("+00:00"), "in UTC, whatever the session's time zone"


def test_a_connection_that_opens_too_late_is_closed(
    proxied: tuple[PooledTransport, Proxy], roster: Roster
) -> None:
    """R2: nobody waits for it any more, and the pooler has only so many."""
    transport, proxy = proxied
    proxy.freeze()
    with ends_in_time("no connection to the database within 5 s"):
        transport.call("assert_org_scope", SCOPE)
    assert open_sockets(proxy.port)
    proxy.thaw()
    eventually(lambda: not open_sockets(proxy.port), 10)
    sessions = "select from pg_stat_activity where usename = 'mentor_pause_job'"
    eventually(lambda: not roster.rows(sessions), 10)


def test_the_kernel_notices_a_dead_peer(
    proxied: tuple[PooledTransport, Proxy], roster: Roster
) -> None:
    """R2: within a call's time, and an operator sees whose connection it is."""
    transport, proxy = proxied
    transport.call("assert_org_scope", SCOPE)
    names = "select application_name from pg_stat_activity where usename = 'mentor_pause_job'"
    assert roster.rows(names) == [{"application_name": "mentor-pause"}]
    (fd,) = open_sockets(proxy.port)
    with socket.socket(fileno=os.dup(fd)) as connection:
        options = {
            name: connection.getsockopt(socket.IPPROTO_TCP, getattr(socket, name))
            for name in ("TCP_USER_TIMEOUT", "TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT")
        }
    assert options == {
        "TCP_USER_TIMEOUT": 10_000, "TCP_KEEPIDLE": 5, "TCP_KEEPINTVL": 2, "TCP_KEEPCNT": 3,
    }  # fmt: skip


def test_a_message_in_another_encoding_is_read_with_replaced_letters(
    roster: Roster, cluster: Cluster
) -> None:
    """R4: some poolers drop the client's encoding; the code still classifies the error."""
    roster.db.execute(
        "create function refuse() returns int language plpgsql"
        " as $$ begin raise exception 'Ørn' using errcode = 'PT404'; end $$"
    )
    url = cluster.url(roster.db)
    connection = psycopg.connect(url, autocommit=True, client_encoding="LATIN1")
    with closing(Session(connection)) as session, pytest.raises(DatabaseError) as raised:
        session.ask(b"select refuse()", (), 5)
    assert raised.value.sqlstate == "PT404"


def open_sockets(port: int) -> list[int]:
    """Return the file descriptors of this process's connections to a port."""
    found = psutil.Process().net_connections("tcp")
    return [c.fd for c in found if c.raddr and c.raddr.port == port and c.fd != -1]
