"""The brake from the command line: hold, approve, explain, withdraw, watch (G1 to G7)."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from support.deployed import COMMAND, Deployed, mentor_pause

pytestmark = pytest.mark.xdist_group("stack")

RENEWED = 7


def night(deployed: Deployed, mode: str) -> dict[str, Any]:
    """Load a roster, let the nightly rule run in this mode of the brake; return the summary.

    It is the roster of `nightly --mentors 500 --expired 60 --unforeseen 40`. No sync follows a run.
    """
    deployed.let_the_sync_follow(follow=False)
    deployed.forget_runs()
    deployed.local.seed(500, 60, 1, unforeseen=40, brake=mode)
    _, summary = deployed.finish(deployed.fire()["job_run_id"])
    return summary


@pytest.fixture
def held(deployed: Deployed) -> Iterator[tuple[dict[str, Any], psycopg.Connection]]:
    """A night whose brake held 40 mentors, and the owner's connection."""
    summary = night(deployed, "hold")
    with psycopg.connect(deployed.local.database_url(), autocommit=True) as connection:
        yield summary, connection


def test_nightly_with_the_brake_in_mode_hold_says_what_to_do(tmp_path: Path) -> None:
    """G3, G7: on a stack of its own, since the command wipes the local stack."""
    env = os.environ | {"MENTOR_PAUSE_LOCAL": str(tmp_path)}

    def typed(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [COMMAND, *words], capture_output=True, text=True, check=False, timeout=300, env=env
        )

    roster = ("--mentors", "500", "--expired", "60", "--unforeseen", "40")
    try:
        done = typed("nightly", *roster, "--brake", "hold")
        assert done.returncode == 0, done.stderr
        summary = json.loads(done.stdout.splitlines()[-1])
        assert (summary["paused_count"], summary["held_count"]) == (20, 40)
        screen = typed("last-night")
        assert screen.returncode == 1
        assert f"mentor-pause approve {summary['job_run_id']}" in screen.stdout
    finally:
        typed("local", "down")


def hash_of(job_run_id: str) -> str:
    """Return the hash of a run's plan."""
    return json.loads(mentor_pause("runs", job_run_id, "--json").stdout)["plan"]["plan_hash"]


def approve_words(job_run_id: str) -> tuple[str, ...]:
    """Return the words of the command that approves a run's plan."""
    return (
        "approve",
        job_run_id,
        "--plan",
        hash_of(job_run_id),
        "--note",
        "HLF confirms the dates",
    )


def test_a_night_that_held_mentors_is_explained_approved_and_withdrawn(
    held: tuple[dict[str, Any], psycopg.Connection],
) -> None:
    """G3 to G7: 20 paused and 40 held; the approval pauses them; some are renewed and resumed."""
    summary, owner = held
    run = summary["job_run_id"]
    assert (summary["paused_count"], summary["held_count"]) == (20, 40)
    assert summary["unforeseen_count"] == 40

    screen = mentor_pause("last-night")
    assert screen.returncode == 1
    lines = screen.stdout.splitlines()
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    assert "held      ! 40 mentors since" in screen.stdout
    typed = screen.stdout.replace("\\\n", "").split()
    assert " ".join(approve_words(run)[:4]) in " ".join(typed)
    (mentor, *_) = json.loads(mentor_pause("runs", run, "--json").stdout)["mentor_ids_held"]
    story = mentor_pause("why", mentor)
    assert story.returncode == 0, story.stderr
    assert f"the pause waits for an approval of the plan of run {run}" in story.stdout
    assert "portal moved the date from" in story.stdout

    approved = json.loads(mentor_pause(*approve_words(run), "--json").stdout)
    assert (approved["paused_count"], approved["error_count"]) == (40, 0)
    assert approved["approval"]["changed_count"] == 0
    repeated = mentor_pause(*approve_words(run), "--follow")
    assert repeated.returncode == 0, repeated.stderr
    assert f"run {approved['job_run_id']}: completed" in repeated.stdout
    assert "changed after the plan" not in repeated.stdout
    releases = owner.execute(
        "select count(*) from scheduler_execution_log where approved_by is not null"
    ).fetchone()
    assert releases == (1,)
    story = mentor_pause("why", mentor).stdout
    assert f"run {approved['job_run_id']} for" in story
    assert "HLF confirms the dates" in story

    owner.execute(
        "insert into certifications (mentor_id, expires_on)"
        " select mentor_id, current_date + 700 from plan_mentors"
        " where job_run_id = %s and action = 'hold' order by mentor_id limit %s",
        (run, RENEWED),
    )
    words = ("withdraw", approved["job_run_id"])
    preview = json.loads(mentor_pause(*words, "--dry-run", "--json").stdout)
    assert (preview["resumed_count"], len(preview["mentor_ids_still_expired"])) == (RENEWED, 33)
    assert mentor_pause("last-night").returncode == 0
    withdrawn = mentor_pause(*words, "--follow")
    assert withdrawn.returncode == 0, withdrawn.stderr
    assert f"withdraws run {approved['job_run_id']}" in withdrawn.stdout
    statuses = owner.execute(
        "select m.status, count(*) from plan_mentors as p join peer_mentors as m"
        " on m.id = p.mentor_id where p.job_run_id = %s and p.action = 'hold' group by 1",
        (run,),
    ).fetchall()
    assert dict(statuses) == {"active": RENEWED, "paused": 33}


