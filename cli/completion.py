"""Shell completion of job names and run ids. It is fast, and prints nothing on failure."""

import difflib
from contextlib import closing, suppress
from threading import Thread
from typing import Any, override
from uuid import UUID

import click
from click.shell_completion import CompletionItem

from mentor_pause.domain.jobs import STARTABLE

_SECONDS = 3.0
"""The longest wait for run ids."""
_MAX_IDS = 20


class JobName(click.ParamType[str]):
    """The name of a job that the dispatcher can start."""

    name = "job"

    @override
    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return a known name. The error for an unknown name suggests the nearest one."""
        if value not in STARTABLE:
            near = difflib.get_close_matches(value, STARTABLE)
            hint = f". Did you mean {near[0]!r}?" if near else ""
            self.fail(f"unknown job; known jobs: {', '.join(sorted(STARTABLE))}{hint}", param, ctx)
        return value

    @override
    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Return the job names that begin with the typed text."""
        return [CompletionItem(name) for name in sorted(STARTABLE) if name.startswith(incomplete)]


class RunId(click.types.UUIDParameterType):
    """The id of a run."""

    @override
    def convert(
        self, value: UUID | str, param: click.Parameter | None, ctx: click.Context | None
    ) -> UUID:
        """Return the id. The error for other text names the command that lists ids."""
        try:
            return value if isinstance(value, UUID) else UUID(value.strip())
        except ValueError:
            raise click.BadParameter(
                f"{value!r} is not the id of a run; list the ids with: mentor-pause runs",
                ctx, param, param_hint="JOB_RUN_ID",
            ) from None  # fmt: skip

    @override
    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Return the newest runs whose ids begin with the typed text."""
        runs = recent_runs(ctx.params.get("stack_name"))
        return [CompletionItem(i, help=text) for i, text in runs if i.startswith(incomplete)]


def recent_runs(stack_name: str | None) -> list[tuple[str, str]]:
    """Return the newest runs of a stack, each with a description; none if that takes too long."""
    runs: list[tuple[str, str]] = []

    def read() -> None:
        with suppress(Exception):
            runs.extend(_deployed(stack_name) if stack_name else _local())

    reader = Thread(target=read, daemon=True)
    reader.start()
    reader.join(_SECONDS)
    return runs


def _local() -> list[tuple[str, str]]:
    """Read the local database directly: that needs neither the emulator nor an AWS client."""
    import psycopg

    from local.places import DATABASE, state_folder
    from local.postgres import Server

    url = Server(state_folder() / "postgres").url(DATABASE)
    with psycopg.connect(url, connect_timeout=2) as connection:
        rows = connection.execute(
            "select job_run_id, job_name, status, dry_run from public.scheduler_execution_log"
            " order by started_at desc, id desc limit %s",
            (_MAX_IDS,),
        ).fetchall()
    return [_describe(*row) for row in rows]


def _deployed(stack_name: str) -> list[tuple[str, str]]:
    from cli.stacks import open_stack

    stack = open_stack(stack_name)
    with closing(stack.connect()) as database:
        rows = database.list_executions(stack.org_id, _MAX_IDS)
    return [_describe(row.job_run_id, row.job_name, row.status, row.dry_run) for row in rows]


def _describe(job_run_id: Any, job: str, status: str, dry_run: Any) -> tuple[str, str]:  # noqa: ANN401 - from a database row
    return str(job_run_id), f"{'dry run' if dry_run else 'run'} of {job}, {status}"
