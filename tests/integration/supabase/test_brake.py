"""The brake under a mentor's lock: whom a run may pause, and who is held (G2, G3)."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from support.brake import Brake
from support.roster import ORG, TODAY, TOMORROW, YESTERDAY, Roster
from support.transitions import by_hand, change


@pytest.fixture
def brake(roster: Roster) -> Brake:
    """The organisation's brake."""
    return Brake(roster)


def test_a_run_in_mode_hold_pauses_nobody_whom_its_plan_holds(brake: Brake) -> None:
    """G2: the row lock decides, whoever asks; a dry run says the same."""
    brake.set("hold")
    unforeseen, warned = brake.night()
    run = brake.begin()
    brake.plan(run)
    db = brake.records.db
    for asked in (run, uuid4()):
        for dry_run in (True, False):
            answer = change(db, unforeseen[0], p_job_run_id=asked, p_dry_run=dry_run)
            assert (answer["outcome"], answer["new_status"]) == ("held", "active")
    assert change(db, warned[0], p_job_run_id=run)["outcome"] == "changed"
    assert change(db, warned[1], p_job_run_id=uuid4())["outcome"] == "changed"


def test_below_the_limits_a_run_pauses_the_unforeseen_of_its_plan_alone(
    brake: Brake, roster: Roster
) -> None:
    """G2: a mentor whose date moved after the plan was made waits for the next plan."""
    brake.set("hold")
    (planned, moved), _ = brake.night(2)
    run = brake.begin()
    brake.plan(run)
    late = roster.add_mentor(YESTERDAY)
    roster.certify(moved, TODAY)
    assert change(roster.db, planned, p_job_run_id=run)["outcome"] == "changed"
    assert change(roster.db, moved, p_job_run_id=run)["outcome"] == "held"
    assert change(roster.db, late, p_job_run_id=run)["outcome"] == "held"


def test_a_forewarned_mentor_whose_date_moved_is_held(brake: Brake, roster: Roster) -> None:
    """G2: the warning was about another date. The version alone changes nothing."""
    brake.set("hold")
    _, (moved, touched, *_) = brake.night()
    run = brake.begin()
    brake.plan(run)
    roster.certify(moved, TODAY)
    roster.db.execute("update peer_mentors set version = version + 2 where id = %s", (touched,))
    assert change(roster.db, moved, p_job_run_id=run)["outcome"] == "held"
    assert change(roster.db, touched, p_job_run_id=run)["outcome"] == "changed"


def test_a_run_that_holds_a_mentor_holds_them_also_after_the_mode_changed(
    brake: Brake, roster: Roster
) -> None:
    """G2: another run's plan does not release them for this run."""
    brake.set("hold", 0, 0)
    (mentor, *_), _ = brake.night(2)
    held, planned = brake.begin(), brake.begin()
    brake.plan(held)
    brake.set("watch")
    brake.plan(planned)
    assert change(roster.db, mentor, p_job_run_id=held)["outcome"] == "held"
    assert change(roster.db, mentor, p_job_run_id=planned)["outcome"] == "changed"


def test_in_mode_watch_a_mentor_who_changed_since_the_plan_is_paused(
    brake: Brake, roster: Roster
) -> None:
    """G2: a mentor who stays visible is the worse mistake."""
    (mentor,), _ = brake.night(1)
    run = brake.begin()
    brake.plan(run)
    roster.certify(mentor, TODAY)
    assert change(roster.db, mentor, p_job_run_id=run)["outcome"] == "changed"


def test_a_redrive_carries_out_the_plan_of_its_run(brake: Brake, roster: Roster) -> None:
    """D7, G2: also a redrive of a redrive; the held stay held."""
    brake.set("hold")
    (planned, other), _ = brake.night(2)
    run = brake.begin()
    brake.plan(run)
    again = brake.begin(redrive_of=brake.begin(redrive_of=run))
    late = roster.add_mentor(YESTERDAY)
    assert change(roster.db, planned, p_job_run_id=again)["outcome"] == "changed"
    assert change(roster.db, late, p_job_run_id=again)["outcome"] == "held"
    assert change(roster.db, other, p_job_run_id=uuid4())["outcome"] == "held"


def test_a_plan_that_is_not_whole_releases_nobody(brake: Brake) -> None:
    """G2: the brake decides at its end; a caller could stop before it."""
    brake.set("hold", 0, 0)
    (mentor, *_), _ = brake.night()
    run = brake.begin()
    brake.records.rows("select * from make_plan(%s, 5)", run)
    assert change(brake.records.db, mentor, p_job_run_id=run)["outcome"] == "held"


