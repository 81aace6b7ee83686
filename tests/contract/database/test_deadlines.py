"""No call of the database outlives its budget, whatever the peer does (R2)."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from urllib.parse import urlsplit

import pytest

from mentor_pause.database.pooled import PooledTransport
from mentor_pause.database.rest import RestTransport
from mentor_pause.database.transport import Transport
from support.cluster import Cluster
from support.deadlines import SCOPE, ends_in_time
from support.postgrest import SECRET_KEY, postgrest
from support.proxy import Proxy, running_proxy, silent_addresses, silent_server
from support.roster import Roster


@pytest.fixture(params=["pooled", "rest"])
def behind_proxy(
    request: pytest.FixtureRequest, roster: Roster, cluster: Cluster
) -> Iterator[tuple[Transport, Proxy]]:
    """Each transport, warm, to its peer behind a proxy that can be at fault."""
    with ExitStack() as stack:
        if request.param == "pooled":
            url = urlsplit(cluster.url(roster.db))
        else:
            owner_url = cluster.server.url(str(roster.db.info.dbname))
            url = urlsplit(stack.enter_context(postgrest(owner_url)))
        proxy = stack.enter_context(running_proxy((url.hostname or "", url.port or 0)))
        proxied = url.geturl().replace(f":{url.port}", f":{proxy.port}")
        wire = (
            PooledTransport(proxied)
            if request.param == "pooled"
            else RestTransport(proxied, SECRET_KEY)
        )
        stack.enter_context(closing(wire))
        wire.call("assert_org_scope", SCOPE)
        yield wire, proxy


def test_a_peer_that_is_frozen(behind_proxy: tuple[Transport, Proxy]) -> None:
    """R2: the connection stays open, and nothing comes; afterwards the next call connects."""
    wire, proxy = behind_proxy
    proxy.freeze()
    for _ in range(2):  # in mid-session, and at a new connection
        with ends_in_time("^no (answer from|connection to) the database within"):
            wire.call("assert_org_scope", SCOPE)
    proxy.thaw()
    assert wire.call("assert_org_scope", SCOPE)[0]["slug"] == "hlf"


def test_a_peer_that_drips(behind_proxy: tuple[Transport, Proxy]) -> None:
    """Each byte comes within every socket time-out, the headers too."""
    wire, proxy = behind_proxy
    proxy.drip = 0.2
    with ends_in_time("no answer from the database within 10 s"):
        wire.call("assert_org_scope", SCOPE)
    proxy.drip = 0.0
    assert wire.call("assert_org_scope", SCOPE)[0]["slug"] == "hlf"


@pytest.mark.parametrize("count", [0, 1, 30])
def test_a_peer_that_closes_in_the_middle(
    behind_proxy: tuple[Transport, Proxy], count: int
) -> None:
    """It is unavailable, and the connection is not used again."""
    wire, proxy = behind_proxy
    proxy.close_after(count)
    with ends_in_time("no connection to the database: "):
        wire.call("assert_org_scope", SCOPE)
    proxy.close_after(None)
    assert wire.call("assert_org_scope", SCOPE)[0]["slug"] == "hlf"


def to(kind: str, host: str, port: int) -> Transport:
    """A transport to an address."""
    if kind == "rest":
        return RestTransport(f"http://{host}:{port}", SECRET_KEY)
    return PooledTransport(f"postgresql://job:secret@{host}:{port}/x")


@pytest.mark.parametrize("kind", ["pooled", "rest"])
def test_a_peer_that_takes_the_connection_and_says_nothing(kind: str) -> None:
    """A login, or a request, without any answer."""
    with (
        silent_server() as (host, port),
        closing(to(kind, host, port)) as wire,
        ends_in_time("within"),
    ):
        wire.call("assert_org_scope", SCOPE)


@pytest.mark.parametrize("kind", ["pooled", "rest"])
def test_addresses_that_are_silent(kind: str) -> None:
    """R2: libpq counts its time-out per address; the attempt as a whole is bounded."""
    hosts = ("127.0.0.2", "127.0.0.3", "127.0.0.4")
    with silent_addresses(*hosts) as port:
        url = f"postgresql://job:secret@{','.join(f'{host}:{port}' for host in hosts)}/x"
        wire = PooledTransport(url) if kind == "pooled" else to(kind, hosts[0], port)
        with closing(wire), ends_in_time("within"):
            wire.call("assert_org_scope", SCOPE)


@pytest.mark.parametrize("kind", ["pooled", "rest"])
def test_no_call_begins_without_time(kind: str) -> None:
    """Nothing is sent."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0)
        wire = to(kind, "127.0.0.1", listener.getsockname()[1])
        with closing(wire), ends_in_time("no answer from the database within", budget=0):
            wire.call("assert_org_scope", SCOPE)
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_a_call_that_is_given_up_is_cancelled(roster: Roster, cluster: Cluster) -> None:
    """The server does not go on with it, and holds no lock for it."""
    roster.db.execute(
        "create function slow() returns int language sql as 'select 1 from pg_sleep(60)';"
        "grant execute on function slow to mentor_pause_job"
    )
    with closing(PooledTransport(cluster.url(roster.db))) as wire:
        with ends_in_time("no answer"):
            wire.call("slow", {})
        wire.call("assert_org_scope", SCOPE)
    busy = "select from pg_stat_activity where usename = 'mentor_pause_job' and state = 'active'"
    deadline = time.monotonic() + 5
    while roster.rows(busy):
        assert time.monotonic() < deadline, "the server still works on it"
