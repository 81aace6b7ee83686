"""The plan of a run and its brake: who is paused, who is held, and why (G1, G2)."""

import hashlib
from datetime import timedelta
from uuid import UUID, uuid4

import psycopg
import pytest

from support.brake import Brake
from support.cluster import Cluster
from support.people import People
from support.roster import ORG, TODAY, TOMORROW, YESTERDAY, Roster
from support.transitions import change


@pytest.fixture
def brake(roster: Roster) -> Brake:
    """The organisation's brake."""
    return Brake(roster)


def night(brake: Brake, unforeseen: int = 11, warned: int = 3) -> tuple[list[UUID], list[UUID]]:
    """Add mentors who were not warned, and mentors who were."""
    roster = Roster(brake.records.db)
    return roster.add_mentors(unforeseen), brake.warn(roster.add_mentors(warned))


def test_a_plan_says_why_each_pause_was_foreseen_or_not(brake: Brake, roster: Roster) -> None:
    """G2: the same date, at least seven days before."""
    seven, six, never, other = roster.add_mentors(4)
    brake.warn([seven], 7)
    brake.warn([six], 6)
    roster.db.execute(
        "insert into warnings (mentor_id, expires_on, stage, warned_on) values (%s, %s, 30, %s)",
        (other, TODAY + timedelta(200), TODAY - timedelta(60)),
    )
    roster.add_mentor(TOMORROW)
    roster.add_mentor(YESTERDAY, status="paused")
    assert {mentor: row["why"] for mentor, row in brake.live().items()} == {
        seven: "forewarned",
        six: "warned_late",
        never: "never_warned",
        other: "warned_of_another_date",
    }
    assert {row["action"] for row in brake.live().values()} == {"pause"}


@pytest.mark.parametrize(
    ("unforeseen", "others", "acts"),
    [(10, 0, False), (11, 0, True), (11, 208, True), (11, 209, False)],
)
def test_the_brake_acts_above_both_limits(
    brake: Brake, roster: Roster, unforeseen: int, others: int, acts: bool
) -> None:
    """G2: more than 10, and more than 5 % of the active (11 of 220 are 5 %, of 219 more)."""
    brake.set("hold")
    roster.add_mentors(unforeseen)
    for _ in range(others):
        roster.add_mentor(TOMORROW)
    (summary,) = roster.rows("select * from summarise_plan(%s, %s)", ORG, TODAY)
    assert summary["brake_acts"] is acts
    assert (summary["held_count"], summary["unforeseen_count"]) == (
        unforeseen if acts else 0,
        unforeseen,
    )


@pytest.mark.parametrize(("mode", "held"), [("watch", 0), ("hold", 11), ("off", 0)])
def test_only_mode_hold_holds_and_only_the_unforeseen(brake: Brake, mode: str, held: int) -> None:
    """G2: the forewarned are paused the same night."""
    brake.set(mode)  # pyright: ignore[reportArgumentType]
    unforeseen, warned = night(brake)
    run = brake.begin()
    state = brake.plan(run)
    assert (state["planned_count"], state["unforeseen_count"], state["held_count"]) == (
        14,
        11,
        held,
    )
    assert brake.listed(run) == sorted(warned if held else unforeseen + warned)


def test_a_plan_in_parts_is_the_plan_that_is_shown(brake: Brake) -> None:
    """G1: the same mentors, actions and hash, whatever the size of the parts; also side by side."""
    brake.set("hold")
    night(brake)
    (shown,) = brake.records.rows("select * from summarise_plan(%s, %s)", ORG, TODAY)
    whole, parts, beside = brake.begin(), brake.begin(), brake.begin()
    brake.records.rows("select * from make_plan(%s, 12)", beside)
    for run, limit in ((whole, 14), (parts, 1), (beside, 12), (parts, 20000)):
        assert brake.plan(run, limit)["plan_hash"] == shown["plan_hash"]
    live = brake.live()
    shown_entries = [
        {m: (e["version"], e["expires_on"], e["action"], e["why"]) for m, e in entries.items()}
        for entries in (brake.entries(parts), live)
    ]
    assert shown_entries[0] == shown_entries[1]


