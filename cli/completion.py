"""What the shell completes: names of jobs, and ids of runs. It is quick, and silent on failure."""

import difflib
from contextlib import closing, suppress
from threading import Thread
from typing import Any, override
from uuid import UUID

import click
from click.shell_completion import CompletionItem

from mentor_pause.domain.jobs import JOBS

_SECONDS = 3.0
"""How long the person at the terminal waits for ids at most."""
_NEWEST = 20


class JobName(click.ParamType[str]):
    """A job that the dispatcher can start."""

    name = "job"

    @override
    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return a known name; the message about another one says which is near."""
        if value not in JOBS:
            near = difflib.get_close_matches(value, JOBS)
            hint = f". Did you mean {near[0]!r}?" if near else ""
            self.fail(f"unknown job; known jobs: {', '.join(sorted(JOBS))}{hint}", param, ctx)
        return value

    @override
    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Return the jobs that begin so."""
        return [CompletionItem(name) for name in sorted(JOBS) if name.startswith(incomplete)]


class RunId(click.types.UUIDParameterType):
    """The id of a run."""

    @override
    def convert(
        self, value: UUID | str, param: click.Parameter | None, ctx: click.Context | None
    ) -> UUID:
        """Return the id; the message about anything else says where ids are found."""
        try:
            return value if isinstance(value, UUID) else UUID(value.strip())
        except ValueError:
            raise click.BadParameter(
                f"{value!r} is not the id of a run; see the ids with: mentor-pause runs",
                ctx, param, param_hint="JOB_RUN_ID",
            ) from None  # fmt: skip

    @override
    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Return the newest runs whose ids begin so."""
        found = recent_runs(ctx.params.get("stack_name"))
        return [CompletionItem(i, help=told) for i, told in found if i.startswith(incomplete)]


def recent_runs(stack_name: str | None) -> list[tuple[str, str]]:
    """Return the newest runs of a stack, each with what tells it apart; none if it takes long."""
    found: list[tuple[str, str]] = []

    def look() -> None:
        with suppress(Exception):
            found.extend(_deployed(stack_name) if stack_name else _local())

    looking = Thread(target=look, daemon=True)
    looking.start()
    looking.join(_SECONDS)
    return found


def _local() -> list[tuple[str, str]]:
    """Ask the local database alone, which needs neither the emulator nor a client of AWS."""
    import psycopg

    from local.places import DATABASE, state_folder
    from local.postgres import Server

    url = Server(state_folder() / "postgres").url(DATABASE)
    with psycopg.connect(url, connect_timeout=2) as connection:
        rows = connection.execute(
            "select job_run_id, job_name, status, dry_run from public.scheduler_execution_log"
            " order by started_at desc, id desc limit %s",
            (_NEWEST,),
        ).fetchall()
    return [_told(*row) for row in rows]


def _deployed(stack_name: str) -> list[tuple[str, str]]:
    from cli.stacks import open_stack

    stack = open_stack(stack_name)
    with closing(stack.connect()) as database:
        rows = database.list_executions(stack.org_id, _NEWEST)
    return [_told(row.job_run_id, row.job_name, row.status, row.dry_run) for row in rows]


def _told(job_run_id: Any, job: str, status: str, dry_run: Any) -> tuple[str, str]:  # noqa: ANN401 - of a database row
    return str(job_run_id), f"{'dry run' if dry_run else 'run'} of {job}, {status}"
