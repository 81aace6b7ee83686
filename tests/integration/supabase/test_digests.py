"""What a digest says, to whom it goes, and when the next one comes (W3, W5, W6)."""

from uuid import UUID, uuid4

import pytest

from support.outbox import Outbox
from support.roster import ORG, Roster


@pytest.fixture
def outbox(roster: Roster) -> Outbox:
    """The organisation's messages."""
    return Outbox(roster)


NOTHING = {
    "own_paused_on": None, "own_expires_on": None, "paused_count": 0, "renewed_count": 0,
    "expiring_count": 0, "first_expires_on": None, "unreachable_count": 0, "held_count": 0,
    "own_resumed_on": None, "resumed_count": 0, "unforeseen_count": 0,
}  # fmt: skip


def test_a_night_is_one_digest_for_each_person(outbox: Outbox) -> None:
    """W2, W3: mentors learn their own date, coordinators counts."""
    warned, paused, silent = outbox.add_mentor(5), outbox.add_mentor(), outbox.add_mentor(20, None)
    coordinator = outbox.add_coordinator(warned, paused, silent)
    outbox.add_contact(paused, "paused@example.no", "en")
    outbox.pause(paused)
    outbox.warn()
    sent = {row.pop("email"): row for row in outbox.send_all()}
    assert {row.pop("day") for row in sent.values()} == {outbox.today}
    assert len({row.pop("id") for row in sent.values()}) == 3
    assert sent == {
        f"{warned}@example.no": NOTHING
        | {"language": "nb", "own_expires_on": outbox.in_days(5)},
        "paused@example.no": NOTHING | {"language": "en", "own_paused_on": outbox.today},
        f"{coordinator}@example.no": NOTHING
        | {
            "language": "nb", "paused_count": 1, "expiring_count": 2,
            "first_expires_on": outbox.in_days(5), "unreachable_count": 1,
        },
    }  # fmt: skip
    assert outbox.states(silent) == ["no_address"]
    assert outbox.begin() is None


def test_a_pause_leaves_before_a_warning(outbox: Outbox) -> None:
    """W2: where the day's quota is short, it is more urgent, though the warning is older."""
    warned, paused = outbox.add_mentor(), outbox.add_mentor()
    outbox.warn()
    outbox.pass_time(hours=1)
    outbox.pause(paused)
    assert [row["email"] for row in outbox.send_all()] == [
        f"{mentor}@example.no" for mentor in (paused, warned)
    ]


def test_a_person_who_is_mentor_and_coordinator_gets_one_digest(outbox: Outbox) -> None:
    """W3: it goes to the address of the member."""
    both = outbox.add_coordinator(outbox.add_mentor(20, None), email="member@example.no")
    outbox.add_mentor(5, "a@example.no", user=both)
    outbox.warn()
    (digest,) = outbox.send_all()
    assert digest["email"] == "member@example.no"
    assert (digest["own_expires_on"], digest["expiring_count"]) == (outbox.in_days(5), 1)


@pytest.mark.parametrize("email", [None, " ", "not an address"])
def test_an_address_comes_before_a_contact_without_one(outbox: Outbox, email: str | None) -> None:
    """W6: a member without an address is reached as a mentor."""
    both = outbox.add_coordinator(email=email)
    outbox.add_mentor(5, "mentor@example.no", user=both)
    outbox.warn()
    assert [digest["email"] for digest in outbox.send_all()] == ["mentor@example.no"]


def test_a_second_message_of_a_day_waits_until_six_the_next_morning(outbox: Outbox) -> None:
    """W3: one digest a day. The monitor does not expect the message earlier."""
    mentor = outbox.add_mentor(5)
    coordinator = outbox.add_coordinator(mentor)
    outbox.warn()
    outbox.send_all()
    outbox.pause(mentor)
    assert outbox.send_all() == []
    assert outbox.states(coordinator) == ["sent", "pending"]
    (row,) = outbox.roster.rows(
        "select min(due_at) = max(expected_at) as is_one,"
        " min(due_at at time zone time_zone)::text as at"
        " from messages as m, organisations as o where m.org_id = o.id and state = 'pending'"
    )
    assert row == {"is_one": True, "at": f"{outbox.in_days(1)} 06:00:00"}


