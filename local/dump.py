"""A database's schema and a server's roles as text, by PostgreSQL's own `pg_dump`."""

import os
import subprocess
from itertools import groupby

from local.postgres import binaries, connection_variables

_GUARDS = ("\\restrict ", "\\unrestrict ")
"""Lines with a random key, which newer versions of `pg_dump` write."""


def dump_schema(url: str) -> str:
    """Return everything in a database but rows and the list of applied migrations.

    The grants of one object are sorted: their order says only which of them was made first.
    """
    return _dump(url, "pg_dump", "--schema-only", "--exclude-schema=supabase_migrations")


def dump_roles(url: str) -> str:
    """Return the roles of a server with their settings, without passwords."""
    return _dump(url, "pg_dumpall", "--roles-only", "--no-role-passwords")


def _dump(url: str, program: str, *options: str) -> str:
    done = subprocess.run(
        [str(binaries() / program), *options],
        env=os.environ | connection_variables(url), check=True, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    lines = [line for line in done.stdout.splitlines() if not line.startswith(_GUARDS)]
    runs = [(grants, list(run)) for grants, run in groupby(lines, _grants)]
    return "".join(f"{line}\n" for grants, run in runs for line in (sorted(run) if grants else run))


def _grants(line: str) -> bool:
    return line.startswith(("GRANT ", "ALTER DEFAULT PRIVILEGES "))
