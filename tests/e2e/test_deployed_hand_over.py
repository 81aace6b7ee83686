"""The deployed dispatcher goes on with its run when its time runs short (D7)."""

import psycopg
import pytest

from mentor_pause.domain.runs import Trigger
from mentor_pause.ledger.lock import lock_key
from support.deployed import Deployed

pytestmark = pytest.mark.xdist_group("second stack")

MENTORS = 600


def fence(deployed: Deployed) -> int:
    """Return the fence of the nightly lock; 0: no run has had it."""
    trigger = Trigger("certification_expiry", deployed.stack.org_id, "schedule", "x", "x")
    item = deployed.stack.ledger().table.get(lock_key(trigger), "LOCK")
    return int(item["fence"]) if item else 0


def test_a_dispatcher_of_four_seconds_dispatches_everybody_in_one_run(
    deployed: Deployed, owner: psycopg.Connection
) -> None:
    """D7: six hundred pages, under one fence, however many invocations that takes."""
    owner.close()  # a new roster ends all connections
    deployed.local.seed(mentors=MENTORS, expired=MENTORS, seed=4)
    before = fence(deployed)
    with deployed.page_size(1), deployed.time_out("Dispatcher", 4):
        answer = deployed.fire()
        assert answer["status"] == "running"
        run, summary = deployed.finish(answer["job_run_id"], seconds=240)
    assert (run.status, run.pages_total, summary["paused_count"]) == ("completed", MENTORS, MENTORS)
    assert fence(deployed) == before + 1
    with deployed.stack.database() as database:
        (row,) = database.list_executions(deployed.stack.org_id, 10)
    assert (row.status, row.paused_count) == ("completed", MENTORS)
    waits = deployed.lines("DispatcherLogGroup", "request waits")
    assert any(line["reason"] == "the time ran short" for line in waits)