def test_leftovers_go_along_with_the_message_of_the_next_night(outbox: Outbox) -> None:
    """W3: they are not sent alone some hours later."""
    first, second = outbox.add_mentor(5), outbox.add_mentor()
    coordinator = outbox.add_coordinator(first, second)
    outbox.warn()
    outbox.send_all()
    outbox.pause(first)
    outbox.send_all()
    outbox.roster.db.execute("update digests set day = day - 1")
    outbox.pause(second)
    digests = {row["email"]: row for row in outbox.send_all()}
    assert digests[f"{coordinator}@example.no"]["paused_count"] == 2
    assert outbox.states(coordinator) == ["sent"] * 3


def test_leftovers_go_alone_the_next_day(outbox: Outbox) -> None:
    """W3: at six, if the night had nothing to say."""
    mentor = outbox.add_mentor(5)
    outbox.warn()
    outbox.send_all()
    outbox.pause(mentor)
    outbox.send_all()
    outbox.pass_time(days=2)
    (digest,) = outbox.send_all()
    assert (digest["own_paused_on"], digest["own_expires_on"]) == (outbox.in_days(-2), None)


def test_a_message_that_no_longer_holds_is_not_sent(outbox: Outbox) -> None:
    """W1: renewed, resumed or moved between the night and the digest."""
    renewed, resumed, moved = (outbox.add_mentor(5) for _ in range(3))
    coordinator = outbox.add_coordinator(renewed, moved)
    outbox.warn()
    outbox.send_all("refused")
    outbox.pause(resumed)
    outbox.roster.certify(renewed, outbox.in_days(400))
    outbox.roster.certify(resumed, outbox.in_days(400))
    outbox.roster.db.execute(
        "select update_mentor_status(%s, %s, 'active', 'renewed')", (resumed, ORG)
    )
    outbox.roster.db.execute(
        "update certifications set expires_on = %s where mentor_id = %s",
        (outbox.in_days(40), moved),
    )
    outbox.pass_time(hours=2)
    assert outbox.send_all() == []
    for person in (renewed, resumed, moved, coordinator):
        assert set(outbox.states(person)) == {"outdated"}


def test_a_digest_counts_what_still_holds(outbox: Outbox) -> None:
    """W1: a coordinator's warning about three mentors, of whom one has been renewed since."""
    mentors = [outbox.add_mentor(days, None) for days in (5, 6, 7)]
    outbox.add_coordinator(*mentors)
    outbox.warn()
    outbox.roster.certify(mentors[0], outbox.in_days(400))
    (digest,) = outbox.send_all()
    assert (digest["expiring_count"], digest["unreachable_count"]) == (2, 2)
    assert digest["first_expires_on"] == outbox.in_days(6)


def test_a_message_is_not_sent_after_seven_days(outbox: Outbox) -> None:
    """W4: also if a sender is configured later."""
    mentor = outbox.add_mentor(30)
    outbox.warn()
    outbox.pass_time(days=6, hours=23)
    assert outbox.settle() == (0, 0)
    outbox.pass_time(hours=2)
    assert outbox.begin() is None
    assert outbox.states(mentor) == ["outdated"]


def test_old_messages_end_without_a_sender(outbox: Outbox) -> None:
    """W4: `settle_messages` alone."""
    mentor = outbox.add_mentor(30)
    outbox.warn()
    outbox.pass_time(days=8)
    assert (outbox.settle(), outbox.settle()) == ((0, 1), (0, 0))
    assert outbox.states(mentor) == ["outdated"]


def test_a_mentor_who_gets_an_address_in_time_gets_the_message(outbox: Outbox) -> None:
    """W6: the next day at the latest."""
    mentor = outbox.add_mentor(5, None)
    outbox.warn()
    assert outbox.send_all() == []
    assert outbox.states(mentor) == ["no_address"]
    outbox.add_contact(mentor, "new@example.no")
    assert outbox.send_all() == []
    outbox.pass_time(days=1)
    assert [digest["email"] for digest in outbox.send_all()] == ["new@example.no"]
    assert outbox.states(mentor) == ["sent"]


