"""Runs a command beside a database of its own: `python -m local.scratch COMMAND...`.

The database is new and migrated, on a server that ends with the command; `PGHOST` and the like
name it.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from psycopg.conninfo import conninfo_to_dict

from local import database
from local.errors import StackError
from local.postgres import Server

_VARIABLES = {
    "PGHOST": "host", "PGPORT": "port", "PGUSER": "user", "PGPASSWORD": "password",
    "PGDATABASE": "dbname",
}  # fmt: skip

_PACKAGES = {"pg_prove": "libtap-parser-sourcehandler-pgtap-perl postgresql-15-pgtap"}


@contextmanager
def scratch_database(*, durable: bool = False) -> Generator[str]:
    """Yield the owner's URL of a migrated database; its commits wait for the disk if `durable`."""
    with TemporaryDirectory() as folder:
        server = Server(Path(folder), durable)
        server.start()
        try:
            database.create_database(server.url("postgres"), "scratch")
            database.create_supabase_roles(server.url("scratch"))
            database.migrate(server.url("scratch"))
            yield server.url("scratch")
        finally:
            server.stop()


def variables(url: str) -> dict[str, str]:
    """Return the environment by which PostgreSQL's programs find a database; no `ps` shows it."""
    parts = conninfo_to_dict(url)
    return {name: str(parts[part]) for name, part in _VARIABLES.items()}


def told(main: Callable[[], int]) -> int:
    """Run a command; what is missing on this machine becomes one sentence and exit code 2."""
    try:
        return main()
    except (StackError, FileNotFoundError) as error:
        sys.stderr.write(f"{error}\n")
        return 2


def _check_installed(program: str) -> None:
    """Look for the command before a server starts for it.

    Raises:
        StackError: it is not installed; the message says what to install.
    """
    if shutil.which(program) is None:
        package = _PACKAGES.get(program)
        how = f"on Debian: apt-get install {package}" if package else "install it, or correct PATH"
        raise StackError(f"{program} is not installed; {how}")


def main() -> int:
    """Run the command, and return its exit code."""
    _check_installed(sys.argv[1])
    with scratch_database() as url:
        return subprocess.run(sys.argv[1:], check=False, env=os.environ | variables(url)).returncode


if __name__ == "__main__":
    sys.exit(told(main))
