"""The monitor asks the database whether the night went well (O1)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from mentor_pause.errors import LedgerUnavailable
from mentor_pause.ledger.lock import Locks
from mentor_pause.ledger.runs import Ledger
from monitor.app import build_hung_runs
from monitor.hung_runs import EndHungRuns
from support.faults import failures
from support.monitor import Monitor
from support.night import JOB
from support.roster import ORG, TODAY, TOMORROW, YESTERDAY, Roster

ABOUT_THE_BRAKE = {"MentorsHeld": [0], "UnforeseenPauses": [0]}
ABOUT_MESSAGES = {
    "PausedUnwarned": [0],
    "UndeliveredMessages": [0],
    "BouncedDigests": [0],
    "UnknownDigests": [0],
}


def stale_at(monitor: Monitor, *moment: int) -> object:
    """Return how many mentors the monitor counts as stale at a moment of 2026."""
    monitor.night.clock.now = datetime(2026, *moment, tzinfo=UTC)
    return monitor()["stale_active_mentors"]


def test_an_active_mentor_who_expired_by_the_last_night_is_stale(
    monitor: Monitor, roster: Roster
) -> None:
    """O1: the metric and the answer have the same number."""
    roster.add_mentor(TODAY)
    roster.add_mentor(YESTERDAY)
    roster.add_mentor(YESTERDAY, TOMORROW)
    roster.add_mentor(YESTERDAY, status="paused")
    answer = monitor()
    assert (answer["stale_active_mentors"], answer["as_of"]) == (2, "2026-03-01")
    assert monitor.emitted()["StaleActiveMentors"] == [2]
    monitor.night.fire()
    monitor.night.work_off()
    assert monitor()["stale_active_mentors"] == 0
    assert monitor.emitted()["StaleActiveMentors"] == [0]


def test_a_mentor_who_expires_today_is_not_stale_before_the_nights_run(
    monitor: Monitor, roster: Roster
) -> None:
    """O1: not after midnight in Oslo or in UTC, and not while the run may be in progress."""
    roster.add_mentor(TODAY)
    assert stale_at(monitor, 2, 28, 22, 59) == 0
    assert stale_at(monitor, 2, 28, 23, 30) == 0  # it is March in Oslo
    assert stale_at(monitor, 3, 1, 0, 30) == 0
    assert stale_at(monitor, 3, 1, 1, 30) == 0
    assert stale_at(monitor, 3, 1, 2, 0) == 0
    assert stale_at(monitor, 3, 1, 2, 28) == 0
    assert stale_at(monitor, 3, 1, 2, 30) == 1
    assert stale_at(monitor, 3, 1, 23, 30) == 1


@pytest.mark.parametrize(("day", "hour_in_oslo"), [((3, 29), 4), ((10, 25), 3)])
def test_the_night_of_a_clock_change_counts_as_any_other(
    monitor: Monitor, roster: Roster, day: tuple[int, int], hour_in_oslo: int
) -> None:
    """O1: the job runs at a fixed time in UTC, which is another hour in Oslo."""
    due = datetime(2026, *day, tzinfo=UTC)
    roster.add_mentor(due.date())
    assert stale_at(monitor, *day, 1, 30) == 0
    assert stale_at(monitor, *day, 2, 30) == 1
    (row,) = roster.rows(
        "select extract(hour from %s::timestamptz at time zone 'Europe/Oslo')::int as h",
        due + timedelta(hours=2),
    )
    assert row["h"] == hour_in_oslo


def test_the_count_needs_neither_the_log_nor_the_ledger(monitor: Monitor, roster: Roster) -> None:
    """O1: without both, the monitor counts stale mentors, and reports nothing about the rest."""
    roster.add_mentor(YESTERDAY)
    roster.db.execute("drop function get_run_freshness")
    monitor.hung = _unreachable(monitor)
    answer = monitor()
    assert answer["stale_active_mentors"] == 1
    assert isinstance(answer["failed"], dict)
    assert answer["failed"].keys() == {"last night", "hung runs"}
    assert monitor.emitted() == {
        "StaleActiveMentors": [1],
        "ActiveWithoutCertification": [0],
        **ABOUT_THE_BRAKE,
        **ABOUT_MESSAGES,
    }


def _unreachable(monitor: Monitor) -> EndHungRuns:
    class NoLedger(Ledger):
        @property
        def locks(self) -> Locks:
            raise LedgerUnavailable("DynamoDB: no answer")

    night = monitor.night
    ledger = NoLedger(night.ledger.table, night.ledger.leases)
    return build_hung_runs(ORG, replace(night.engine, ledger=ledger))


def test_a_database_that_is_down_or_another_organisation_leaves_no_metric(
    monitor: Monitor, roster: Roster, capsys: pytest.CaptureFixture[str]
) -> None:
    """O1, D8: the alarm notices a missing metric; a zero would be wrong.

    Hung runs are still checked.
    """
    roster.add_mentor(YESTERDAY)
    monitor.night.plan.then(*failures(5))
    looks = (
        "stale mentors", "brake", "last night", "uncertified mentors", "warnings", "messages"
    )  # fmt: skip
    assert monitor()["failed"] == dict.fromkeys(looks, "gone")
    assert monitor.emitted() == {"HungRuns": [0]}
    other = Monitor(monitor.night, capsys, slug="another")
    assert "is hlf, not another" in str(other()["failed"])
    about_messages = {n: v for n, v in ABOUT_MESSAGES.items() if n != "PausedUnwarned"}
    assert other.emitted() == {"ActiveWithoutCertification": [0], "HungRuns": [0], **about_messages}


def test_a_night_is_missed_until_a_run_about_its_day_has_completed(
    monitor: Monitor, roster: Roster
) -> None:
    """O1: a dry run, a redrive, a failed run or a run about an earlier day do not count."""
    roster.add_mentors(2)
    night = monitor.night
    assert (monitor()["night_missed"], monitor.emitted()["NightMissed"]) == (True, [1])
    night.fire("dry", dry_run=True)
    night.work_off()
    night.fire("yesterday", as_of=YESTERDAY)
    night.work_off()
    roster.db.execute(
        "insert into scheduler_execution_log (job_name, job_run_id, org_id, trigger, triggered_by,"
        " as_of, status, finished_at, redrive_of) values"
        " (%s, gen_random_uuid(), %s, 'manual', 'me', %s, 'completed', now(), gen_random_uuid()),"
        " (%s, gen_random_uuid(), %s, 'manual', 'me', %s, 'failed', now(), null),"
        " ('hlf_sync', gen_random_uuid(), %s, 'manual', 'me', %s, 'completed', now(), null)",
        (JOB, ORG, TODAY, JOB, ORG, TODAY, ORG, TODAY),
    )
    assert monitor()["night_missed"] is True
    night.fire("tonight")
    night.work_off()
    assert (monitor()["night_missed"], monitor.emitted()["NightMissed"]) == (False, [0])


def test_the_hours_since_the_last_completed_run_are_reported(
    monitor: Monitor, roster: Roster
) -> None:
    """O1: from the execution log, by the database's clock.

    The metric is missing before the first run.
    """
    assert monitor()["hours_since_completed_run"] is None
    assert "HoursSinceCompletedRun" not in monitor.emitted()
    monitor.night.fire()
    (row,) = roster.log()
    monitor.night.clock.now = row["finished_at"] + timedelta(hours=5, minutes=30)
    assert monitor()["hours_since_completed_run"] == 5.5
    assert monitor.emitted()["HoursSinceCompletedRun"] == [5.5]
