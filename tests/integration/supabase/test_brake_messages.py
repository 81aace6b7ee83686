"""Administrators are told at once what the brake has done, and again while it holds (G2, G3)."""

from collections.abc import Callable
from uuid import UUID

import psycopg
import pytest

from support.brake import Brake
from support.cluster import Cluster
from support.outbox import Outbox
from support.roster import ORG, Roster


@pytest.fixture
def outbox(roster: Roster) -> Outbox:
    """The organisation's messages."""
    return Outbox(roster)


@pytest.fixture
def brake(roster: Roster) -> Brake:
    """The organisation's brake, which holds."""
    brake = Brake(roster)
    brake.set("hold")
    return brake


def run_night(outbox: Outbox, brake: Brake) -> UUID:
    """Let a run make its plan, pause whom it lists, and write the messages."""
    run = brake.begin(day=outbox.today)
    brake.plan(run)
    pause_all(outbox, brake, run)
    return run


def pause_all(outbox: Outbox, brake: Brake, run: UUID) -> None:
    """Pause the mentors whom a run lists, and write the messages."""
    for mentor in brake.listed(run):
        outbox.roster.db.execute(
            "select update_mentor_status(%s, %s, 'paused', 'certification_expired', %s, %s)",
            (mentor, ORG, run, outbox.today),
        )
    outbox.roster.db.execute("select notify_coordinators(%s)", (run,))


def release(outbox: Outbox, brake: Brake, run: UUID) -> UUID:
    """Approve the plan of a run, and pause the held mentors."""
    brake.finish(run)
    (plan,) = outbox.roster.rows("select * from plans where job_run_id = %s", run)
    brake.approve(run, plan["plan_hash"])
    released = brake.begin(releases=run)
    pause_all(outbox, brake, released)
    return released


def urgent(outbox: Outbox, admin: UUID) -> list[str]:
    """Return the states of an administrator's messages about the brake, oldest first."""
    rows = outbox.roster.rows(
        "select state from messages where person_id = %s and audience = 'admin' order by id", admin
    )
    return [row["state"] for row in rows]


@pytest.mark.parametrize("hour", [3, 12])
def test_an_administrator_is_told_at_once(outbox: Outbox, brake: Brake, hour: int) -> None:
    """G3: before six, and although the person has had a digest today; other news still wait."""
    warned = outbox.add_mentor(5)
    admin = outbox.add_admin(warned)
    outbox.warn()
    assert f"{admin}@example.no" in [row["email"] for row in outbox.send_all()]
    outbox.roster.make_it(hour)
    outbox.roster.db.execute("update digests set day = private.org_today(org_id)")
    outbox.roster.add_mentors(12)
    run_night(outbox, brake)
    (digest,) = outbox.send_all()
    assert (digest["email"], digest["held_count"]) == (f"{admin}@example.no", 12)
    others = ("paused_count", "expiring_count", "unforeseen_count", "resumed_count")
    assert [digest[name] for name in others] == [0, 0, 0, 0]
    assert urgent(outbox, admin) == ["sent", "pending", "pending"]
    rows = outbox.roster.rows("select is_urgent from digests where person_id = %s", admin)
    assert sorted(row["is_urgent"] for row in rows) == [False, True]


def test_an_administrator_is_told_again_after_four_and_twelve_hours(
    outbox: Outbox, brake: Brake
) -> None:
    """G3: as long as somebody is held; each message counts who is held then."""
    admin = outbox.add_admin()
    mentors = outbox.roster.add_mentors(12)
    run_night(outbox, brake)
    counts = [row["held_count"] for row in outbox.send_all()]
    outbox.pass_time(hours=3, minutes=59)
    assert outbox.send_all() == []
    outbox.roster.certify(mentors[0], outbox.in_days(400))
    outbox.pass_time(minutes=2)
    counts += [row["held_count"] for row in outbox.send_all()]
    outbox.pass_time(hours=7)
    assert outbox.send_all() == []
    outbox.pass_time(hours=1)
    counts += [row["held_count"] for row in outbox.send_all()]
    assert counts == [12, 11, 11]
    outbox.pass_time(hours=20)
    assert outbox.send_all() == []
    assert urgent(outbox, admin) == ["sent"] * 3


def test_a_message_and_its_late_reminder_are_one_e_mail(outbox: Outbox, brake: Brake) -> None:
    """G3: if no notifier ran for hours, or the sender was switched on late."""
    outbox.add_admin()
    outbox.roster.add_mentors(12)
    run_night(outbox, brake)
    outbox.pass_time(hours=5)
    assert [row["held_count"] for row in outbox.send_all()] == [12]


def approve(outbox: Outbox, brake: Brake, run: UUID) -> None:
    """Approve the plan, and let the release pause everybody."""
    release(outbox, brake, run)


def renew(outbox: Outbox, _brake: Brake, _run: UUID) -> None:
    """Renew everybody."""
    for row in outbox.roster.rows("select id from peer_mentors"):
        outbox.roster.certify(row["id"], outbox.in_days(400))


