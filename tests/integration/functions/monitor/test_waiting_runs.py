"""Runs whose pages wait are not hung, and none waits for ever (D6, E8, O2)."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from mentor_pause.errors import SettingsUnavailable
from support.aws import Clients
from support.cluster import Cluster
from support.delivery import deliver_for
from support.faults import POOLED, failures
from support.monitor import Monitor
from support.night import Night, run_id
from support.roster import Roster
from support.sync import SyncNight, open_sync, pause


@pytest.fixture
def sync(aws: Clients, roster: Roster, cluster: Cluster) -> Iterator[SyncNight]:
    """A sync with pages of five mentors."""
    with open_sync(aws, roster, cluster, page_size=5) as found:
        yield found


def let_pages_wait(night: Night, minutes: int) -> None:
    """Let the workers' database fail, so that the page is requeued once a minute."""
    for _ in range(minutes):
        (message,) = night.receive()
        night.plan.then(*failures(3), after=2)
        night.clock.advance(60)
        night.deliver(message)
    night.plan.then()


def silence_the_database(night: Night) -> None:
    """Let each call of the database last until its deadline."""
    night.plan.due = lambda seam, what: "blocked" if seam is POOLED else "ok"  # noqa: ARG005


def test_a_hung_dry_run_is_ended_by_the_monitor(monitor: Monitor, roster: Roster) -> None:
    """O2, E8: otherwise its row says "running" until the next dry run."""
    roster.add_mentors(3)
    night = monitor.night
    night.fire("dry", dry_run=True, trigger="manual")
    night.receive()  # and its worker vanishes
    for _ in range(24):
        night.clock.advance(3600)
        monitor()
    assert [row["status"] for row in roster.log()] == ["failed"]


@pytest.mark.parametrize("has_monitor_looked", [False, True])
def test_a_run_whose_pages_wait_keeps_its_lock(
    monitor: Monitor, roster: Roster, *, has_monitor_looked: bool
) -> None:
    """D6: no second run may start beside it."""
    roster.add_mentors(3)
    night = monitor.night
    night.fire()
    let_pages_wait(night, 60)
    if has_monitor_looked:
        monitor()
    assert night.fire("by-hand", trigger="manual")["status"] == "refused"


def test_a_run_whose_pages_wait_is_not_called_hung(monitor: Monitor, roster: Roster) -> None:
    """R1: its pages come back."""
    roster.add_mentors(3)
    monitor.night.fire()
    let_pages_wait(monitor.night, 60)
    assert monitor()["hung_runs"] == {}


def test_a_sync_whose_settings_cannot_be_read_ends(
    sync: SyncNight, roster: Roster, capsys: pytest.CaptureFixture[str]
) -> None:
    """H3, E8: for example, a KMS key may be disabled for a day."""
    pause(roster, *roster.add_mentors(5))

    def broken(_remaining: object) -> Any:
        raise SettingsUnavailable("the parameter x cannot be read: KMSDisabledException")

    sync.take_from(broken)
    sync.fire()
    hung = Monitor(sync, capsys)
    for _ in range(24):
        deliver_for(sync, 60)
        hung()
    assert [row["status"] for row in roster.log()] != ["running"]


def test_the_monitor_ends_within_its_time_while_the_database_is_silent(
    monitor: Monitor, roster: Roster
) -> None:
    """R2: otherwise Lambda kills it after 120 s, with its lock held and without a log line."""
    roster.add_mentors(3)
    night = monitor.night
    names = ("a", "b", "c")
    for name in names:
        night.fire(name, trigger="manual")
        night.clock.advance(2699)
        for other in names:
            night.ledger.record_requeue(run_id(other), None)
        night.clock.advance(2)
    night.clock.advance(4000)
    silence_the_database(night)
    began = night.clock()
    monitor()
    assert night.clock() - began < timedelta(seconds=120)
