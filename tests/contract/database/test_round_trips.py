"""Each call of a database function takes one round trip."""

import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager
from uuid import uuid4

import httpx
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from mentor_pause.database.client import Database
from mentor_pause.database.pooled import PooledTransport
from mentor_pause.database.rest import RestTransport
from support.cluster import Cluster
from support.database_client import pause
from support.played_http import played
from support.roster import Roster


@contextmanager
def counting_proxy(host: str, port: int) -> Generator[tuple[int, list[int]]]:
    """A TCP proxy that counts the server's ReadyForQuery messages; each ends a round trip."""
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


def test_the_pooled_transport_takes_one_round_trip_per_mentor(
    roster: Roster, cluster: Cluster
) -> None:
    """One ReadyForQuery for the connection, and one for each call."""
    mentors = roster.add_mentors(25)
    url = cluster.url(roster.db)
    parts = conninfo_to_dict(url)
    with counting_proxy(str(parts["host"]), int(str(parts["port"]))) as (port, counted):
        proxied = make_conninfo(url, port=port, sslmode="disable")
        transport = PooledTransport(proxied)
        for mentor in mentors:
            assert pause(Database(transport), mentor) == "changed"
        assert counted == [1 + len(mentors)]
        transport.close()


def test_the_rest_transport_takes_one_request_per_mentor() -> None:
    """The client reuses its connection."""
    seen: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(f"{request.method} {request.url}")
        row = {"outcome": "changed", "previous_status": "active", "new_status": "paused",
               "certification_expiry_date": None, "version": 2, "changed_at": None}  # fmt: skip
        return httpx.Response(200, json=[row])

    pause(Database(RestTransport("http://p/", "k", played(handler))), uuid4())
    assert seen == ["POST http://p/rest/v1/rpc/update_mentor_status"]
