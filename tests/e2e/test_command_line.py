"""The command line: commands as a person types them, their output and their errors."""

import json
import shlex
import socket
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import psutil
import psycopg
import pytest

from local.portal_server import switch_on
from local.stack import LocalStack
from support.deployed import COMMAND, Deployed, mentor_pause

pytestmark = pytest.mark.xdist_group("stack")


def in_folder(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line for a stack in another folder."""
    env = {"MENTOR_PAUSE_LOCAL": str(folder), "PATH": "/usr/bin:/bin:/usr/sbin", "HOME": "/"}
    return subprocess.run(
        [COMMAND, *arguments], capture_output=True, text=True, check=False, timeout=60, env=env
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("run", "x"), "unknown job; known jobs: certification_expiry, hlf_sync"),
        (
            ("run", "certification_expiry", "--as-of", "soon"),
            "'soon' is not a date; write it as 2026-11-22",
        ),
        (("run", "[/x]"), "unknown job; known jobs"),
        (("run", "certification_expiry", "--as-of", ""), "'' is not a date"),
        (("runs", "no-id"), "'no-id' is not the id of a run"),
        (
            ("runs", "00000000-0000-0000-0000-000000000000"),
            "neither the ledger nor the newest 500 rows of the execution log have a run 00000000",
        ),
        (("local", "seed", "--mentors", "3", "--expired", "4"), "4 of 3 mentors cannot be expired"),
        (("nonsense",), "No such command 'nonsense'"),
        (("mentor", str(UUID(int=0)), "--set", "paused"), "--set and --reason go together"),
        (("mentor", str(UUID(int=0))), "mentor not found: no such mentor in this organisation"),
    ],
)
def test_wrong_usage_is_one_sentence_and_exit_code_two(
    deployed: Deployed, arguments: tuple[str, ...], sentence: str
) -> None:
    """A typing error must not show a stack trace."""
    done = mentor_pause(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_a_run_can_be_seen_afterwards(deployed: Deployed, owner: psycopg.Connection) -> None:
    """In the history and by its pages, for people and for programs."""
    run = json.loads(mentor_pause("run", "certification_expiry", "--json").stdout)["job_run_id"]
    (row, *_) = json.loads(mentor_pause("runs", "--json").stdout)
    assert (row["job_run_id"], row["status"], row["paused_count"]) == (run, "completed", 150)
    one = json.loads(mentor_pause("runs", run, "--json").stdout)
    assert [page["mentors"] for page in one["pages"]] == [100, 50]
    for shown in (mentor_pause("runs"), mentor_pause("runs", run)):
        assert (shown.returncode, shown.stderr) == (0, "")
        assert run in shown.stdout


def test_every_row_of_the_log_can_be_shown(deployed: Deployed, owner: psycopg.Connection) -> None:
    """An event may have any job name; the row keeps it only if it is known."""
    deployed.stack.invoke_dispatcher({"job_name": "[/x]", "trigger_id": "\ud800"})
    shown = mentor_pause("runs")
    assert shown.returncode == 0
    assert "unknown" in shown.stdout
    assert "[/x]" not in shown.stdout


def test_a_dry_run_changes_nothing(deployed: Deployed, owner: psycopg.Connection) -> None:
    """It lists the mentors that it would pause, also for a later day."""
    done = mentor_pause(
        "run", "certification_expiry", "--dry-run", "--json", "--as-of", "2099-01-01"
    )
    assert json.loads(done.stdout)["paused_count"] > 150
    found = owner.execute("select count(*) from peer_mentor_status_history").fetchone()
    assert found == (0,)
    refused = mentor_pause("run", "certification_expiry", "--as-of", "2099-01-01")
    assert refused.returncode == 1
    assert "only a dry run may look ahead" in " ".join(refused.stderr.split())
    (row, *_) = json.loads(mentor_pause("runs", "--json").stdout)
    shown = mentor_pause("runs", row["job_run_id"])
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "only a dry run may look ahead" in shown.stdout


def test_an_engineer_can_read_and_change_a_mentor(
    deployed: Deployed, owner: psycopg.Connection
) -> None:
    """S2, S3: the history says that a service made the change."""
    found = owner.execute(
        "select id::text from peer_mentors where status = 'active' limit 1"
    ).fetchone()
    assert found is not None
    paused = mentor_pause("mentor", found[0], "--set", "paused", "--reason", "on_leave", "--json")
    assert json.loads(paused.stdout).items() >= {"status": "paused", "version": 2}.items()
    again = mentor_pause("mentor", found[0], "--set", "paused", "--reason", "on_leave")
    assert (again.returncode, again.stdout) == (2, "")
    assert f"mentor {found[0]} is already paused, so nothing was changed" in again.stderr
    assert f"{found[0]} is paused since" in mentor_pause("mentor", found[0]).stdout
    changes = owner.execute("select reason, changed_by_role from peer_mentor_status_history")
    assert changes.fetchall() == [("on_leave", "service")]


def test_a_roster_is_not_replaced_during_a_run(
    deployed: Deployed, owner: psycopg.Connection
) -> None:
    """Otherwise the run would hang and keep its lock.

    The sentence names it and the next command.
    """
    with deployed.workers_asleep():
        job_run_id = deployed.fire()["job_run_id"]
        refused = mentor_pause("local", "seed", "--mentors", "5", "--expired", "1")
        text = " ".join(refused.stderr.split())
        assert (refused.returncode, refused.stdout) == (2, "")
        assert f"run {job_run_id} of certification_expiry is in progress" in text
        assert f"mentor-pause runs {job_run_id}" in text
        assert owner.execute("select count(*) from peer_mentors").fetchone() == (300,)
    deployed.let_the_lease_run_out(job_run_id)
    mentor_pause("monitor")
    done = mentor_pause("local", "seed", "--mentors", "5", "--expired", "1")
    assert done.returncode == 0, done.stderr
    deployed.forget_runs()


def test_the_monitors_command_counts_mentors_who_wait_for_a_portal_that_is_down(
    deployed: Deployed, owner: psycopg.Connection
) -> None:
    """O1: their number, since when, and exit code 1, from the database alone."""
    assert mentor_pause("run", "certification_expiry", "--json").returncode == 0
    mentor_pause("local", "fault", "down", "--times", "1000")
    try:
        done = mentor_pause("monitor", "--json")
        portal = json.loads(done.stdout)["portal"]
        assert (done.returncode, portal["status"], portal["waiting"]) == (1, "failed", 150)
        (first,) = owner.execute(
            "select min(changed_at) from peer_mentor_status_history"
        ).fetchall()
        assert datetime.fromisoformat(portal["waiting_since"]) == first[0]
        text = " ".join(mentor_pause("monitor").stdout.split())
        assert "HLF's portal could not be checked: no answer" in text
        assert "150 inactive or paused mentors wait for the portal since" in text
        assert deployed.metrics("PortalDriftLogGroup", "PortalMentorsWaiting")[-1] == 0  # not yet
    finally:
        switch_on(deployed.local.require().portal_port, [])
    done = mentor_pause("monitor", "--json")
    assert (done.returncode, json.loads(done.stdout)["portal"]["waiting"]) == (0, 150)


def test_moments_are_in_utc_whatever_zone_the_session_has(
    deployed: Deployed, owner: psycopg.Connection
) -> None:
    """For people, with the word UTC, and for programs."""
    assert mentor_pause("run", "certification_expiry", "--json").returncode == 0
    (row,) = owner.execute("select started_at from scheduler_execution_log").fetchall()
    owner.execute("alter database mentor_pause set timezone = 'Asia/Kolkata'")
    shown = mentor_pause("runs").stdout
    assert "started (UTC)" in shown
    assert f"{row[0].astimezone(UTC):%Y-%m-%d %H:%M:%S}" in shown
    (found,) = json.loads(mentor_pause("runs", "--json").stdout)
    assert found["started_at"].endswith("Z")
    assert datetime.fromisoformat(found["started_at"]) == row[0]


def test_local_env_has_the_variables_for_other_tools(deployed: Deployed) -> None:
    """A shell reads them. The database's URL has the owner's rights."""
    lines = mentor_pause("local", "env").stdout.splitlines()
    found = dict(shlex.split(line)[1].split("=", 1) for line in lines)
    assert {
        "DATABASE_URL", "AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
        "AWS_DEFAULT_REGION", "DISPATCHER_FUNCTION_NAME", "LEDGER_TABLE_NAME",
    } <= found.keys()  # fmt: skip
    assert found["AWS_ENDPOINT_URL"].startswith("http://127.0.0.1:")
    with psycopg.connect(found["DATABASE_URL"]) as connection:
        assert connection.execute(
            "select rolsuper from pg_roles where rolname = current_user"
        ).fetchone() == (True,)


def test_a_second_up_changes_nothing(deployed: Deployed) -> None:
    """It says that the stack is up."""
    before = deployed.local.require()
    done = mentor_pause("local", "up", "--aws-port", "1")
    assert (done.returncode, done.stdout) == (0, "")
    message, ports = done.stderr.splitlines()
    assert message == "the local stack is up, and nothing has changed since it was deployed"
    assert f"keeps its ports: {before.aws_port} for the AWS emulator" in ports
    assert deployed.local.require() == before


def test_everything_listens_on_the_loopback_interface_only(deployed: Deployed) -> None:
    """PostgreSQL, the emulator and its processes, and the stand-ins for portal and login."""
    state = deployed.local.require()
    emulator = psutil.Process(state.emulator.pid)
    postmaster = int(
        (deployed.local.folder / "postgres/data/postmaster.pid").read_text().split()[0]
    )
    listening = [
        connection.laddr.ip
        for process in (
            emulator,
            *emulator.children(recursive=True),
            *map(psutil.Process, (postmaster, state.portal.pid, state.supabase.pid)),
        )
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert len(listening) >= 4
    assert set(listening) == {"127.0.0.1"}


def test_down_may_be_repeated_and_other_commands_need_the_stack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 0; and 2 with the command that starts the stack."""
    monkeypatch.setenv("MENTOR_PAUSE_LOCAL", str(tmp_path))
    assert mentor_pause("local", "down").returncode == 0
    for command in (("stale",), ("runs",), ("run", "certification_expiry"), ("local", "env")):
        done = mentor_pause(*command)
        assert (done.returncode, done.stdout) == (2, "")
        assert "the local stack is not up; start it with: mentor-pause local up" in " ".join(
            done.stderr.split()
        )


def test_a_taken_port_is_one_sentence(tmp_path: Path) -> None:
    """No process stays running."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = in_folder(tmp_path, "local", "up", "--postgres-port", str(port))
    assert done.returncode == 2
    assert f"port {port} on 127.0.0.1 is in use; name another port" in " ".join(done.stderr.split())
    assert not LocalStack(tmp_path)._server.is_running()


@pytest.mark.parametrize(
    "state",
    [
        "",
        "{",
        "[]",
        '{"aws_port": 1}',
        '{"aws_port": 1, "emulator": {"pid": 1, "began": 0.0}, "outputs": {"A": "b"}}',
        '{"aws_port": 1, "emulator": {"pid": 999999999, "began": 1.0}, "outputs": {"A": "b"}}',
    ],
)
def test_a_stale_or_half_written_state_counts_as_down(
    tmp_path: Path, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pid that now belongs to another program is not touched."""
    (tmp_path / "stack.json").write_text(state)
    (tmp_path / "postgres/data").mkdir(parents=True)
    (tmp_path / "postgres/data/postmaster.pid").write_text("999999999\n")
    monkeypatch.setenv("MENTOR_PAUSE_LOCAL", str(tmp_path))
    assert mentor_pause("stale").returncode == 2
    assert mentor_pause("local", "down").returncode == 0
    assert mentor_pause("local", "reset").returncode == 0
    assert not (tmp_path / "postgres").exists()


def test_a_folder_that_cannot_be_used_is_one_sentence() -> None:
    """For every kind of error."""
    done = in_folder(Path("/dev/null/x"), "local", "up")
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    assert "NotADirectoryError" in done.stderr
