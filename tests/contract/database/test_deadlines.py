"""Every call to the database ends within its budget, whatever the peer does (R2)."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from urllib.parse import urlsplit

import pytest

from local.rest_callers import SECRET_KEY
from local.supabase import postgrest
from mentor_pause.database.pooled import PooledTransport
from mentor_pause.database.rest import RestTransport
from mentor_pause.database.transport import Transport
from support.cluster import Cluster
from support.deadlines import SCOPE, ends_in_time
from support.proxy import Proxy, running_proxy, silent_addresses, silent_server
from support.roster import Roster


@pytest.fixture(params=["pooled", "rest"])
def behind_proxy(
    request: pytest.FixtureRequest, roster: Roster, cluster: Cluster
) -> Iterator[tuple[Transport, Proxy]]:
    """Each transport, connected to its peer through a proxy that can fail."""
    with ExitStack() as stack:
        if request.param == "pooled":
            url = urlsplit(cluster.url(roster.db))
        else:
            owner_url = cluster.server.url(str(roster.db.info.dbname))
            url = urlsplit(stack.enter_context(postgrest(owner_url)))
        proxy = stack.enter_context(running_proxy((url.hostname or "", url.port or 0)))
        proxied = url.geturl().replace(f":{url.port}", f":{proxy.port}")
        transport = (
            PooledTransport(proxied)
            if request.param == "pooled"
            else RestTransport(proxied, SECRET_KEY)
        )
        stack.enter_context(closing(transport))
        transport.call("assert_org_scope", SCOPE)
        yield transport, proxy


def test_a_peer_that_is_frozen(behind_proxy: tuple[Transport, Proxy]) -> None:
    """R2: the connection stays open, and no data comes. The next call connects again."""
    transport, proxy = behind_proxy
    proxy.freeze()
    for _ in range(2):  # on an open connection, and on a new one
        with ends_in_time("^no (answer from|connection to) the database within"):
            transport.call("assert_org_scope", SCOPE)
    proxy.thaw()
    assert transport.call("assert_org_scope", SCOPE)[0]["slug"] == "hlf"


def test_a_peer_that_drips(behind_proxy: tuple[Transport, Proxy]) -> None:
    """Each byte comes before the socket's time-out, in the headers too."""
    transport, proxy = behind_proxy
    proxy.drip = 0.2
    with ends_in_time("no answer from the database within 10 s"):
        transport.call("assert_org_scope", SCOPE)
    proxy.drip = 0.0
    assert transport.call("assert_org_scope", SCOPE)[0]["slug"] == "hlf"


@pytest.mark.parametrize("count", [0, 1, 30])
def test_a_peer_that_closes_in_the_middle(
    behind_proxy: tuple[Transport, Proxy], count: int
) -> None:
    """It counts as unavailable, and the connection is not used again."""
    transport, proxy = behind_proxy
    proxy.close_after(count)
    with ends_in_time("no connection to the database: "):
        transport.call("assert_org_scope", SCOPE)
    proxy.close_after(None)
    assert transport.call("assert_org_scope", SCOPE)[0]["slug"] == "hlf"


def transport_to(kind: str, host: str, port: int) -> Transport:
    """Return a transport to an address."""
    if kind == "rest":
        return RestTransport(f"http://{host}:{port}", SECRET_KEY)
    return PooledTransport(f"postgresql://job:secret@{host}:{port}/x")


@pytest.mark.parametrize("kind", ["pooled", "rest"])
def test_a_peer_that_accepts_and_never_answers(kind: str) -> None:
    """Neither a login nor a request gets an answer."""
    with (
        silent_server() as (host, port),
        closing(transport_to(kind, host, port)) as transport,
        ends_in_time("within"),
    ):
        transport.call("assert_org_scope", SCOPE)


@pytest.mark.parametrize("kind", ["pooled", "rest"])
def test_addresses_that_are_silent(kind: str) -> None:
    """R2: libpq's time-out counts per address, but the whole attempt is bounded."""
    hosts = ("127.0.0.2", "127.0.0.3", "127.0.0.4")
    with silent_addresses(*hosts) as port:
        url = f"postgresql://job:secret@{','.join(f'{host}:{port}' for host in hosts)}/x"
        transport = PooledTransport(url) if kind == "pooled" else transport_to(kind, hosts[0], port)
        with closing(transport), ends_in_time("no connection .*(within|in time)"):
            transport.call("assert_org_scope", SCOPE)


@pytest.mark.parametrize("kind", ["pooled", "rest"])
def test_no_call_begins_without_time(kind: str) -> None:
    """The transport sends nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0)
        transport = transport_to(kind, "127.0.0.1", listener.getsockname()[1])
        with closing(transport), ends_in_time("no answer from the database within", budget=0):
            transport.call("assert_org_scope", SCOPE)
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_a_call_that_reaches_its_deadline_is_cancelled(roster: Roster, cluster: Cluster) -> None:
    """The server stops it and holds no lock for it."""
    roster.db.execute(
        "create function slow() returns int language sql as 'select 1 from pg_sleep(60)';"
        "grant execute on function slow to mentor_pause_job"
    )
    with closing(PooledTransport(cluster.url(roster.db))) as transport:
        with ends_in_time("no answer"):
            transport.call("slow", {})
        transport.call("assert_org_scope", SCOPE)
    busy = "select from pg_stat_activity where usename = 'mentor_pause_job' and state = 'active'"
    deadline = time.monotonic() + 5
    while roster.rows(busy):
        assert time.monotonic() < deadline, "the server still works on it"
