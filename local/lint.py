"""Lints the migrated database with Supabase's command line, in the place that its argument names.

`db lint` checks the functions' bodies and needs the extension plpgsql_check, which Debian has and
the embedded PostgreSQL has not; `db advisors` checks what Supabase's dashboard warns of, with the
schemas exposed as on Supabase. The findings in `ACCEPTED` are intended; any other one is an error.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
from psycopg import sql

from local.scratch import run_command, scratch_database

_DEFINER = "authenticated_security_definer_function_executable"
ACCEPTED: Mapping[str, str] = {
    "public.update_mentor_status(p_mentor_id uuid, p_org_id uuid, p_status text, p_reason text,"
    " p_job_run_id uuid, p_as_of date, p_expected_version integer, p_dry_run boolean,"
    " p_wait boolean)": "asks who the caller is before it changes a status (S3)",
    "public.get_mentor_status(p_mentor_id uuid, p_org_id uuid)": "returns only mentors whom the"
    " caller may change (S2)",
    "public.coordinator_mentor_statuses(p_coordinator_id uuid, p_after uuid, p_limit integer)": (
        "returns the mentors of the caller alone (S4, S7)"
    ),
    "public.coordinator_mentor_certifications(p_coordinator_id uuid, p_mentor_id uuid)": (
        "returns the mentors of the caller alone (S4, S7)"
    ),
    "public.coordinator_mentor_history(p_coordinator_id uuid, p_mentor_id uuid, p_before bigint,"
    " p_limit integer)": "returns the mentors of the caller alone (S4, S7)",
    "public.list_my_messages(p_before bigint, p_limit integer)": "returns the messages of the"
    " caller alone (W3)",
    "public.mark_messages_read(p_ids bigint[])": "changes the messages of the caller alone (W3)",
    "public.list_unreachable_mentors(p_org_id uuid, p_after uuid, p_limit integer)": (
        "returns the mentors of the caller alone (W6)"
    ),
    "public.plan_certification_expiry(p_org_id uuid, p_as_of date, p_after uuid, p_limit"
    " integer)": "returns only mentors whom the caller may see (G1)",
    "public.get_plan(p_org_id uuid, p_job_run_id uuid)": "returns counts to members alone (G1)",
    "public.list_plan(p_org_id uuid, p_job_run_id uuid, p_user_id uuid, p_after uuid,"
    " p_limit integer)": "returns only mentors whom the caller may see (G1)",
    "public.approve_plan(p_job_run_id uuid, p_plan_hash text, p_note text, p_approver text)": (
        "refuses everybody but administrators, and the one who asked for the run (G4)"
    ),
    "public.get_my_access(p_org_id uuid)": ("tells of the caller alone (C1)"),
    "public.get_tonight(p_org_id uuid)": ("answers members of the organisation alone (C1)"),
    "public.get_weekly_figures(p_org_id uuid)": ("answers members of the organisation alone (C1)"),
    "public.list_checks(p_org_id uuid, p_before bigint, p_limit integer)": (
        "answers members of the organisation alone (C1)"
    ),
    "public.get_check(p_org_id uuid, p_job_run_id uuid, p_after uuid)": (
        "answers members of the organisation alone (C1)"
    ),
    "public.get_mentor_page(p_org_id uuid, p_mentor_id uuid)": (
        "shows only mentors whom the caller may see (C3)"
    ),
    "public.list_names(p_org_id uuid, p_mentor_ids uuid[])": (
        "names only mentors whom the caller may see (C2)"
    ),
    "public.get_held(p_org_id uuid, p_after uuid)": ("answers administrators alone (C1)"),
    "public.preview_withdrawal(p_org_id uuid, p_job_run_id uuid)": (
        "answers administrators alone (C1)"
    ),
    "public.get_website(p_org_id uuid)": ("answers administrators alone (C1)"),
    "public.resend_to_portal(p_org_id uuid)": ("answers administrators alone (C1)"),
    "public.list_undelivered(p_org_id uuid)": ("answers administrators alone (C1)"),
    "public.mark_all_messages_read(p_up_to bigint)": (
        "changes the messages of the caller alone (W3)"
    ),
    "public.list_my_mentors(p_org_id uuid, p_search text, p_show text,"
    " p_after_id uuid, p_limit integer)": "answers members of the organisation alone (C1)",
    "public.explain_mentor(p_mentor_id uuid, p_org_id uuid, p_user_id uuid)": (
        "explains only mentors whom the caller may see (G6)"
    ),
}
"""The definer functions that signed-in people may execute, by schema and signature, and why it is
safe (docs/access.md)."""


def main() -> int:
    """Lint, and return 1 if there is anything at the level of a warning that is not accepted."""
    (program,) = sys.argv[1:]
    with scratch_database() as url:
        _expose_as_on_supabase(url)
        code = _advise(program, url)
        if _has_plpgsql_check(url):
            return max(code, _lint(program, url))
    print("notice: plpgsql_check is not here, the functions' bodies are not linted")  # noqa: T201
    return code


def unaccepted(findings: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what is to be mended of the findings, each as one line."""
    return [
        f"{found['level']}: {found['name']}: {found['detail']}"
        for found in findings
        if not (found["name"] == _DEFINER and _signature(found["metadata"]) in ACCEPTED)
    ]


def _signature(function: Mapping[str, str]) -> str:
    return f"{function['schema']}.{function['name']}({function['arguments']})"


def _expose_as_on_supabase(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        name = sql.Identifier(connection.info.dbname)
        connection.execute(
            sql.SQL("alter database {} set pgrst.db_schemas = 'public, graphql_public'").format(
                name
            )
        )


def _advise(program: str, url: str) -> int:
    done = subprocess.run(
        [program, "db", "advisors", "--level=warn", f"--remote={url}", "--output-format=json"],
        check=False, env=_environment(), text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
    )  # fmt: skip
    if done.returncode != 0:
        return 1
    problems = unaccepted(json.loads(done.stdout)["results"])
    print("\n".join(problems) or "no advice that is not accepted")  # noqa: T201
    return min(1, len(problems))


def _lint(program: str, url: str) -> int:
    level = ("--level=warning", "--fail-on=warning")
    done = subprocess.run(
        [program, "db", "lint", *level, f"--remote={url}"],
        check=False, env=_environment(), stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return min(1, done.returncode)


def _environment() -> dict[str, str]:
    return os.environ | {"DO_NOT_TRACK": "1"}


def _has_plpgsql_check(url: str) -> bool:
    with psycopg.connect(url, autocommit=True) as connection:
        found = connection.execute(
            "select from pg_available_extensions where name = 'plpgsql_check'"
        ).fetchone()
        if found is not None:
            connection.execute("create extension plpgsql_check with schema pg_catalog")
    return found is not None


if __name__ == "__main__":
    sys.exit(run_command(main))