def test_the_hash_is_that_of_the_lines_that_the_function_describes(brake: Brake) -> None:
    """G1: another program can compute it."""
    night(brake, 1, 1)
    lines = "".join(
        f"{mentor},{row['version']},{row['expires_on']},{row['action']}\n"
        for mentor, row in sorted(brake.live().items())
    )
    text = f"certification_expiry/1,{ORG},{TODAY}\n{lines}"
    (shown,) = brake.records.rows("select * from summarise_plan(%s, %s)", ORG, TODAY)
    assert shown["plan_hash"] == hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize(
    "statement",
    [
        "update certifications set expires_on = expires_on - 1 where mentor_id = %(m)s",
        "update peer_mentors set version = version + 2 where id = %(m)s",
        "insert into certifications (mentor_id, expires_on) values (%(m)s, '2030-01-01')",
        "update peer_mentors set status = 'inactive' where id = %(m)s",
    ],
)
def test_the_hash_changes_with_what_the_plan_decides(brake: Brake, statement: str) -> None:
    """G1: mentor, version, date."""
    (mentor, *_), _ = night(brake)
    before = brake.plan(brake.begin())["plan_hash"]
    brake.records.db.execute(statement.encode(), {"m": mentor})
    assert brake.plan(brake.begin())["plan_hash"] != before
    assert brake.plan(brake.begin(day=TODAY - timedelta(1)))["plan_hash"] != before


def test_a_run_in_mode_hold_pauses_nobody_whom_its_plan_holds(brake: Brake) -> None:
    """G2: the row lock decides, whoever asks; a dry run says the same."""
    brake.set("hold")
    unforeseen, warned = night(brake)
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
    (planned, moved), _ = night(brake, 2)
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
    _, (moved, touched, *_) = night(brake)
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
    (mentor, *_), _ = night(brake, 2)
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
    (mentor,), _ = night(brake, 1)
    run = brake.begin()
    brake.plan(run)
    roster.certify(mentor, TODAY)
    assert change(roster.db, mentor, p_job_run_id=run)["outcome"] == "changed"


def test_a_redrive_carries_out_the_plan_of_its_run(brake: Brake, roster: Roster) -> None:
    """D7, G2: also a redrive of a redrive; the held stay held."""
    brake.set("hold")
    (planned, other), _ = night(brake, 2)
    run = brake.begin()
    brake.plan(run)
    again = brake.begin(redrive_of=brake.begin(redrive_of=run))
    late = roster.add_mentor(YESTERDAY)
    assert change(roster.db, planned, p_job_run_id=again)["outcome"] == "changed"
    assert change(roster.db, late, p_job_run_id=again)["outcome"] == "held"
    assert change(roster.db, other, p_job_run_id=uuid4())["outcome"] == "held"


def test_the_end_of_a_row_has_the_counts_of_its_plan(brake: Brake) -> None:
    """G3: and the hash."""
    brake.set("hold")
    night(brake)
    run = brake.begin()
    state = brake.plan(run)
    ended = brake.finish(run)
    assert (ended["unforeseen_count"], ended["held_count"], ended["brake_acts"]) == (11, 11, True)
    (row,) = brake.records.log()
    assert (row["held_count"], row["plan_hash"]) == (11, state["plan_hash"])


def test_a_plan_is_made_only_for_a_run_of_the_job(brake: Brake) -> None:
    """R5: the log has the run first."""
    with pytest.raises(psycopg.Error) as unknown:
        brake.plan(uuid4())
    with pytest.raises(psycopg.Error) as unplanned:
        brake.listed(brake.begin())
    assert (unknown.value.sqlstate, unplanned.value.sqlstate) == ("PT404", "PT409")


def test_a_part_of_a_plan_has_bounds(brake: Brake) -> None:
    """G1: the error names the argument and both bounds."""
    run = brake.begin()
    for limit in (None, 0, 100_001):
        with pytest.raises(psycopg.Error, match=r"^p_limit is out of bounds") as refused:
            brake.records.rows("select * from make_plan(%s, %s)", run, limit)
        assert "is between 1 and 100000" in (refused.value.diag.message_detail or "")
    assert brake.plan(run, 1)["is_whole"]
    assert brake.plan(run, 100_000)["is_whole"]