def switch_to_watch(outbox: Outbox, brake: Brake, run: UUID) -> None:
    """Let the next run pause everybody."""
    brake.set("watch")
    brake.finish(run)
    run_night(outbox, brake)


@pytest.mark.parametrize("happens", [approve, renew, switch_to_watch])
def test_nobody_is_reminded_of_what_no_longer_holds(
    outbox: Outbox, brake: Brake, happens: Callable[[Outbox, Brake, UUID], None]
) -> None:
    """G3: approved and paused, renewed, or in a newer plan."""
    admin = outbox.add_admin()
    outbox.roster.add_mentors(12)
    run = run_night(outbox, brake)
    outbox.send_all()
    happens(outbox, brake, run)
    outbox.pass_time(hours=13)
    assert [row["held_count"] for row in outbox.send_all()] in ([], [0])
    assert urgent(outbox, admin)[:3] == ["sent", "outdated", "outdated"]


def test_a_newer_plan_that_holds_tells_anew(outbox: Outbox, brake: Brake) -> None:
    """G4: the approval of the older one has lapsed, and the reminders are about the newer one."""
    admin = outbox.add_admin()
    outbox.roster.add_mentors(12)
    brake.finish(run_night(outbox, brake))
    outbox.send_all()
    outbox.pass_time(hours=3)
    outbox.roster.add_mentors(1)
    run_night(outbox, brake)
    assert [row["held_count"] for row in outbox.send_all()] == [13]
    outbox.pass_time(hours=2)
    assert outbox.send_all() == []
    assert urgent(outbox, admin) == ["sent", "outdated", "pending", "sent", "pending", "pending"]
    outbox.pass_time(hours=10)
    assert [row["held_count"] for row in outbox.send_all()] == [13]
    assert urgent(outbox, admin) == ["sent", "outdated", "outdated", "sent", "sent", "sent"]


def test_unforeseen_pauses_are_told_once_and_at_once(outbox: Outbox, brake: Brake) -> None:
    """G2: in mode watch, to administrators only; the count leaves out who was warned in time."""
    brake.set("watch")
    mentors = outbox.roster.add_mentors(13)
    brake.warn(mentors[:1], day=outbox.today)
    admin, coordinator = outbox.add_admin(), outbox.add_coordinator(*mentors)
    run_night(outbox, brake)
    sent = {row["email"]: row for row in outbox.send_all()}
    assert sent[f"{admin}@example.no"]["unforeseen_count"] == 12
    told = sent[f"{coordinator}@example.no"]
    assert (told["unforeseen_count"], told["paused_count"]) == (0, 13)
    outbox.pass_time(hours=13)
    assert outbox.send_all() == []
    assert urgent(outbox, admin) == ["sent"]


@pytest.mark.parametrize(("mode", "count"), [("hold", 10), ("watch", 10), ("off", 12)])
def test_nobody_is_told_if_the_brake_does_not_act(
    outbox: Outbox, brake: Brake, mode: str, count: int
) -> None:
    """G2: within the limits, or switched off."""
    brake.set(mode)  # pyright: ignore[reportArgumentType]
    admin = outbox.add_admin()
    outbox.roster.add_mentors(count)
    run_night(outbox, brake)
    assert outbox.messages(admin) == []


def test_an_administrator_who_is_a_coordinator_too_gets_both(outbox: Outbox, brake: Brake) -> None:
    """G3, E11: the urgent e-mail first, and in the digest of the day whom the run paused."""
    mentors = outbox.roster.add_mentors(13)
    brake.warn(mentors[:1], day=outbox.today)
    admin = outbox.add_admin(*mentors)
    run_night(outbox, brake)
    counts = [(row["held_count"], row["paused_count"]) for row in outbox.send_all()]
    assert counts == [(12, 0), (0, 1)]
    assert {row["audience"] for row in outbox.messages(admin)} == {"admin", "coordinator"}


def test_a_former_administrator_is_not_told(outbox: Outbox, brake: Brake) -> None:
    """S4: also not one who is a coordinator now."""
    admin = outbox.add_admin()
    outbox.roster.add_mentors(12)
    run_night(outbox, brake)
    outbox.roster.db.execute("update org_members set role = 'coordinator'")
    assert outbox.send_all() == []
    assert urgent(outbox, admin) == ["outdated", "pending", "pending"]


def test_the_app_shows_a_held_message_once(outbox: Outbox, brake: Brake, cluster: Cluster) -> None:
    """G3: its reminders are for e-mail only."""
    admin = outbox.add_admin()
    outbox.roster.add_mentors(12)
    run = run_night(outbox, brake)
    outbox.pass_time(hours=13)
    outbox.send_all()
    url = cluster.url_as(outbox.roster.db, "authenticated", admin)
    with psycopg.connect(url, autocommit=True) as person:
        found = person.execute("select kind, job_run_id from list_my_messages()").fetchall()
    assert found == [("held", run)]
