"""The command `mentor-pause`."""

import sys

import click

from cli.failures import EXIT_CODES, open_missing_outputs, run_guarded
from cli.local import local
from cli.mentor_commands import mentor, monitor, stale
from cli.message_commands import messages
from cli.plan_commands import approve, last_night, plan, why, withdraw
from cli.portal_commands import portal
from cli.run_commands import nightly, redrive, run, runs, summary

_EPILOG = "\b\nExit codes:\n" + "\n".join(
    f"  {code:<4} {meaning}" for code, meaning in EXIT_CODES.items()
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, epilog=_EPILOG)
@click.version_option(package_name="mentor-pause")
def cli() -> None:
    """Pause peer mentors whose certification has expired: run jobs, watch them, try them locally.

    Results go to standard output, notices to standard error.

    docs/command-line.md explains shell completion, JSON output and environment variables.
    """


for _command in (
    last_night, run, runs, redrive, plan, approve, withdraw, summary, nightly, why, mentor, stale,
    monitor, messages, local, portal,
):  # fmt: skip
    cli.add_command(_command)


def main() -> None:
    """Run the command, and exit with its code."""
    open_missing_outputs()
    sys.exit(run_guarded(cli, sys.argv[1:]))
