"""PgBouncer before a database, in transaction mode with SCRAM, as a process of its own.

with pgbouncer(cluster.url(roster.db)) as pooler:
    connect(pooler.url)
    pooler.pause(); pooler.resume()      # queries wait
    pooler.kill(); pooler.start()        # connections are lost
    pooler.freeze(); pooler.thaw()       # the process stands still
    pooler.through(other_url)            # another of the roles given
"""

import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from local.postgres import _as_nobody
from local.processes import LOOPBACK, free_port, wait_until

_ADMIN = "pooler_admin"
_PROGRAM = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin")

needs_pgbouncer = pytest.mark.skipif(
    _PROGRAM is None, reason="notice: pgbouncer is not here, no pooler is tested"
)
"""Marks tests that need the program; Debian's package is `pgbouncer`."""


class Pooler:
    """A PgBouncer; it takes the roles of the URLs that it was made for."""

    def __init__(self, folder: Path, urls: tuple[str, ...], settings: dict[str, object]) -> None:
        """`urls` name one server and its roles; `settings` are PgBouncer's own."""
        self._folder = folder
        self._admin_password = secrets.token_hex(8)
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()
        self.url = self.through(urls[0])
        """The first URL's database and role, through the pooler."""
        self._write_users(urls)
        self._write_settings(urls[0], settings)

    def through(self, url: str) -> str:
        """Return the URL of a database or role by way of the pooler."""
        user, _, behind = url.rpartition("@")
        return f"{user}@{LOOPBACK}:{self.port}/{behind.partition('/')[2]}"

    def start(self) -> None:
        """Start the program, and wait until it takes connections."""
        command = (*_as_nobody(), str(_PROGRAM), str(self._folder / "pgbouncer.ini"))
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        wait_until(self._listens, 10, "PgBouncer takes connections")

    def kill(self) -> None:
        """End the program without a word to its clients."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)

    def freeze(self) -> None:
        """Let the program stand still (SIGSTOP)."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on (SIGCONT)."""
        self._signal(signal.SIGCONT)

    def pause(self) -> None:
        """Let every query wait."""
        self.tell("pause")

    def resume(self) -> None:
        """Let queries through again."""
        self.tell("resume")

    def reconnect(self) -> None:
        """Close each connection to the server once its transaction has ended."""
        self.tell("reconnect")

    def tell(self, command: str) -> list[tuple[object, ...]]:
        """Give a command of PgBouncer's console, and return what it shows."""
        with closing(
            psycopg.connect(
                host=LOOPBACK, port=self.port, user=_ADMIN, password=self._admin_password,
                dbname="pgbouncer", autocommit=True, connect_timeout=5,
            )
        ) as console:  # fmt: skip
            cursor = console.execute(command.encode())
            return cursor.fetchall() if cursor.description else []

    def log(self) -> str:
        """Return what the program has logged."""
        return (self._folder / "log").read_text()

    def _signal(self, number: signal.Signals) -> None:
        assert self._process, "the pooler was not started"
        self._process.send_signal(number)

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex((LOOPBACK, self.port)) == 0

    def _write_users(self, urls: tuple[str, ...]) -> None:
        parts = [conninfo_to_dict(url) for url in urls]
        passwords = {str(part["user"]): str(part["password"]) for part in parts}
        passwords[_ADMIN] = self._admin_password
        users = "".join(f'"{user}" "{password}"\n' for user, password in passwords.items())
        (self._folder / "users").write_text(users)

    def _write_settings(self, url: str, settings: dict[str, object]) -> None:
        server = conninfo_to_dict(url)
        given = {
            "listen_addr": LOOPBACK, "listen_port": self.port, "unix_socket_dir": "",
            "auth_type": "scram-sha-256", "auth_file": self._folder / "users",
            "admin_users": _ADMIN, "pool_mode": "transaction", "server_login_retry": 1,
        } | settings  # fmt: skip
        lines = [
            "[databases]",
            f"* = host={server['host']} port={server['port']}",
            "[pgbouncer]",
            *(f"{name} = {value}" for name, value in given.items()),
        ]
        (self._folder / "pgbouncer.ini").write_text("\n".join(lines) + "\n")


@contextmanager
def pgbouncer(*urls: str, **settings: object) -> Generator[Pooler]:
    """Run PgBouncer before the server of these URLs, for their roles.

    `settings` are PgBouncer's, such as `max_client_conn=3`. Without the program the test is
    skipped.
    """
    if _PROGRAM is None:
        pytest.skip("notice: pgbouncer is not here, no pooler is tested")
    with tempfile.TemporaryDirectory(prefix="pgbouncer-") as name:
        pooler = Pooler(Path(name), urls, settings)
        pooler.start()
        try:
            yield pooler
        finally:
            pooler.kill()
