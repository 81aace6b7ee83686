"""When a waiting message is due, and what a digest leaves waiting (W1, W3, W6)."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from support.brake import Brake
from support.outbox import Outbox, Row
from support.roster import ORG, Roster


@pytest.fixture
def outbox(roster: Roster) -> Outbox:
    """The organisation's messages."""
    return Outbox(roster)


type Wait = tuple[str, int, str, bool]


def waits(outbox: Outbox, person: UUID) -> list[Wait]:
    """Return the state of a person's messages, and in how many days and at which hour each is due.

    The last value: whether the monitor expects it then.
    """
    rows = outbox.roster.rows(
        "select m.state, (local.due::date - private.org_today(m.org_id)) as days,"
        " local.due::time::text as hour, m.due_at = m.expected_at as is_expected"
        " from messages as m join organisations as o on o.id = m.org_id"
        " cross join lateral (select m.due_at at time zone o.time_zone as due) as local"
        " where m.person_id = %s order by m.id",
        person,
    )
    return [(row["state"], row["days"], row["hour"], row["is_expected"]) for row in rows]


def test_an_old_message_waits_for_six_in_the_morning(outbox: Outbox) -> None:
    """W2: at two in the night it is due at six; a message of today goes at once."""
    mentor, other = outbox.add_mentor(), outbox.add_mentor()
    outbox.roster.make_it(2)
    outbox.warn()
    outbox.pass_time(hours=5)
    assert outbox.begin() is None
    for person in (mentor, other):
        assert waits(outbox, person) == [("pending", 0, "06:00:00", True)]
    outbox.pause(other)
    outbox.roster.db.execute("update messages set due_at = now()")
    assert [row["email"] for row in outbox.send_all()] == [f"{other}@example.no"]


def test_what_is_due_later_keeps_its_time(outbox: Outbox) -> None:
    """W3: a digest of today postpones only what is due now."""
    mentor = outbox.add_mentor()
    outbox.warn()
    outbox.send_all()
    for days in (0, 3):
        outbox.roster.db.execute(
            "insert into messages (org_id, audience, person_id, kind, mentor_ids, job_run_id,"
            " due_at) values (%s, 'mentor', %s, 'paused', %s, gen_random_uuid(), now() + %s)",
            (ORG, mentor, [mentor], timedelta(days)),
        )
    later = waits(outbox, mentor)[2]
    other = outbox.add_mentor()
    outbox.warn()
    assert [row["email"] for row in outbox.send_all()] == [f"{other}@example.no"]
    _, now, after = waits(outbox, mentor)
    assert now == ("pending", 1, "06:00:00", True)
    assert after == later


def test_what_no_longer_holds_is_outdated_also_without_an_address(outbox: Outbox) -> None:
    """W1, W6: it does not wait for an address; what still holds does, for a day."""
    renewed, silent = outbox.add_mentor(5, None), outbox.add_mentor(5, None)
    outbox.warn()
    outbox.roster.certify(renewed, outbox.in_days(400))
    assert outbox.send_all() == []
    assert (outbox.states(renewed), outbox.states(silent)) == (["outdated"], ["no_address"])
    (message,) = outbox.messages(silent)
    assert message["refusal"] is None
    outbox.pass_time(hours=23)
    outbox.add_contact(silent, "new@example.no")
    assert outbox.send_all() == []
    outbox.pass_time(hours=2)
    outbox.roster.make_it(12)
    assert [row["email"] for row in outbox.send_all()] == ["new@example.no"]


def test_a_pause_without_an_address_waits_for_one_too(outbox: Outbox) -> None:
    """W6: as a warning does."""
    mentor = outbox.add_mentor(5, None)
    outbox.pause(mentor)
    assert outbox.send_all() == []
    assert outbox.states(mentor) == ["no_address"]
    outbox.add_contact(mentor, "new@example.no")
    outbox.pass_time(days=1)
    (digest,) = outbox.send_all()
    assert digest["own_paused_on"] == outbox.in_days(-1)


def test_a_digest_covers_what_still_holds_alone(outbox: Outbox) -> None:
    """W1: the warning of a mentor who has been paused since is outdated, the pause is sent."""
    mentor = outbox.add_mentor()
    outbox.warn()
    outbox.pause(mentor)
    (digest,) = outbox.send_all()
    assert (digest["own_expires_on"], digest["own_paused_on"]) == (None, outbox.today)
    assert outbox.states(mentor) == ["outdated", "sent"]
    assert [row["sending_count"] for row in outbox.messages(mentor)] == [0, 1]


