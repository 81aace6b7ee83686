"""The notifier dies, or the database does not answer, between any two steps (W3, W4)."""

import pytest

from mentor_pause.errors import DatabaseUnavailable
from support.faults import Plan, ProcessDied
from support.post_office import SOON, Notifier, add_contact, states, today, warned
from support.roster import ORG, Roster

CALLS = ("settle", "quota", "begin", "send", "finish", "begin the next")


@pytest.mark.parametrize("dies_after", range(len(CALLS)), ids=CALLS)
def test_a_notifier_that_dies_loses_nothing_and_sends_nothing_twice(
    notifier: Notifier, roster: Roster, plan: Plan, dies_after: int
) -> None:
    """W3, W4: after each of its calls; unknown only between the begin and the answer."""
    warned(roster, 2)
    plan.then("dies after", after=dies_after)
    with pytest.raises(ProcessDied):
        notifier.send()
    plan.then()
    roster.db.execute("update digests set began_at = began_at - interval '6 minutes'")
    notifier.send()
    sent = [letter.digest_id for letter in notifier.office.letters]
    assert len(sent) == len(set(sent))
    expected = {"begin": 1, "send": 1, "begin the next": 1}.get(CALLS[dies_after], 0)
    assert states(roster).count("unknown") == expected
    assert states(roster).count("sent") == 2 - expected


def test_a_lost_answer_of_the_database_changes_nothing(
    notifier: Notifier, roster: Roster, plan: Plan
) -> None:
    """W3: the repeated call returns the same digest."""
    warned(roster, 2)
    plan.then("ok", "ok", "after", "ok", "ok", "after")  # settle, quota, begin twice, send, finish
    assert notifier.send().sent == 2
    assert states(roster) == ["sent", "sent"]


def test_a_database_that_is_away_stops_the_notifier(
    notifier: Notifier, roster: Roster, plan: Plan
) -> None:
    """W3: the next one goes on, and the letter that was under way becomes unknown."""
    warned(roster, 2)
    plan.then("before", "before", "before", after=4)  # settle, quota, begin, send; no finish
    with pytest.raises(DatabaseUnavailable):
        notifier.send()
    roster.db.execute("update digests set began_at = began_at - interval '6 minutes'")
    report = notifier.send()
    assert (report.lost, report.sent) == (1, 1)
    assert sorted(states(roster)) == ["sent", "unknown"]


def test_an_empty_begin_is_repeated(notifier: Notifier, roster: Roster) -> None:
    """W6: two hundred people without an address in front of one who has one."""
    day = today(roster) + SOON
    for _ in range(205):
        roster.add_mentor(day)
    mentor = roster.add_mentor(day)
    add_contact(roster, mentor, "last@example.com")
    roster.db.execute("select write_warnings(%s, %s)", (ORG, today(roster)))
    roster.db.execute(
        "update messages set due_at = now() - interval '1 minute' where person_id <> %s", (mentor,)
    )
    assert notifier.send().sent == 1