def test_runs_for_earlier_days_go_around_no_brake(brake: Brake, roster: Roster) -> None:
    """G2: each of their plans is below the limits; the plan of the latest day holds the mentor."""
    brake.set("hold", 1, 0)
    early, late = roster.add_mentor(TODAY - timedelta(9)), roster.add_mentor(TODAY - timedelta(2))
    night_run = brake.begin()
    assert brake.plan(night_run)["held_count"] == 2
    slice_ = brake.begin(day=TODAY - timedelta(5))
    assert brake.plan(slice_)["held_count"] == 0
    assert brake.listed(slice_) == [early]
    for mentor in (early, late):
        answer = change(roster.db, mentor, p_job_run_id=slice_, p_as_of=TODAY - timedelta(5))
        assert answer["new_status"] == "active"
    (figures,) = roster.rows("select * from get_brake_figures(%s, %s)", ORG, TODAY)
    assert (figures["held_count"], figures["held_by"]) == (2, night_run)


def test_a_redrive_of_an_older_plan_pauses_nobody_whom_the_newest_holds(
    brake: Brake, roster: Roster
) -> None:
    """G2: the organisation chose mode hold after a night in mode watch."""
    mentors, _ = brake.night()
    watched = brake.begin()
    brake.plan(watched)
    brake.set("hold")
    brake.plan(brake.begin())
    again = brake.begin(redrive_of=watched)
    for run in (watched, again):
        assert change(roster.db, mentors[0], p_job_run_id=run)["outcome"] == "held"


def test_a_release_is_no_complete_run(brake: Brake, roster: Roster) -> None:
    """G4, O1: it does not cover all mentors, so the night stays missed."""
    brake.set("hold", 0, 0)
    roster.add_mentors(1)
    held = brake.begin()
    brake.approve(held, brake.plan(held)["plan_hash"])
    brake.finish(brake.begin(releases=held))
    (fresh,) = roster.rows("select * from get_run_freshness(%s, 'certification_expiry')", ORG)
    assert fresh["last_finished_at"] is None


def test_the_held_are_those_who_are_still_as_the_plan_says(brake: Brake, roster: Roster) -> None:
    """G3: neither those who were paused, renewed or changed since, nor those of an older plan."""
    brake.set("hold", 0, 0)
    kept, oldest, paused, renewed, moved, touched, emptied = roster.add_mentors(7)
    brake.warn([warned := roster.add_mentor(YESTERDAY)])
    roster.db.execute(
        "update certifications set expires_on = '-infinity' where mentor_id = %s", (oldest,)
    )
    brake.plan(brake.begin(day=TODAY - timedelta(1)))
    run = brake.begin()
    brake.plan(run)
    assert figures_of(roster)["held_count"] == 7
    by_hand(roster.db, paused, "paused")
    roster.certify(renewed, TOMORROW)
    roster.certify(moved, TODAY)
    roster.db.execute("update peer_mentors set version = version + 2 where id = %s", (touched,))
    roster.db.execute("delete from certifications where mentor_id = %s", (emptied,))
    found = figures_of(roster)
    assert (found["held_count"], found["held_by"]) == (2, run)
    plan_hash = brake.records.rows("select * from plans where job_run_id = %s", run)[0]["plan_hash"]
    changed = brake.approve(run, plan_hash)["mentor_ids_changed"]
    assert changed == sorted([paused, renewed, moved, touched, emptied])
    release = brake.begin(releases=run)
    outcomes = {
        mentor: change(roster.db, mentor, p_job_run_id=release)["outcome"]
        for mentor in (kept, oldest, moved, touched, warned)
    }
    assert outcomes == {
        kept: "changed", oldest: "changed", moved: "changed_since", touched: "changed_since",
        warned: "changed_since",
    }  # fmt: skip
    assert figures_of(roster)["held_count"] == 0


def figures_of(roster: Roster) -> dict[str, Any]:
    """Return what the monitor reads of the brake."""
    (figures,) = roster.rows("select * from get_brake_figures(%s, %s)", ORG, TODAY)
    return figures


def test_the_plan_of_a_dry_run_releases_nobody(brake: Brake) -> None:
    """G2: in mode hold a run needs a plan of its own; another dry run may use it."""
    (mentor,), _ = brake.night(1)
    brake.set("hold")
    dry = brake.begin(dry_run=True)
    assert brake.plan(dry)["held_count"] == 0
    answers = [
        change(brake.records.db, mentor, p_job_run_id=dry, p_dry_run=dry_run)["outcome"]
        for dry_run in (True, False)
    ]
    assert answers == ["would_change", "held"]


def test_below_the_limits_a_mentor_with_another_version_waits(brake: Brake) -> None:
    """G2: somebody has changed the mentor since the plan was made."""
    (planned, touched), _ = brake.night(2)
    brake.set("hold")
    run = brake.begin()
    brake.plan(run)
    brake.records.db.execute(
        "update peer_mentors set version = version + 2 where id = %s", (touched,)
    )
    outcomes = [
        change(brake.records.db, mentor, p_job_run_id=run)["outcome"]
        for mentor in (planned, touched)
    ]
    assert outcomes == ["changed", "held"]


