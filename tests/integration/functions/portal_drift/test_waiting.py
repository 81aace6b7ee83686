"""How many mentors wait for a sync, counted in the database alone (H5, O1)."""

from datetime import UTC, datetime, timedelta

from portal_drift.waiting import CountWaiting, Waiting
from support.drift import measuring, report
from support.roster import ORG, TODAY, YESTERDAY, Roster
from support.sync import PortalRows, SyncNight, pause


def count_waiting(night: SyncNight, after: timedelta = timedelta()) -> Waiting:
    """Count with a clock that is ahead by `after`."""
    return CountWaiting(ORG, night.drift_database, lambda: datetime.now(UTC) + after)()


def test_an_inactive_or_paused_mentor_who_is_not_synced_waits_and_may_be_overdue(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """H5, O1: from the database alone; overdue is a run's pause after an hour, not one by hand."""
    expired, by_hand, active = (
        roster.add_mentor(YESTERDAY),
        roster.add_mentor(),
        roster.add_mentor(),
    )
    portal.add(expired, by_hand, active)
    assert count_waiting(night) == Waiting(0, None, 0)
    night.sync()
    pause(roster, by_hand)
    roster.db.execute(
        "select * from update_mentor_status(%s, %s, 'paused', 'certification_expired',"
        " gen_random_uuid(), p_as_of => %s)",
        (expired, ORG, TODAY),
    )
    night.fail("down", times=1000)
    first = min(row["changed_at"] for row in roster.history())
    assert count_waiting(night) == Waiting(2, first, 0)
    assert count_waiting(night, timedelta(minutes=61)) == Waiting(2, first, 1)
    answer, _ = report(night, lambda: measuring(night))
    assert answer.items() >= {
        "status": "failed", "waiting": 2, "waiting_since": first.isoformat(),
        "waiting_over_an_hour": 0,
    }.items()  # fmt: skip
    night.fail()
    night.sync("night-2")
    assert count_waiting(night) == Waiting(0, None, 0)
