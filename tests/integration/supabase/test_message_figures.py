"""What operators and metrics see of the messages (W7)."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from support.outbox import Outbox
from support.roster import ORG, Roster


@pytest.fixture
def outbox(roster: Roster) -> Outbox:
    """The organisation's messages."""
    return Outbox(roster)


def figures(outbox: Outbox) -> dict[str, int]:
    """Return the figures that are not zero."""
    (row,) = outbox.roster.rows("select * from get_message_figures(%s)", ORG)
    return {name.removesuffix("_count"): count for name, count in row.items() if count}


def listed(outbox: Outbox, *, undelivered: bool = True, **page: Any) -> list[dict[str, Any]]:
    """List as the command line does."""
    return outbox.roster.rows(
        "select * from list_messages(%s, %s, %s, %s)",
        ORG, undelivered, page.get("before"), page.get("limit", 50),
    )  # fmt: skip


def test_a_message_is_undelivered_after_an_hour(outbox: Outbox) -> None:
    """W7: not before, and not once it was sent."""
    mentor = outbox.add_mentor(5)
    outbox.warn()
    outbox.pass_time(minutes=59)
    assert (figures(outbox), listed(outbox)) == ({}, [])
    outbox.pass_time(minutes=2)
    assert figures(outbox) == {"undelivered": 1}
    assert [(row["person_id"], row["state"]) for row in listed(outbox)] == [(mentor, "pending")]
    outbox.send_all()
    assert (figures(outbox), listed(outbox)) == ({}, [])


def test_a_message_that_waits_for_the_next_day_is_not_undelivered(outbox: Outbox) -> None:
    """W3: a person gets one digest a day."""
    mentor = outbox.add_mentor(5)
    outbox.warn()
    outbox.send_all()
    outbox.pause(mentor)
    outbox.send_all()
    outbox.roster.db.execute("update messages set created_at = created_at - interval '5 hours'")
    assert (figures(outbox), listed(outbox)) == ({}, [])


def test_a_digest_that_ses_refuses_is_undelivered(outbox: Outbox) -> None:
    """W7: each refusal makes the next attempt later, and not what is expected."""
    outbox.add_mentor(5)
    outbox.warn()
    outbox.pass_time(hours=2)
    outbox.send_all("refused")
    assert figures(outbox) == {"undelivered": 1}


@pytest.mark.parametrize(
    ("state", "figure"),
    [("bounced", "bounced"), ("suppressed", "bounced"), ("complained", "complained")],
)
def test_what_went_wrong_counts_for_a_day(outbox: Outbox, state: str, figure: str) -> None:
    """W7: it stays on the list."""
    outbox.add_mentor(5)
    outbox.warn()
    found = outbox.begin()
    assert found is not None
    outbox.finish(found["id"])
    outbox.record(found["id"], state, reason="Permanent")
    assert figures(outbox) == {figure: 1}
    outbox.pass_time(days=1)
    assert figures(outbox) == {}
    assert [(row["state"], row["reason"]) for row in listed(outbox)] == [(state, "Permanent")]


def test_unknown_and_unaddressed_messages_count(outbox: Outbox) -> None:
    """W4, W6."""
    outbox.add_mentor(5)
    outbox.add_mentor(5, None)
    outbox.warn()
    outbox.send_all("unknown")
    assert figures(outbox) == {"unknown": 1, "no_address": 1}
    assert {row["state"] for row in listed(outbox)} == {"unknown", "no_address"}


def test_the_list_goes_page_by_page_and_names_no_address(outbox: Outbox) -> None:
    """W5: ids, counts and states."""
    mentors = [outbox.add_mentor(5) for _ in range(3)]
    outbox.add_coordinator(*mentors)
    outbox.warn()
    first = listed(outbox, undelivered=False, limit=3)
    rest = listed(outbox, undelivered=False, before=first[-1]["id"])
    assert [row["id"] for row in [*first, *rest]] == [
        row["id"] for row in reversed(outbox.messages())
    ]
    assert sorted(row["mentor_count"] for row in [*first, *rest]) == [1, 1, 1, 3]
    assert "@" not in str([*first, *rest])


def paused(outbox: Outbox, *mentors: UUID, days_ago: int = 0) -> UUID:
    """Let a run of a day pause mentors, with its row in the log."""
    run, day = uuid4(), outbox.in_days(-days_ago)
    outbox.roster.db.execute(
        "select from begin_execution('certification_expiry', %s, %s, 'schedule', 'rule',"
        " 'running', %s)",
        (run, ORG, day),
    )
    for mentor in mentors:
        outbox.roster.db.execute(
            "select update_mentor_status(%s, %s, 'paused', 'certification_expired', %s, %s)",
            (mentor, ORG, run, day),
        )
    return run


def unwarned(outbox: Outbox, day: Any, after: UUID | None = None, limit: int = 1000) -> list[UUID]:
    """List the mentors who were paused without a warning."""
    query = "select mentor_id from list_paused_unwarned(%s, %s, %s, %s)"
    return [row["mentor_id"] for row in outbox.roster.rows(query, ORG, day, after, limit)]


@pytest.mark.parametrize(("warned_before", "is_unwarned"), [(15, False), (14, False), (13, True)])
def test_a_mentor_is_unwarned_without_a_warning_14_days_before(
    outbox: Outbox, warned_before: int, *, is_unwarned: bool
) -> None:
    """W7: both sides of the border."""
    mentor = outbox.add_mentor(0)
    outbox.warn(-warned_before)
    paused(outbox, mentor)
    assert unwarned(outbox, outbox.today) == [mentor] * is_unwarned


def test_a_warning_of_another_date_does_not_count(outbox: Outbox) -> None:
    """W7: the date was moved forward, so nobody was told in time."""
    mentor = outbox.add_mentor(10)
    outbox.warn(-20)
    outbox.roster.db.execute("update certifications set expires_on = %s", (outbox.today,))
    paused(outbox, mentor)
    assert unwarned(outbox, outbox.today) == [mentor]


def test_unwarned_mentors_come_page_by_page_from_the_runs_of_the_day(outbox: Outbox) -> None:
    """W7: two runs of one day; a run of another day counts for its own."""
    mentors = sorted(outbox.add_mentor(0) for _ in range(4))
    earlier = outbox.add_mentor(-1)
    paused(outbox, *mentors[:2])
    paused(outbox, *mentors[2:])
    paused(outbox, earlier, days_ago=1)
    assert unwarned(outbox, outbox.today, None, 3) == mentors[:3]
    assert unwarned(outbox, outbox.today, mentors[2], 3) == mentors[3:]
    assert unwarned(outbox, outbox.in_days(-1)) == [earlier]
