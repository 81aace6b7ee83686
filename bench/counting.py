"""A proxy in front of the AWS emulator that counts requests and DynamoDB's units.

DynamoDB bills a write by the size of the item, in steps of 1 KB, and twice that in a transaction.
It bills a consistent read in steps of 4 KB. The proxy takes the sizes from the items that pass.
"""

import json
import threading
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from math import ceil
from typing import Any, cast

from local.processes import LOOPBACK

_PASSED_ON = ("content-length", "transfer-encoding", "connection")


class Counts:
    """The number of requests of each operation, and the units of DynamoDB."""

    def __init__(self) -> None:
        """Start with no counts."""
        self.operations: Counter[str] = Counter()
        self.read_units = 0
        self.write_units = 0
        self._sizes: dict[str, int] = {}
        self._lock = threading.Lock()

    def clear(self) -> None:
        """Set all counts to zero."""
        self.__init__()

    def note(self, target: str, asked: dict[str, Any], answer: dict[str, Any]) -> None:
        """Count one request by its target, the header `X-Amz-Target`."""
        operation = target.rpartition(".")[2]
        with self._lock:
            self.operations[operation] += 1
            if operation == "UpdateItem":
                self.write_units += self._written(asked["Key"], answer.get("Attributes"))
            for action in asked.get("TransactItems", []):
                ((kind, part),) = action.items()
                item = part.get("Item")
                key = {k: item[k] for k in ("pk", "sk")} if kind == "Put" else part["Key"]
                self.write_units += 2 * self._written(key, item)
            if operation in ("GetItem", "Query"):
                items = [answer["Item"]] if "Item" in answer else answer.get("Items", [])
                size = sum(map(item_size, cast("list[dict[str, Any]]", items)))
                self.read_units += max(1, ceil(size / 4096))
            for items in answer.get("Responses", {}).values():
                self.read_units += sum(max(1, ceil(item_size(item) / 4096)) for item in items)

    def _written(self, key: dict[str, Any], item: dict[str, Any] | None) -> int:
        """Return the units of a write; an item that is not in the request keeps its last size."""
        name = json.dumps(key, sort_keys=True)
        if item:
            self._sizes[name] = item_size(item)
        return max(1, ceil(self._sizes.get(name, 0) / 1024))


def item_size(item: dict[str, Any]) -> int:
    """Return an item's size as DynamoDB counts it: names, texts, about one byte for two digits."""
    return sum(len(name) + _value_size(value) for name, value in item.items())


def _value_size(value: dict[str, Any]) -> int:
    ((kind, found),) = value.items()
    if kind == "L":
        return 3 + sum(1 + _value_size(one) for one in found)
    if kind in ("SS", "NS"):
        return sum(len(one) if kind == "SS" else len(one) // 2 + 1 for one in found)
    return len(found) // 2 + 1 if kind == "N" else len(str(found))


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore the closed connection of a function whose process has ended."""


@contextmanager
def counting_proxy(port: int) -> Generator[tuple[str, Counts]]:
    """Serve on the loopback interface and forward to the emulator; yield the URL and the counts."""
    counts = Counts()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            emulator = HTTPConnection(LOOPBACK, port)
            emulator.request("POST", self.path, body, dict(self.headers))
            answer = emulator.getresponse()
            data = answer.read()
            if target := self.headers.get("X-Amz-Target"):
                counts.note(target, json.loads(body), json.loads(data or b"{}"))
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in _PASSED_ON:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
            emulator.close()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

    server = _Server((LOOPBACK, 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://{LOOPBACK}:{server.server_address[1]}", counts
    finally:
        server.shutdown()
        server.server_close()