def test_the_settings_of_another_organisation_hold_nobody(brake: Brake, roster: Roster) -> None:
    """S4: each organisation has its own mode."""
    (mentor,), _ = brake.night(1)
    brake.set("watch")
    roster.db.execute(
        "insert into organisation_settings (org_id, brake_mode) values (%s, 'hold')",
        (roster.add_organisation(),),
    )
    assert change(roster.db, mentor, p_job_run_id=uuid4())["outcome"] == "changed"


@pytest.mark.parametrize("status", ["completed", "failed"])
def test_a_late_page_of_a_run_that_has_ended_follows_its_plan(brake: Brake, status: str) -> None:
    """G2, G4: a page may be delivered after the monitor ended its run."""
    brake.set("hold", 0, 0)
    (mentor, *_), (warned, *_) = brake.night(2)
    run = brake.begin()
    plan_hash = brake.plan(run)["plan_hash"]
    brake.approve(run, plan_hash)
    release = brake.begin(releases=run)
    for each in (run, release):
        brake.records.rows("select * from finish_execution(%s, %s, 0, 0, 0, 0)", each, status)
    db = brake.records.db
    assert change(db, mentor, p_job_run_id=run)["outcome"] == "held"
    assert change(db, warned, p_job_run_id=run)["outcome"] == "changed"
    assert change(db, mentor, p_job_run_id=release)["outcome"] == "changed"
    approvers = [row["approved_by"] for row in brake.records.history()]
    assert approvers == [None, "an operator"]


def test_the_history_has_the_approval_of_its_own_run_alone(brake: Brake, roster: Roster) -> None:
    """G4: another run pauses without an approval."""
    brake.set("hold", 0, 0)
    (released, moved), _ = brake.night(2)
    held = brake.begin()
    brake.approve(held, brake.plan(held)["plan_hash"])
    change(roster.db, released, p_job_run_id=brake.begin(releases=held))
    brake.set("watch")
    roster.certify(moved, TODAY)
    assert change(roster.db, moved, p_job_run_id=brake.begin())["outcome"] == "changed"
    assert [row["approved_by"] for row in roster.history()] == ["an operator", None]


def test_a_redrive_of_a_run_that_held_follows_the_mode(brake: Brake) -> None:
    """D7, G2: in mode hold the held stay held; in the other modes the redrive pauses them."""
    brake.set("hold", 0, 0)
    (mentor, *_), _ = brake.night(2)
    run = brake.begin()
    brake.plan(run)
    again = brake.begin(redrive_of=run)
    assert change(brake.records.db, mentor, p_job_run_id=again)["outcome"] == "held"
    brake.set("watch")
    assert change(brake.records.db, mentor, p_job_run_id=run)["outcome"] == "held"
    assert change(brake.records.db, mentor, p_job_run_id=again)["outcome"] == "changed"


def test_only_the_newest_plan_holds_for_older_ones(brake: Brake) -> None:
    """G2: a plan in between, with lower limits, holds nobody any more."""
    (mentor, *_), _ = brake.night(2)
    runs: list[UUID] = []
    for limit in (10, 0, 10):
        brake.set("hold", limit, 0)
        runs.append(brake.begin())
        brake.plan(runs[-1])
    assert [brake.entries(run)[mentor]["action"] for run in runs] == ["pause", "hold", "pause"]
    assert change(brake.records.db, mentor, p_job_run_id=runs[0])["outcome"] == "changed"


def test_a_dry_run_is_held_by_later_plans_alone(brake: Brake) -> None:
    """G2: it says what a run with its plan would do."""
    (mentor, *_), _ = brake.night(2)
    brake.set("hold", 0, 0)
    brake.plan(brake.begin())
    brake.set("hold", 10, 0)
    dry = brake.begin(dry_run=True)
    brake.plan(dry)
    answer = change(brake.records.db, mentor, p_job_run_id=dry, p_dry_run=True)
    assert answer["outcome"] == "would_change"


def test_a_row_of_a_request_that_was_turned_away_decides_nothing(
    brake: Brake, roster: Roster
) -> None:
    """G4: the run's own row says that it is a release; the row of its duplicate does not."""
    brake.set("hold", 0, 0)
    (mentor, *_), _ = brake.night(2)
    held, release = brake.begin(), uuid4()
    brake.approve(held, brake.plan(held)["plan_hash"])
    roster.db.execute(
        "insert into scheduler_execution_log (job_name, job_run_id, org_id, trigger, triggered_by,"
        " status, finished_at) values ('certification_expiry', %s, %s, 'manual', 'eva', 'refused',"
        " now())",
        (release, ORG),
    )
    brake.begin(run=release, releases=held)
    assert change(roster.db, mentor, p_job_run_id=release)["outcome"] == "changed"
    assert roster.history()[0]["approved_by"] == "an operator"
