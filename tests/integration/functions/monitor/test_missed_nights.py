"""Which nights count as missed (O1, R3)."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mentor_pause.errors import DatabaseUnavailable
from support.monitor import Monitor
from support.night import JOB, Night, run_id
from support.roster import ORG, TODAY, YESTERDAY, Roster

HALF_PAST = datetime(2026, 3, 1, 2, 30, tzinfo=UTC)


class Away:
    """A database that does not answer until `come_back`."""

    def __init__(self, night: Night) -> None:
        """The database stops answering now."""
        self._transport: Any = night.transport
        self._real = night.transport._transport
        self._transport._transport = self

    def call(self, _function: str, _arguments: Mapping[str, object]) -> Any:
        """Raise an error."""
        raise DatabaseUnavailable("the database does not answer")

    def come_back(self) -> None:
        """Answer again."""
        self._transport._transport = self._real


@pytest.fixture
def monitor(night: Night, capsys: pytest.CaptureFixture[str]) -> Monitor:
    """The monitor of a night."""
    return Monitor(night, capsys)


def missed(monitor: Monitor) -> object:
    """Return whether the night of 1 March is missed, and check that the metric says the same."""
    monitor.emitted()
    monitor.night.clock.now = max(monitor.night.clock.now, HALF_PAST)
    answer = monitor()["night_missed"]
    assert monitor.emitted()["NightMissed"] == [int(bool(answer))]
    return answer


def test_a_night_whose_run_had_errors_is_missed_as_long_as_mentors_are_stale(
    monitor: Monitor, roster: Roster
) -> None:
    """O1: a redrive, or a manual pause of the mentors, makes up for it."""
    night = monitor.night
    roster.add_mentors(4)
    night.fire()
    for message in night.receive():
        assert night.deliver(message, dead=True)
    assert roster.log()[0]["status"] == "completed"
    assert missed(monitor) is True
    event = {"job_name": JOB, "trigger": "manual", "redrive_of": str(run_id())}
    assert night.handle(event | {"trigger_id": "again"})["status"] == "running"
    night.work_off()
    assert missed(monitor) is False


def test_errors_of_mentors_who_are_paused_or_renewed_do_not_count(
    monitor: Monitor, roster: Roster
) -> None:
    """O1: the night does not need another run for them."""
    night = monitor.night
    (mentor,) = roster.add_mentors(1)
    night.fire()
    assert night.deliver(night.receive()[0], dead=True)
    assert missed(monitor) is True
    roster.db.execute("select update_mentor_status(%s, %s, 'paused', 'by_hand')", (mentor, ORG))
    assert missed(monitor) is False


def test_a_night_has_no_metric_while_the_database_does_not_answer(
    monitor: Monitor, roster: Roster
) -> None:
    """O1: the alarm treats a missing metric as a missed night (template.yaml)."""
    roster.add_mentors(1)
    monitor.night.fire()
    monitor.night.work_off()
    away = Away(monitor.night)
    assert "night_missed" not in monitor()
    assert "NightMissed" not in monitor.emitted()
    away.come_back()
    assert missed(monitor) is False


def dispatch_only(night: Night) -> Away:
    """Stop the database before the night begins."""
    away = Away(night)
    assert night.fire()["status"] == "waiting"
    return away


def dispatch_half(night: Night) -> Away:
    """Stop the database while the dispatcher plans pages."""
    found = list[Away]()
    # acquire, find, scope, day, begin, open, get; list + plan; then list
    night.plan.before_call(10, lambda: found.append(Away(night)))
    assert night.fire()["status"] == "waiting"
    return found[0]


def work_half(night: Night) -> Away:
    """Stop the database while the workers process pages."""
    assert night.fire()["status"] == "running"
    first, second = night.receive()
    assert night.deliver(first)
    away = Away(night)
    assert night.deliver(second), "the page waits as a fresh message"
    return away


@pytest.mark.parametrize("away_for", [timedelta(minutes=16), timedelta(hours=2, minutes=29)])
@pytest.mark.parametrize("monitor_first", [False, True])
@pytest.mark.parametrize("go_away", [dispatch_only, dispatch_half, work_half])
def test_an_absent_database_has_one_outcome_in_either_order(
    monitor: Monitor, roster: Roster, go_away: Any, away_for: timedelta, *, monitor_first: bool
) -> None:
    """R3, O1: requests and pages wait for the database, and no mentor is an error."""
    night = monitor.night
    mentors = roster.add_mentors(5)
    away = go_away(night)
    night.clock.advance(away_for.total_seconds())
    away.come_back()
    night.clock.now = max(night.clock.now + timedelta(minutes=1), HALF_PAST)
    if monitor_first:
        assert missed(monitor) is True
    for message in night.waiting():
        assert night.deliver_waiting(message)
    night.work_off()
    assert {roster.status(mentor) for mentor in mentors} == {"paused"}
    (row,) = roster.log()
    assert (row["status"], row["paused_count"], row["error_count"]) == ("completed", 5, 0)
    assert missed(monitor) is False


def test_the_run_of_a_lost_request_is_ended_after_six_hours(
    monitor: Monitor, roster: Roster
) -> None:
    """O2: until then, its lock is kept for the request."""
    roster.add_mentors(5)
    dispatch_half(monitor.night).come_back()
    monitor.night.clock.advance(900 + 5 * 3600)
    assert monitor()["hung_runs"] == {}
    monitor.night.clock.advance(3600)
    assert monitor()["hung_runs"] == {str(run_id()): True}


def test_runs_about_another_day_or_fewer_mentors_do_not_count(
    monitor: Monitor, roster: Roster
) -> None:
    """O1: manual runs about an earlier day, dry runs and redrives."""
    night = monitor.night
    ((today,),) = roster.db.execute("select private.org_today(%s)", (ORG,))
    night.clock.now = datetime.now(UTC)
    back = today - timedelta(days=3)
    assert night.fire("back", as_of=back, trigger="manual")["status"] == "completed"
    assert night.fire("dry", as_of=today, trigger="manual", dry_run=True)["status"] == "completed"
    event = {"job_name": JOB, "trigger": "manual", "redrive_of": str(run_id("back"))}
    assert night.handle(event | {"trigger_id": "again"})["status"] == "completed"
    assert monitor()["hours_since_completed_run"] is None
    assert monitor()["night_missed"] is True
    assert night.fire("hand", as_of=today, trigger="manual")["status"] == "completed"
    found = monitor()
    assert found["night_missed"] is False
    assert isinstance(found["hours_since_completed_run"], float)


def test_a_row_with_a_later_moment_counts_only_from_that_moment(
    monitor: Monitor, roster: Roster
) -> None:
    """O1: the database's clock was three days ahead for one run. Hours are never negative."""
    night = monitor.night
    night.fire()
    roster.db.execute("alter table scheduler_execution_log disable trigger restrict_log_updates")
    roster.db.execute(
        "update scheduler_execution_log set finished_at = finished_at + interval '3 days',"
        " started_at = started_at + interval '3 days', as_of = as_of + 3"
    )
    for _ in range(3):
        found = monitor()
        assert (found["night_missed"], found["hours_since_completed_run"]) == (True, None)
        night.clock.advance(86400)
    night.clock.now = roster.log()[0]["finished_at"] + timedelta(hours=2)
    assert monitor()["hours_since_completed_run"] == 2


def test_the_monitor_checks_the_night_by_the_databases_clock(
    monitor: Monitor, roster: Roster
) -> None:
    """O1: by its own clock, which is an hour behind, it would check the night before."""
    night = monitor.night
    night.fire(as_of=YESTERDAY)
    behind = replace(monitor.look, clock=lambda: night.clock() - BEHIND)
    night.clock.now = HALF_PAST
    monitor.look = behind
    assert (monitor()["as_of"], monitor()["night_missed"]) == (TODAY.isoformat(), True)


BEHIND = timedelta(hours=1)
