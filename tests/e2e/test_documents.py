"""README, docs/http.md and docs/portal.md, typed on the local stack (walk=readme).

The README's first block, `make nightly`, is typed before all end-to-end tests (conftest.py).
"""

import json

import psycopg
import pytest

from local.deployment import ORG_ID, PORTAL_SECRET, STACK_NAME
from support.deployed import COMMAND, Deployed
from support.documents import Block, Shell, Typed, walk
from support.roster import YESTERDAY, Records

pytestmark = pytest.mark.xdist_group("stack")


def blocks(page: str) -> list[Block]:
    """Return the blocks of this walk on one page."""
    return [block for block in walk("readme") if block.place.startswith(f"{page}:")]


def type_in(shell: Shell, text: str, **filled_in: str) -> Typed:
    """Type a block. Each command has to end with exit code 0."""
    done = shell.type(text, filled_in)
    assert done.code == 0, (text, done)
    return done


def test_a_newcomers_first_night(first_night: Typed, deployed: Deployed) -> None:
    """`make nightly` prints the summary as its last line, and leaves no stale mentor."""
    summary = json.loads(first_night.out.splitlines()[-1])
    counts = [summary[f"{name}_count"] for name in ("processed", "paused", "skipped", "error")]
    assert counts == [len(summary["mentor_ids_paused"]), summary["processed_count"], 0, 0]
    assert summary["processed_count"] > 0


def run_with_an_error(owner: psycopg.Connection, shell: Shell) -> str:
    """Let a run count one mentor as an error, and a later run pause them; return the first's id."""
    found = owner.execute(
        "insert into peer_mentors (org_id) values (%s) returning id", (ORG_ID,)
    ).fetchone()
    assert found
    records = Records(owner)
    records.certify(found[0], YESTERDAY)
    records.fail_for(found[0])
    failed = shell.type("mentor-pause run certification_expiry --json")
    owner.execute("drop trigger refuse on peer_mentors")
    type_in(shell, "mentor-pause run certification_expiry --json")
    return json.loads(failed.out)["job_run_id"]


def test_a_newcomer_gets_through_the_readme(
    deployed: Deployed, owner: psycopg.Connection, shell: Shell
) -> None:
    """Each command of a newcomer and of an operator ends with exit code 0."""
    _, try_it, operate = blocks("README.md")
    night = json.loads(type_in(shell, f"{COMMAND} run certification_expiry --json").out)
    mentor = night["mentor_ids_paused"][0]
    assert f"{mentor} is paused since" in type_in(shell, try_it.text, MENTOR_ID=mentor).seen
    job_run_id = run_with_an_error(owner, shell)
    seen = type_in(shell, operate.text, JOB_RUN_ID=job_run_id).seen
    assert f"redrive of run {job_run_id}" in seen


def test_the_page_about_http_can_be_typed(
    deployed: Deployed, owner: psycopg.Connection, shell: Shell
) -> None:
    """The answer of the HTTP entry names the run."""
    (start,) = blocks("docs/http.md")
    answer = json.loads(type_in(shell, f"source .venv/bin/activate\n{start.text}").out)
    deployed.finish(answer["job_run_id"])


def test_the_page_about_the_portal_can_be_typed(
    deployed: Deployed, owner: psycopg.Connection, shell: Shell
) -> None:
    """The local stack's name stands for production's; the environment is an operator's."""
    portal = deployed.stack.read_secret(PORTAL_SECRET)
    settings = [f"export {name}={value}" for name, value in json.loads(portal).items()]
    database = f"export SUPABASE_DB_URL='{deployed.local.database_url()}'"
    local = 'source .venv/bin/activate\neval "$(mentor-pause local env)"'
    type_in(shell, "\n".join([local, *settings, database]))
    for block in blocks("docs/portal.md"):
        type_in(shell, block.text, **{"mentor-pause-prod": STACK_NAME})
