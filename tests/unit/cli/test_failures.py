"""Each failure is one sentence with the next command, and an exit code (R6, O3)."""

import http.client
import json
import os
import subprocess
import sys
import urllib.error
from contextlib import redirect_stdout
from pathlib import Path

import botocore.exceptions as botocore
import click
import httpx
import psycopg
import pytest

from cli.failures import Interrupted, NotInOrder, explain, open_missing_outputs, run_guarded
from cli.output import result
from cli.portal import next_step
from local.errors import StackError
from local.places import ROOT
from mentor_pause.errors import Conflict, DatabaseUnavailable, PortalUnavailable
from mentor_pause.portal import Finding
from mentor_pause.portal.preflight import CREDENTIALS
from support.command_line import type_command

SECRET = "https://user:hunter2@db.example.com arn:aws:iam::123456789012:role/x"


def refused(code: str, operation: str = "DescribeStacks") -> botocore.ClientError:
    """Return an error as AWS answers it."""
    return botocore.ClientError({"Error": {"Code": code, "Message": SECRET}}, operation)


@pytest.mark.parametrize(
    ("error", "stack", "code", "sentence"),
    [
        (botocore.NoRegionError(), "prod", 2, "export AWS_REGION=eu-north-1"),
        (botocore.InvalidRegionError(region_name=SECRET), "prod", 2, "not the name of a region"),
        (botocore.NoCredentialsError(), "prod", 2, "AWS credentials are missing; sign in"),
        (botocore.ProfileNotFound(profile="x"), "prod", 2, "aws configure list-profiles"),
        (botocore.SSOTokenLoadError(error_msg=SECRET), "prod", 2, "has expired; sign in"),
        (refused("ExpiredToken"), "prod", 2, "the AWS session has expired; sign in"),
        (refused("InvalidClientTokenId"), "prod", 2, "aws sts get-caller-identity"),
        (refused("AccessDenied", "Invoke"), "prod", 2, "these credentials do not allow Invoke"),
        (refused("Weird"), "prod", 2, "AWS refused DescribeStacks (Weird)"),
        (botocore.EndpointConnectionError(endpoint_url=SECRET), "prod", 2,
         "mentor-pause runs --stack prod"),
        (botocore.EndpointConnectionError(endpoint_url=SECRET), None, 2,
         "mentor-pause local down, then mentor-pause local up"),
        (httpx.RemoteProtocolError(SECRET), None, 2, "(RemoteProtocolError); restart it:"),
        (httpx.RemoteProtocolError(SECRET), "prod", 2, "the connection broke (Remote"),
        (http.client.RemoteDisconnected(SECRET), None, 2, "a part of the local stack does not"),
        (urllib.error.URLError(SECRET), None, 2, "a part of the local stack does not answer"),
        (psycopg.OperationalError(SECRET), None, 2, "a part of the local stack does not answer"),
        (psycopg.OperationalError(SECRET), "prod", 2, "check SUPABASE_DB_URL"),
        (PortalUnavailable("no answer"), "prod", 2,
         "no answer; next: mentor-pause portal check --stack prod"),
        (DatabaseUnavailable("no connection"), None, 2, "when the database answers"),
        (Conflict("not allowed", detail="expected active"), None, 2,
         "not allowed: expected active"),
        (PermissionError(13, "Permission denied", "/x/y"), None, 2, "/x/y: Permission denied"),
        (StackError("such; next: mentor-pause runs"), None, 2, "such; next: mentor-pause runs"),
        (NotInOrder("it failed"), None, 1, "it failed"),
        (Interrupted("it goes on"), None, 130, "it goes on"),
        (KeyboardInterrupt(), None, 130, "interrupted"),
        (click.UsageError("no"), None, 2, "no"),
        (click.UsageError("no", click.Context(click.Command("x"), info_name="x")), None, 2,
         "no. See: x --help"),
        (ZeroDivisionError(SECRET), None, 2, "see the traceback with MENTOR_PAUSE_TRACEBACK=1"),
        (ValueError(SECRET), None, 2, "unexpected ValueError"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)  # fmt: skip
def test_an_error_is_one_sentence(
    error: BaseException, stack: str | None, code: int, sentence: str
) -> None:
    """It has nothing of a client's text."""
    found, exit_code = explain(error, stack)
    assert sentence in found
    assert exit_code == code
    assert "\n" not in found
    assert not {"hunter2", "arn:aws", "db.example.com"} & set(found.replace("/", " ").split())
    assert "hunter2" not in found


@pytest.fixture
def away_from_aws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Remove all settings of AWS and the local stack."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ACCESS_KEY_ID"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("MENTOR_PAUSE_LOCAL", str(tmp_path))
    return monkeypatch


def test_a_deployed_stack_needs_a_region_and_credentials(
    away_from_aws: pytest.MonkeyPatch,
) -> None:
    """Each has its own sentence. AWS's real client raises the errors."""
    shown = type_command("runs", "--stack", "prod")
    assert (shown.returncode, shown.stdout) == (2, "")
    assert shown.stderr.startswith("mentor-pause: AWS_REGION is not set")
    away_from_aws.setenv("AWS_REGION", "eu-north-1")
    shown = type_command("stale", "--stack=prod")
    assert (shown.returncode, shown.stdout) == (2, "")
    assert shown.stderr.startswith("mentor-pause: AWS credentials are missing")
    away_from_aws.setenv("AWS_PROFILE", "nobody")
    shown = type_command("monitor", "--stack", "prod")
    assert shown.stderr.startswith("mentor-pause: AWS_PROFILE names a profile that is not")


@pytest.mark.parametrize("arguments", [("--stack", ""), ("--stack=",), ("--stack", " ")])
def test_an_empty_name_of_a_stack_is_not_the_local_stack(
    away_from_aws: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    """`--stack "$STACK"` with an unset variable must start no run on another stack."""
    for command in (("monitor",), ("run", "certification_expiry"), ("portal", "off")):
        shown = type_command(*command, *arguments)
        assert (shown.returncode, shown.stdout) == (2, "")
        assert "the name is empty; without --stack the command uses the local stack" in " ".join(
            shown.stderr.split()
        )


@pytest.mark.parametrize(
    "arguments",
    [
        ("runs", "--json"), ("run", "x", "--json"), ("stale", "--json", "--nonsense"),
        ("runs", "--json", "--stack", "prod"), ("nightly", "--json", "--mentors", "1"),
    ],
)  # fmt: skip
def test_a_failure_with_json_is_one_object_on_standard_output(
    away_from_aws: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    """Also if the arguments could not be parsed. The sentence is on standard error."""
    shown = type_command(*arguments)
    printed = json.loads(shown.stdout)
    assert set(printed) == {"error", "exit_code"}
    assert (printed["exit_code"], shown.returncode) == (2, 2)
    assert printed["error"] in " ".join(shown.stderr.split())


def test_a_failed_check_adds_its_finding_to_the_object(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """So a program learns which run was refused."""

    @click.command()
    @click.option("--json", "as_json", is_flag=True)
    def command(as_json: bool) -> None:
        raise NotInOrder("run 7 refused", job_run_id="7", status="refused")

    assert run_guarded(command, ["--json"]) == 1
    printed = json.loads(capsys.readouterr().out)
    assert printed == {
        "job_run_id": "7",
        "status": "refused",
        "error": "run 7 refused",
        "exit_code": 1,
    }


def test_an_unexpected_error_shows_its_traceback_on_request(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without the request it is one sentence."""

    @click.command()
    def broken() -> None:
        raise ZeroDivisionError

    assert run_guarded(broken, []) == 2
    err = capsys.readouterr().err
    assert err.startswith("mentor-pause: unexpected ZeroDivisionError in broken:")
    assert "Traceback" not in err
    monkeypatch.setenv("MENTOR_PAUSE_TRACEBACK", "1")
    assert run_guarded(broken, []) == 2
    assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_a_reader_that_closes_the_pipe_is_not_an_error() -> None:
    """`mentor-pause --help | head -1` prints nothing on standard error."""
    script = "from cli.main import main; import time; main()"
    with subprocess.Popen(
        [sys.executable, "-c", script, "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as started:
        assert started.stdout
        assert started.stderr
        started.stdout.close()
        assert started.stderr.read() == b""
        assert started.wait(30) == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "code", "sentence"),
    [
        ("stale --json >/dev/full", 2, "the local stack is not up"),
        ("stale >&-", 2, "the local stack is not up"),
        ("--version >/dev/full", 2, "No space left on device"),
        ("stale --json >/dev/full 2>/dev/full", 2, ""),
    ],
)  # fmt: skip
def test_an_output_that_cannot_be_written_is_one_sentence(
    tmp_path: Path, command: str, code: int, sentence: str
) -> None:
    """The exit code is the command's own, and the sentence is on standard error."""
    script = f"{sys.executable} -c 'from cli.main import main; main()' {command}"
    done = subprocess.run(
        ["/bin/sh", "-c", script], capture_output=True, text=True, check=False,
        env=os.environ | {"MENTOR_PAUSE_LOCAL": str(tmp_path)},
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (code, "")
    assert sentence in done.stderr
    assert done.stderr.count("\n") <= 1
    assert "Traceback" not in done.stderr


def test_a_closed_standard_output_is_not_an_error() -> None:
    """`stale >&-` still ends with its exit code."""
    with redirect_stdout(None):
        open_missing_outputs()
        with sys.stdout:
            result("3 active mentors")
            assert sys.stdout.name == os.devnull


def test_a_missing_program_is_one_sentence_with_what_to_install() -> None:
    """`make test-pgtap` without pg_prove, for example, starts no server."""
    done = subprocess.run(
        [sys.executable, "-m", "local.scratch", "pg_prove", "x.sql"],
        capture_output=True, text=True, check=False, cwd=ROOT, env={"PATH": "/nowhere"},
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr == (
        "pg_prove is not installed; on Debian: apt-get install"
        " libtap-parser-sourcehandler-pgtap-perl postgresql-15-pgtap\n"
    )


@pytest.mark.parametrize(
    ("what", "stack", "step"),
    [
        (CREDENTIALS, None, "mentor-pause local fault none --times 0"),
        (CREDENTIALS, "prod", "correct PORTAL_URL"),
        ("column hlf_x.hlf_y", "prod", "mentor-pause portal map FILE"),
    ],
)
def test_a_finding_of_the_portals_check_has_a_next_step(
    what: str, stack: str | None, step: str
) -> None:
    """For a stand-in with faults (RemoteProtocolError), it is the command that ends them."""
    assert step in next_step([Finding(what, "no answer")], None, stack)