def test_only_a_run_that_makes_its_own_plan_has_one(brake: Brake) -> None:
    """G1: not a release, not a sync, not a run that did not start."""
    night(brake)
    brake.set("hold", 0, 0)
    held = brake.begin()
    brake.approve(held, brake.plan(held)["plan_hash"])
    release, sync, refused = brake.begin(releases=held), uuid4(), uuid4()
    for job, run, status in (
        ("hlf_sync", sync, "running"),
        ("certification_expiry", refused, "refused"),
    ):
        brake.records.rows(
            "select * from begin_execution(%s, %s, %s, 'manual', 'eva', %s, %s)",
            job, run, ORG, status, TODAY,
        )  # fmt: skip
    for run in (release, sync, refused):
        with pytest.raises(psycopg.Error) as unplanned:
            brake.plan(run)
        assert unplanned.value.sqlstate == "PT404"
    assert [row["job_run_id"] for row in brake.records.rows("select * from plans")] == [held]


@pytest.mark.parametrize("status", ["completed", "failed"])
def test_a_run_that_has_ended_keeps_its_plan(brake: Brake, status: str) -> None:
    """G1: the dispatcher may repeat its call; the answer is the same."""
    night(brake)
    run = brake.begin()
    made = brake.plan(run)
    brake.records.rows("select * from finish_execution(%s, %s, 0, 0, 0, 0)", run, status)
    assert brake.plan(run) == made


def test_two_calls_that_make_one_plan_wait_for_each_other(
    brake: Brake, roster: Roster, cluster: Cluster
) -> None:
    """G1: a call whose answer was lost may still be working when it is repeated."""
    unforeseen, warned = night(brake)
    run = brake.begin()
    brake.records.rows("select * from make_plan(%s, 1)", run)
    people, url = People(roster, cluster), cluster.server.url(roster.db.info.dbname)
    with psycopg.connect(url) as first, psycopg.connect(url) as second:
        call = "select is_whole, planned_count from make_plan(%s, %s)"
        first.execute(call, (run, 5))
        repeated = people.in_background(lambda: second.execute(call, (run, 100)).fetchone())
        people.wait_for_a_lock()
        first.commit()
        assert repeated.result() == (True, 14)
    assert set(brake.entries(run)) == {*unforeseen, *warned}


def test_old_plans_go_and_dry_ones_soon(brake: Brake) -> None:
    """G1: a coordinator's dry runs cannot fill the table; a plan is kept as long as its run."""
    kept, dry, old = brake.begin(), brake.begin(dry_run=True), brake.begin()
    for run, age in ((kept, "89 days"), (dry, "2 hours"), (old, "91 days")):
        brake.plan(run)
        brake.records.db.execute(
            "update plans set made_at = made_at - %s::interval where job_run_id = %s", (age, run)
        )
    new = brake.begin()
    brake.plan(new)
    rows = brake.records.rows("select job_run_id from plans")
    assert {row["job_run_id"] for row in rows} == {kept, new}


def test_a_plan_that_is_not_whole_releases_nobody(brake: Brake) -> None:
    """G2: the brake decides at its end; a caller could stop before it."""
    brake.set("hold", 0, 0)
    (mentor, *_), _ = night(brake)
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
    mentors, _ = night(brake)
    watched = brake.begin()
    brake.plan(watched)
    brake.set("hold")
    brake.plan(brake.begin())
    again = brake.begin(redrive_of=watched)
    for run in (watched, again):
        assert change(roster.db, mentors[0], p_job_run_id=run)["outcome"] == "held"


def test_a_warning_before_a_renewal_that_the_portal_took_back_does_not_count(
    brake: Brake, roster: Roster
) -> None:
    """G2: a restored backup of the portal brings back dates of which people were warned once."""
    mentor = roster.add_mentor(YESTERDAY)
    brake.warn([mentor], 30)
    assert brake.live()[mentor]["why"] == "forewarned"
    for day in (TODAY + timedelta(700), YESTERDAY):
        roster.rows(
            "select * from mirror_portal_certifications(%s, %s, '{c-1}', %s, %s, '{2026-01-01}',"
            " '{}')",
            ORG, uuid4(), [str(mentor)], [day],
        )  # fmt: skip
    assert brake.live()[mentor]["why"] == "warned_of_another_date"


def test_a_release_is_no_complete_run(brake: Brake, roster: Roster) -> None:
    """G4, O1: it does not cover all mentors, so the night stays missed."""
    brake.set("hold", 0, 0)
    roster.add_mentors(1)
    held = brake.begin()
    brake.approve(held, brake.plan(held)["plan_hash"])
    brake.finish(brake.begin(releases=held))
    (fresh,) = roster.rows("select * from get_run_freshness(%s, 'certification_expiry')", ORG)
    assert fresh["last_finished_at"] is None