def test_a_digest_counts_each_mentor_once(outbox: Outbox) -> None:
    """W5: two warnings of the same date, and of two mentors of one person the earliest date."""
    user = uuid4()
    early, late = outbox.add_mentor(5, user=user), outbox.add_mentor(6, user=user)
    silent, paused = outbox.add_mentor(7, None), outbox.add_mentor(7, None)
    without = outbox.roster.add_mentor(outbox.in_days(8))
    coordinator = outbox.add_coordinator(early, late, silent, paused, without)
    outbox.warn(-20)
    outbox.warn()
    outbox.pause(paused)
    sent = {row["email"]: row for row in outbox.send_all()}
    told = sent[f"{coordinator}@example.no"]
    assert (told["expiring_count"], told["first_expires_on"]) == (4, outbox.in_days(5))
    assert (told["paused_count"], told["unreachable_count"]) == (1, 3)
    own = next(row for email, row in sent.items() if not email.startswith(str(coordinator)))
    assert (own["own_expires_on"], own["expiring_count"]) == (outbox.in_days(5), 0)


def test_own_news_and_those_of_other_mentors_are_apart(outbox: Outbox) -> None:
    """W5: a coordinator who is a mentor too, and who was paused by the same run."""
    both = outbox.add_coordinator(*(others := [outbox.add_mentor(5, None) for _ in range(2)]))
    own = outbox.add_mentor(5, user=both)
    outbox.pause(own, *others)
    (digest,) = outbox.send_all()
    assert (digest["own_paused_on"], digest["paused_count"]) == (outbox.today, 2)
    assert (digest["own_resumed_on"], digest["resumed_count"]) == (None, 0)
    assert digest["unreachable_count"] == 2


def test_a_coordinator_without_an_address_keeps_all_messages(outbox: Outbox) -> None:
    """W6: the next address brings them together."""
    warned, paused = outbox.add_mentor(5, None), outbox.add_mentor(5, None)
    coordinator = outbox.add_coordinator(warned, paused, email=None)
    outbox.warn()
    outbox.pause(paused)
    assert outbox.send_all() == []
    assert outbox.states(coordinator) == ["no_address", "no_address"]


def test_a_mentor_who_is_reached_as_a_member_is_not_unreachable(outbox: Outbox) -> None:
    """W6: the count is about mentors for whom the person is responsible."""
    both = outbox.add_coordinator()
    outbox.pause(outbox.add_mentor(5, None, user=both))
    (digest,) = outbox.send_all()
    assert (digest["own_paused_on"], digest["unreachable_count"]) == (outbox.today, 0)


def test_renewed_mentors_are_told_to_their_coordinators_alone(outbox: Outbox) -> None:
    """E11: they stay paused until somebody resumes them."""
    first, second = outbox.add_mentor(), outbox.add_mentor()
    coordinator, run = outbox.add_coordinator(first, second), uuid4()
    outbox.roster.db.execute("update certifications set job_run_id = %s", (run,))
    outbox.roster.db.execute("select notify_coordinators(%s)", (run,))
    (digest,) = outbox.send_all()
    assert digest["email"] == f"{coordinator}@example.no"
    assert (digest["renewed_count"], digest["paused_count"], digest["resumed_count"]) == (2, 0, 0)
    assert [row["kind"] for row in outbox.messages()] == ["renewed"]


def resume(outbox: Outbox, paused_by: UUID, *mentors: UUID) -> None:
    """Let a withdrawal resume mentors, and write the messages."""
    run = uuid4()
    outbox.roster.rows("select * from finish_execution(%s, 'completed', 0, 0, 0, 0)", paused_by)
    outbox.roster.rows(
        "select * from begin_execution('withdrawal', %s, %s, 'manual', 'eva', 'running', %s,"
        " p_withdraws => %s)",
        run, ORG, outbox.today, paused_by,
    )  # fmt: skip
    for mentor in mentors:
        outbox.roster.certify(mentor, outbox.in_days(400))
        outbox.roster.db.execute(
            "select update_mentor_status(%s, %s, 'active', 'pause_withdrawn', %s)",
            (mentor, ORG, run),
        )
    outbox.roster.db.execute("select notify_coordinators(%s)", (run,))