def test_an_approval_is_kept_if_the_command_dies_before_the_release(
    held: tuple[dict[str, Any], psycopg.Connection],
) -> None:
    """G4: the repeated command starts the release, reports who changed, and leaves them active."""
    summary, owner = held
    run = summary["job_run_id"]
    words = approve_words(run)
    owner.execute(
        "select approve_plan(%s, %s, 'in another terminal', 'command line, somebody')",
        (run, words[3]),
    )
    assert "approved, but not paused yet" in mentor_pause("last-night").stdout
    (mentor, *_) = json.loads(mentor_pause("runs", run, "--json").stdout)["mentor_ids_held"]
    paused = mentor_pause("mentor", mentor, "--set", "inactive", "--reason", "left_hlf")
    assert paused.returncode == 0, paused.stderr
    done = mentor_pause(*words, "--follow")
    assert done.returncode == 0, done.stderr
    assert "was approved already, by command line, somebody" in done.stdout
    assert f"1 changed after the plan was made, and will not be paused:\n  {mentor}" in done.stdout
    assert "paused          39" in done.stdout


def test_a_refused_approval_says_what_to_type_next(
    held: tuple[dict[str, Any], psycopg.Connection],
) -> None:
    """G4: an old hash, the person's own run, a plan that holds nobody, and no plan."""
    summary, owner = held
    run = summary["job_run_id"]
    (old, *_) = [hash_of(run)]
    owner.execute("update certifications set expires_on = expires_on - 1 where expires_on < now()")
    own = json.loads(mentor_pause("run", "certification_expiry", "--json").stdout)["job_run_id"]
    refused = mentor_pause("approve", run, "--plan", old, "--note", "too late")
    assert refused.returncode == 1
    assert "40 have another version or date" in refused.stderr
    assert f"mentor-pause approve {own} --plan {hash_of(own)}" in refused.stderr
    refused = mentor_pause(*approve_words(own))
    assert refused.returncode == 1
    assert f"ask another operator to type: mentor-pause approve {own}" in refused.stderr
    refused = mentor_pause("approve", "0" * 32, "--plan", old, "--note", "no run")
    assert (refused.returncode, "list the runs with: mentor-pause runs" in refused.stderr) == (
        2, True,
    )  # fmt: skip


def test_a_night_in_mode_watch_pauses_everybody_and_reports_the_unforeseen(
    deployed: Deployed,
) -> None:
    """G2: last-night offers the withdrawal, and the plan of a later run is empty."""
    summary = night(deployed, "watch")
    run = summary["job_run_id"]
    assert (summary["paused_count"], summary["unforeseen_count"]) == (60, 40)
    assert summary["held_count"] == 0
    screen = mentor_pause("last-night")
    assert screen.returncode == 1
    assert f"mentor-pause withdraw {run} --dry-run --follow" in screen.stdout
    plan = json.loads(mentor_pause("plan", "--json").stdout)
    assert (plan["planned_count"], plan["mentors"]) == (0, [])
    shown = mentor_pause("runs", run).stdout
    assert "40 of its mentors were not warned in time" in shown
    assert mentor_pause("withdraw", run, "--json").returncode == 0
    screen = mentor_pause("last-night")
    assert (screen.returncode, "unforeseen" in screen.stdout) == (1, True)