@pytest.mark.parametrize("is_mentor", [True, False])
def test_a_former_coordinator_is_told_nothing(outbox: Outbox, is_mentor: bool) -> None:
    """S4: also if they can be reached as a mentor; a mentor still gets their own messages."""
    coordinator = outbox.add_coordinator(outbox.add_mentor(20, None))
    own = outbox.add_mentor(5, "own@example.no", user=coordinator) if is_mentor else None
    outbox.warn()
    outbox.add_coordinator()  # somebody else is a member
    outbox.roster.db.execute("delete from org_members where user_id = %s", (coordinator,))
    digests = outbox.send_all()
    assert [digest["expiring_count"] for digest in digests] == ([0] if own else [])
    states = {row["audience"]: row["state"] for row in outbox.messages(coordinator)}
    assert states == {"coordinator": "outdated"} | ({"mentor": "sent"} if own else {})


def test_a_mentor_in_two_organisations_gets_a_digest_of_each(outbox: Outbox) -> None:
    """R5: each organisation sends its own."""
    user, other = uuid4(), UUID(int=9)
    outbox.add_mentor(5, "a@example.no", user=user)
    elsewhere = outbox.add_mentor(6, "b@example.no", user=user)
    outbox.roster.db.execute("insert into organisations (id, slug) values (%s, 'other')", (other,))
    outbox.roster.db.execute(
        "update peer_mentors set org_id = %s, chapter_id = null where id = %s", (other, elsewhere)
    )
    outbox.warn()
    outbox.roster.db.execute("select write_warnings(%s, %s)", (other, outbox.today))
    assert [digest["email"] for digest in outbox.send_all()] == ["a@example.no"]
    (row,) = outbox.roster.rows("select email from begin_digest(%s, gen_random_uuid())", other)
    assert row["email"] == "b@example.no"


def test_mentors_who_are_added_to_a_message_are_told_later(outbox: Outbox) -> None:
    """E11: the second digest counts only those that the first one did not."""
    mentors = [outbox.add_mentor(days, None) for days in (5, 6, 7)]
    coordinator = outbox.add_coordinator(*mentors)
    run = outbox.pause(*mentors[:2])
    (first,) = outbox.send_all()
    assert first["paused_count"] == 2
    outbox.pause_in(run, mentors[2])
    outbox.record(first["id"], "delivered")
    assert outbox.states(coordinator) == ["pending"]
    outbox.pass_time(days=1)
    assert [digest["paused_count"] for digest in outbox.send_all()] == [1]
    (message,) = outbox.messages(coordinator)
    assert (message["mentor_ids"], message["announced_count"]) == (sorted(mentors), 3)


@pytest.mark.parametrize(("result", "told_later"), [("sent", 1), ("unknown", 1), ("refused", 3)])
def test_mentors_who_are_added_while_a_digest_is_sent_are_told_later(
    outbox: Outbox, result: str, told_later: int
) -> None:
    """E11, W3: nobody is counted twice, and nobody is lost."""
    mentors = [outbox.add_mentor(days, None) for days in (5, 6, 7)]
    coordinator = outbox.add_coordinator(*mentors)
    run = outbox.pause(*mentors[:2])
    first = outbox.begin()
    assert first is not None
    outbox.pause_in(run, mentors[2])
    assert outbox.states(coordinator) == ["sending"]
    again = outbox.begin(first["id"])
    assert again is not None
    assert (first["paused_count"], again["paused_count"]) == (2, 2)
    outbox.finish(first["id"], result)
    assert outbox.states(coordinator) == ["pending"]
    outbox.pass_time(days=1)
    assert [digest["paused_count"] for digest in outbox.send_all()] == [told_later]
    assert outbox.states(coordinator) == ["sent"]
