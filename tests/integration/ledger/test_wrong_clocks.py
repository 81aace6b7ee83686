"""Leases that were written by a clock that was ahead (D6)."""

from datetime import timedelta

from mentor_pause.domain.runs import Trigger
from mentor_pause.ledger.lock import Lock
from support.night import JOB, Night, run_id
from support.roster import ORG, Roster


def test_a_lock_that_a_wrong_clock_leased_for_a_day_is_free(night: Night, roster: Roster) -> None:
    """D6: no lease is that long. The same holds for the claim of a completion."""
    roster.add_mentors(1)
    tomorrow = night.clock() + timedelta(days=1)
    trigger = Trigger(JOB, ORG, "schedule", "night-1", "rule")
    assert isinstance(night.ledger_at(lambda: tomorrow).locks.acquire(trigger, "x", 45), Lock)
    assert night.fire("night-2")["status"] == "running"
    run = night.ledger.find_run(run_id("night-2"))
    assert run is not None
    assert night.ledger_at(lambda: tomorrow).claim_completion(run, "a")
    assert night.ledger.claim_completion(run, "b")
    assert not night.ledger.claim_completion(run, "a")


def test_a_lease_of_a_clock_an_hour_ahead_is_kept(night: Night, roster: Roster) -> None:
    """D6: the lock tolerates clocks that differ by an hour."""
    roster.add_mentors(1)
    ahead = night.dispatcher(lambda: night.clock() + timedelta(hours=1))
    assert night.fire("night-1", dispatch=ahead)["status"] == "running"
    assert night.fire("night-2")["status"] == "refused"
