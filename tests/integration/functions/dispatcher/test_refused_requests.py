"""Requests that the database refuses leave no open run, and do not slow a night down (R3, R5)."""

from datetime import date

import pytest

from support.monitor import Monitor
from support.night import Night, run_id
from support.roster import Roster


@pytest.mark.parametrize("day", [date(1, 1, 1), date(1899, 12, 31)])
def test_a_day_that_the_database_refuses_leaves_no_open_run(
    monitor: Monitor, roster: Roster, day: date
) -> None:
    """R3: any coordinator may send this request over HTTP every 45 s."""
    night = monitor.night
    roster.add_mentors(3)
    night.fire("odd", as_of=day, trigger="manual")
    night.clock.advance(4000)
    assert monitor()["hung_runs"] in ({}, {str(run_id("odd")): True})
    assert monitor()["hung_runs"] == {}
    assert [row["status"] for row in roster.log()] == ["failed"]


def test_refused_requests_do_not_make_a_night_slower(night: Night, roster: Roster) -> None:
    """R5: 20 requests here; 5,000 would use up the dispatcher's 300 s."""
    roster.add_mentors(3)
    for number in range(20):
        night.fire(f"odd-{number}", as_of=date(1, 1, 1), trigger="manual")
        night.clock.advance(60)
    before = night.database_calls("begin_execution")
    assert night.fire()["status"] == "running"
    assert night.database_calls("begin_execution") - before <= 3
