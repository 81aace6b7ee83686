"""`make_plan`: whom a run pauses, and whom the brake holds (G1, G2)."""

import hashlib
from datetime import timedelta
from uuid import uuid4

import psycopg
import pytest

from support.brake import Brake
from support.cluster import Cluster
from support.people import People
from support.roster import ORG, TODAY, TOMORROW, Roster


@pytest.fixture
def brake(roster: Roster) -> Brake:
    """The organisation's brake."""
    return Brake(roster)


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
    unforeseen, warned = brake.night()
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
    brake.night()
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
    brake.night(1, 1)
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
    (mentor, *_), _ = brake.night()
    before = brake.plan(brake.begin())["plan_hash"]
    brake.records.db.execute(statement.encode(), {"m": mentor})
    assert brake.plan(brake.begin())["plan_hash"] != before
    assert brake.plan(brake.begin(day=TODAY - timedelta(1)))["plan_hash"] != before


def test_the_end_of_a_row_has_the_counts_of_its_plan(brake: Brake) -> None:
    """G3: and the hash."""
    brake.set("hold")
    brake.night()
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
    brake.night()
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
    brake.night()
    run = brake.begin()
    made = brake.plan(run)
    brake.records.rows("select * from finish_execution(%s, %s, 0, 0, 0, 0)", run, status)
    assert brake.plan(run) == made


def test_two_calls_that_make_one_plan_wait_for_each_other(
    brake: Brake, roster: Roster, cluster: Cluster
) -> None:
    """G1: a call whose answer was lost may still be working when it is repeated."""
    unforeseen, warned = brake.night()
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


def test_an_organisation_without_settings_has_the_usual_brake(brake: Brake, roster: Roster) -> None:
    """G2: it watches, above 10 and 5 %; the settings of another organisation do not matter."""
    roster.add_mentors(11)
    other = roster.add_organisation()
    roster.db.execute(
        "insert into organisation_settings (org_id, brake_mode, brake_count, brake_percent)"
        " values (%s, 'hold', 0, 0)",
        (other,),
    )
    (summary,) = roster.rows("select * from summarise_plan(%s, %s)", ORG, TODAY)
    names = ("brake_mode", "brake_count", "brake_percent", "brake_acts", "held_count")
    assert [summary[name] for name in names] == ["watch", 10, 5, True, 0]
    brake.set("off")
    (summary,) = roster.rows("select * from summarise_plan(%s, %s)", ORG, TODAY)
    assert [summary[name] for name in names] == ["off", 10, 5, False, 0]


def test_old_plans_of_another_organisation_stay(brake: Brake, roster: Roster) -> None:
    """S4: a run of one organisation removes only its own."""
    run = brake.begin()
    brake.plan(run)
    other = roster.add_organisation()
    roster.db.execute(
        "update plans set org_id = %s, made_at = made_at - interval '91 days'", (other,)
    )
    new = brake.begin()
    brake.plan(new)
    assert {row["job_run_id"] for row in roster.rows("select * from plans")} == {run, new}
