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

from local import database
from local.errors import StackError
from local.postgres import Server, connection_variables

_PACKAGES = {"pg_prove": "libtap-parser-sourcehandler-pgtap-perl postgresql-15-pgtap"}


@contextmanager
def scratch_database(
    build: Callable[[str], object] = database.migrate, *, durable: bool = False
) -> Generator[str]:
    """Yield the owner's URL of a new database on a server of its own, after `build` has filled it.

    Its commits wait for the disk if `durable`.
    """
    with TemporaryDirectory() as folder:
        server = Server(Path(folder), durable)
        server.start()
        try:
            database.create_database(server.url("postgres"), "scratch")
            database.create_supabase_roles(server.url("scratch"))
            build(server.url("scratch"))
            yield server.url("scratch")
        finally:
            server.stop()


def run_command(main: Callable[[], int]) -> int:
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
        environ = os.environ | connection_variables(url)
        return subprocess.run(sys.argv[1:], check=False, env=environ).returncode


if __name__ == "__main__":
    sys.exit(run_command(main))
