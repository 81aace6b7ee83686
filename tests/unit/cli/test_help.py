"""Help and completion are quick and complete, and correct typing errors (O3)."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence

import click
import pytest

from cli.failures import EXIT_CODES
from cli.faults import FAULTS, MANNERS, describe_faults, describe_manner
from cli.main import cli
from local.places import ROOT
from local.portal_manners import Fault
from support.command_line import type_command

_SLOW = {"boto3", "botocore", "psycopg", "httpx", "pydantic", "rich", "watchfiles", "yaml", "jwt"}
_LOOK = """
import json, sys
from cli.failures import run_guarded
from cli.main import cli
from local.places import ROOT
try:
    code = run_guarded(cli, sys.argv[1:])
except SystemExit as ended:
    code = ended.code
sys.stderr.write(json.dumps([code, sorted(sys.modules)]))
"""


def commands(group: click.Group) -> Iterator[click.Command]:
    """Yield every command of a group and of the groups in it."""
    for command in group.commands.values():
        yield command
        if isinstance(command, click.Group):
            yield from commands(command)


@pytest.mark.parametrize(
    ("arguments", "env"),
    [
        (("--help",), {}),
        (("run", "--help"), {}),
        (("local", "fault", "--help"), {}),
        (("portal", "--help"), {}),
        (("messages", "--help"), {}),
        (("local", "mail", "--help"), {}),
        ((), {"_MENTOR_PAUSE_COMPLETE": "bash_complete", "COMP_WORDS": "mentor-pause run ",
              "COMP_CWORD": "2"}),
        ((), {"_MENTOR_PAUSE_COMPLETE": "bash_source"}),
    ],
    ids=["help", "run", "fault", "portal", "messages", "mail", "completion", "completion script"],
)  # fmt: skip
def test_help_and_completion_load_no_client(arguments: Sequence[str], env: dict[str, str]) -> None:
    """AWS's client, the database's client and the drawing of tables take seconds to load."""
    done = subprocess.run(
        [sys.executable, "-c", _LOOK, *arguments],
        capture_output=True, text=True, check=True, env=env,
    )  # fmt: skip
    code, modules = json.loads(done.stderr)
    assert code == 0
    assert done.stdout
    assert not _SLOW & {module.partition(".")[0] for module in modules}


def test_the_summary_of_a_command_is_a_whole_sentence() -> None:
    """A list of commands cuts nothing."""
    for command in commands(cli):
        assert command.get_short_help_str(48).endswith("."), command.name
        assert not command.get_short_help_str(48).endswith("..."), command.name


def test_the_help_of_faults_names_each_fault_and_each_manner() -> None:
    """They are the words to type after the command."""
    shown = " ".join(type_command("local", "fault", "--help").stdout.split())
    for kind in (*FAULTS, *MANNERS):
        assert kind in shown


@pytest.mark.parametrize(
    ("kind", "times", "text"),
    [
        ("down", 3, "the next 3 requests: down"), ("down", 1, "the next request: down"),
        ("down", 0, "no faults; manners last until --off"),
        ("none", 1, "no faults; manners last until --off"),
    ],
)  # fmt: skip
def test_a_fault_prints_the_active_faults(kind: Fault, times: int, text: str) -> None:
    """So does a manner."""
    assert describe_faults([kind for _ in range(times)]) == text
    on = describe_manner("foreign rows", ("1017", "1018"), is_on=True)
    assert on == "foreign rows: on, for 1017, 1018"
    assert describe_manner("gzip", (), is_on=False) == "gzip: off"


def test_help_names_the_exit_codes() -> None:
    """Each has its meaning, on its own line."""
    shown = type_command("--help")
    assert (shown.returncode, shown.stderr) == (0, "")
    lines = [line.strip() for line in shown.stdout.splitlines()]
    assert [f"{code:<4} {meaning}" for code, meaning in EXIT_CODES.items()] == lines[-4:]
    assert list(EXIT_CODES) == [0, 1, 2, 130]
    assert max(map(len, shown.stdout.splitlines()[-4:])) <= 60


def test_the_page_has_the_same_exit_codes() -> None:
    """docs/command-line.md has a row for each."""
    page = (ROOT / "docs/command-line.md").read_text()
    rows = re.findall(r"^\| (\d+) \| ", page, re.MULTILINE)
    assert list(map(int, rows)) == list(EXIT_CODES)


@pytest.mark.parametrize(
    ("arguments", "near"),
    [
        (("rnus",), "Did you mean 'runs'?"),
        (("portal", "drfit"), "Did you mean 'drift'?"),
        (("run", "certification-expiry"), "Did you mean 'certification_expiry'?"),
        (("run", "hlfsync"), "Did you mean 'hlf_sync'?"),
        (("run", "hlf_sync", "--folow"), "Did you mean '--follow'?"),
        (("local", "fault", "throtled"), "did you mean 'throttled'?"),
        (("runs", "--follow"), "--follow needs the id of a run; list the runs: mentor-pause runs"),
    ],
)
def test_a_typing_error_gets_a_suggestion(arguments: Sequence[str], near: str) -> None:
    """For commands, options, jobs and faults."""
    shown = type_command(*arguments)
    assert (shown.returncode, shown.stdout) == (2, "")
    assert near in " ".join(shown.stderr.split())
