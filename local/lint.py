"""Lints the migrated database with Supabase's command line, in the place that its argument names.

`db lint` checks the functions' bodies and needs the extension plpgsql_check, which Debian has and
the embedded PostgreSQL has not; `db advisors` checks what Supabase's dashboard warns of.
"""

import os
import subprocess
import sys

import psycopg

from local.scratch import scratch_database, told


def main() -> int:
    """Lint, and return 1 if there is anything at the level of a warning."""
    (program,) = sys.argv[1:]
    with scratch_database() as url:
        checks = [("advisors", "--level=warn", "--fail-on=warn")]
        if _has_plpgsql_check(url):
            checks.append(("lint", "--level=warning", "--fail-on=warning"))
        else:
            print("notice: plpgsql_check is not here, the functions' bodies are not linted")  # noqa: T201
        return max(_run(program, "db", *check, f"--remote={url}") for check in checks)


def _has_plpgsql_check(url: str) -> bool:
    with psycopg.connect(url, autocommit=True) as connection:
        found = connection.execute(
            "select from pg_available_extensions where name = 'plpgsql_check'"
        ).fetchone()
        if found is not None:
            connection.execute("create extension plpgsql_check with schema pg_catalog")
    return found is not None


def _run(*command: str) -> int:
    env = os.environ | {"DO_NOT_TRACK": "1"}
    return min(
        1, subprocess.run(command, check=False, env=env, stdin=subprocess.DEVNULL).returncode
    )


if __name__ == "__main__":
    sys.exit(told(main))
