"""Measures the client's CPU time of one REST call, against a server that answers at once.

The server is a process of its own on the loopback interface, and sends the same bytes for every
request. `process_time` counts all threads of this process. The contenders take turns.
"""

import json
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from http.client import HTTPConnection
from uuid import UUID

import httpx
from rich.console import Console
from rich.table import Table

from local.template import ROOT
from mentor_pause.database.rest import RestTransport, encode_arguments

CALLS, ROUNDS = 1000, 15
_FUNCTION = "update_mentor_status"
_PATH = f"/rest/v1/rpc/{_FUNCTION}"
_KEY = "sb_secret_" + "x" * 30
_HEADERS = {"apikey": _KEY, "Content-Type": "application/json", "Prefer": "count=exact"}
_ARGUMENTS = {
    "p_mentor_id": UUID(int=1), "p_org_id": UUID(int=2), "p_status": "paused",
    "p_reason": "certification_expired", "p_job_run_id": UUID(int=3), "p_as_of": "2026-11-27",
    "p_expected_version": None, "p_dry_run": False,
}  # fmt: skip
_ROWS = [
    {
        "mentor_id": str(UUID(int=1)), "outcome": "paused", "previous_status": "active",
        "new_status": "paused", "version": 2, "certification_expiry_date": "2026-11-26",
    }
]  # fmt: skip

type Call = Callable[[], object]


def _serve(connection: socket.socket) -> None:
    body = json.dumps(_ROWS).encode()
    head = (
        "HTTP/1.1 200 OK\r\nDate: Fri, 27 Nov 2026 02:00:00 GMT\r\nServer: postgrest\r\n"
        "Content-Range: 0-0/1\r\nContent-Type: application/json; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    answer = head.encode() + body
    with connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        reader = connection.makefile("rb")
        while reader.readline():
            lines = [line.lower() for line in iter(reader.readline, b"\r\n")]
            (length,) = (line for line in lines if line.startswith(b"content-length:"))
            reader.read(int(length.partition(b":")[2]))
            connection.sendall(answer)


def _serve_for_ever() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        sys.stdout.write(f"{listener.getsockname()[1]}\n")
        sys.stdout.flush()
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=_serve, args=(connection,), daemon=True).start()


@contextmanager
def _server() -> Generator[int]:
    command = [sys.executable, "-m", "bench.rest_cpu"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as server:
        try:
            yield int(server.stdout.readline() if server.stdout else 0)
        finally:
            server.terminate()


def _contenders(port: int) -> dict[str, Call]:
    """Return a call by each client; each encodes the arguments and decodes the answer."""
    url = f"http://127.0.0.1:{port}"
    connection = HTTPConnection("127.0.0.1", port)

    def standard() -> object:
        connection.request("POST", _PATH, encode_arguments(_ARGUMENTS), _HEADERS)
        return json.loads(connection.getresponse().read())

    transport = RestTransport(url, _KEY)
    below = httpx.HTTPTransport()

    def without_client() -> object:
        content = encode_arguments(_ARGUMENTS)
        request = httpx.Request("POST", f"{url}{_PATH}", headers=_HEADERS, content=content)
        return json.loads(below.handle_request(request).read())

    client = httpx.Client(base_url=url, headers=_HEADERS, trust_env=False)

    def with_client() -> object:
        return client.post(_PATH, content=encode_arguments(_ARGUMENTS)).json()

    return {
        "standard library, no deadline": standard,
        "REST transport": lambda: transport.call(_FUNCTION, _ARGUMENTS),
        "httpx, its transport alone, no deadline": without_client,
        "httpx, its client, no deadline": with_client,
    }


def _microseconds(call: Call) -> float:
    """Return the CPU time of one call, as the mean of many."""
    began = time.process_time()
    for _ in range(CALLS):
        call()
    return (time.process_time() - began) / CALLS * 1e6


def main(console: Console) -> None:
    """Measure the clients in turns, and print the table."""
    with _server() as port:
        contenders = _contenders(port)
        found: dict[str, list[float]] = {name: [] for name in contenders}
        for _ in range(ROUNDS):
            for name, call in contenders.items():
                found[name].append(_microseconds(call))
    first = next(iter(found.values()))
    table = Table("one call", "us", "least", "ratio", "from", "to")
    for name, times in found.items():
        ratios = [one / least for one, least in zip(times, first, strict=True)]
        table.add_row(
            name, f"{statistics.median(times):.0f}", f"{min(times):.0f}",
            f"{statistics.median(ratios):.2f}", f"{min(ratios):.2f}", f"{max(ratios):.2f}",
        )  # fmt: skip
    console.print(f"{ROUNDS} rounds of {CALLS} calls: medians; CPU time of the client")
    console.print(table)


if __name__ == "__main__":
    _serve_for_ever()
