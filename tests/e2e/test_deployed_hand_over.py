"""The deployed dispatcher goes on with its run when its time runs short (D7)."""

import psycopg
import pytest

from mentor_pause.domain.runs import Trigger
from mentor_pause.ledger.lock import lock_key
from support.deployed import Deployed
from support.watch import Night

pytestmark = pytest.mark.xdist_group("second stack")

MENTORS = 600


def fence(deployed: Deployed) -> int:
    """Return the fence of the nightly lock; 0: no run has had it."""
    trigger = Trigger("certification_expiry", deployed.stack.org_id, "schedule", "x", "x")
    item = deployed.stack.ledger().table.get(lock_key(trigger), "LOCK")
    return int(item["fence"]) if item else 0


def test_a_dispatcher_with_little_time_dispatches_everybody_in_one_run(
    deployed: Deployed, owner: psycopg.Connection
) -> None:
    """D7: six hundred pages, however many invocations that takes.

    Invocations that hand over keep the fence. Only an invocation that a slow machine ends before
    it can hand over leaves the run to the next one under a new fence.
    """
    owner.close()  # a new roster ends all connections
    deployed.local.seed(mentors=MENTORS, expired=MENTORS, seed=4)
    before = fence(deployed)
    night = Night(deployed)
    with deployed.page_size(1), deployed.time_out("Dispatcher", 6):
        assert night.fire()["status"] == "running"
        run, summary = deployed.finish(str(night.job_run_id), seconds=240)
    assert (run.status, run.pages_total, summary["paused_count"]) == ("completed", MENTORS, MENTORS)
    with deployed.stack.database() as database:
        (row,) = database.list_executions(deployed.stack.org_id, 10)
    assert (row.status, row.paused_count) == ("completed", MENTORS)
    waits = night.reasons("Dispatcher")
    handed_over = waits.pop("the time ran short", 0)
    cut_off = night.timed_out() + waits.total()
    assert handed_over
    assert 1 <= fence(deployed) - before <= 1 + cut_off
