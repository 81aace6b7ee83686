"""`mentor-pause nightly`, which is all of `make nightly`, on a fresh stack of its own."""

import json
import subprocess
from pathlib import Path

import psycopg
import pytest

from local.stack import LocalStack
from support.deployed import COMMAND

pytestmark = pytest.mark.xdist_group("stack")


def test_a_newcomers_first_night(tmp_path: Path) -> None:
    """Exit code 0, the summary as the last line of standard output, and nobody left over."""
    stack = LocalStack(tmp_path)
    env = {"MENTOR_PAUSE_LOCAL": str(tmp_path), "PATH": "/usr/bin:/bin:/usr/sbin", "HOME": "/"}
    try:
        done = subprocess.run(
            [COMMAND, "nightly", "--mentors", "80", "--expired", "30"],
            capture_output=True, text=True, check=False, timeout=120, env=env,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        summary = json.loads(done.stdout.splitlines()[-1])
        assert (summary["processed_count"], summary["paused_count"]) == (30, 30)
        with psycopg.connect(stack.database_url()) as connection:
            row = connection.execute(
                "select trigger, status, paused_count from scheduler_execution_log"
                " where job_name = 'certification_expiry'"
            ).fetchall()
            paused = connection.execute(
                "select mentor_id::text from peer_mentor_status_history order by mentor_id"
            ).fetchall()
        assert row == [("schedule", "completed", 30)]
        assert [mentor for (mentor,) in paused] == summary["mentor_ids_paused"]
    finally:
        stack.down(lambda _: None)