@pytest.mark.parametrize("is_paused_again", [False, True])
def test_a_withdrawn_pause_is_told_while_it_is_the_last_change(
    outbox: Outbox, *, is_paused_again: bool
) -> None:
    """G5, W1: to the mentor and to the coordinator, who hears of it in any case."""
    mentor, other = outbox.add_mentor(), outbox.add_mentor()
    coordinator = outbox.add_coordinator(mentor)
    run = Brake(outbox.roster).begin(day=outbox.today)
    outbox.pause_in(run, mentor, other)
    resume(outbox, run, mentor)
    if is_paused_again:
        outbox.roster.db.execute(
            "select update_mentor_status(%s, %s, 'paused', 'on_leave')", (mentor, ORG)
        )
    sent = {row["email"]: row for row in outbox.send_all()}
    told = sent.pop(f"{coordinator}@example.no")
    assert (told["paused_count"], told["resumed_count"], told["own_resumed_on"]) == (1, 1, None)
    assert sent.pop(f"{other}@example.no")["own_paused_on"] == outbox.today
    assert [(row["own_resumed_on"], row["resumed_count"]) for row in sent.values()] == (
        [] if is_paused_again else [(outbox.today, 0)]
    )
    last = "outdated" if is_paused_again else "sent"
    assert outbox.states(mentor) == ["outdated", last]


@pytest.mark.parametrize(("older_by", "is_sent"), [(-1, True), (1, False)])
def test_news_for_coordinators_stay_true_for_seven_days(
    outbox: Outbox, older_by: int, *, is_sent: bool
) -> None:
    """W4: also if the mentor has been resumed since."""
    coordinator = outbox.add_coordinator(mentor := outbox.add_mentor(5, None))
    outbox.pause(mentor)
    outbox.pass_time(days=7)
    outbox.roster.db.execute(
        "update messages set created_at = created_at - %s", (timedelta(minutes=older_by),)
    )
    assert [row["email"] for row in outbox.send_all()] == [f"{coordinator}@example.no"] * is_sent


def test_a_message_that_waits_for_an_address_ends_after_seven_days(outbox: Outbox) -> None:
    """W4: as one that was not sent does."""
    mentor = outbox.add_mentor(30, None)
    outbox.warn()
    assert outbox.send_all() == []
    outbox.pass_time(days=6, hours=23)
    assert outbox.settle() == (0, 0)
    outbox.pass_time(hours=2)
    assert outbox.settle() == (0, 1)
    assert outbox.states(mentor) == ["outdated"]


def told(outbox: Outbox) -> Row:
    """Return how many messages there are for each audience."""
    rows = outbox.roster.rows("select audience, count(*) as n from messages group by audience")
    return {row["audience"]: row["n"] for row in rows}


def test_only_the_brake_that_acts_in_a_real_run_tells_administrators(outbox: Outbox) -> None:
    """G3: not a dry run, and not a coordinator; a repeated call tells nothing again."""
    brake = Brake(outbox.roster)
    brake.set("hold")
    outbox.add_admin()
    outbox.add_admin()
    outbox.add_coordinator()
    outbox.roster.add_mentors(12)
    dry, real = brake.begin(day=outbox.today, dry_run=True), brake.begin(day=outbox.today)
    for run in (dry, real):
        brake.plan(run)
    outbox.roster.db.execute("select notify_coordinators(%s)", (dry,))
    assert told(outbox) == {}
    for _ in range(2):
        outbox.roster.db.execute("select notify_coordinators(%s)", (real,))
    assert told(outbox) == {"admin": 6}
    reminders = outbox.roster.rows(
        "select reminder, kind, cardinality(mentor_ids) as n,"
        " round(extract(epoch from due_at - created_at) / 3600)::integer as hours,"
        " expected_at - due_at between '-1 s' and '1 s' as is_expected from messages"
        " order by person_id, reminder"
    )
    assert reminders == 2 * [
        {"reminder": number, "kind": "held", "n": 12, "hours": hours, "is_expected": True}
        for number, hours in enumerate((0, 4, 12))
    ]


def test_a_run_tells_of_its_own_plan_alone(outbox: Outbox) -> None:
    """G3: one held mentor is enough; the plan of another run is not told again."""
    brake = Brake(outbox.roster)
    brake.set("hold", 0, 0)
    outbox.add_admin()
    outbox.roster.add_mentors(1)
    first, second = brake.begin(day=outbox.today), brake.begin(day=outbox.today)
    for run in (first, second):
        brake.plan(run)
    outbox.roster.db.execute("select notify_coordinators(%s)", (second,))
    found = {(row["kind"], row["job_run_id"]) for row in outbox.messages()}
    assert found == {("held", second)}
