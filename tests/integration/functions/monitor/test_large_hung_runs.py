"""The monitor ends a hung run of many pages: open pages only, from the place where it is (O2)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid4

import pytest

from mentor_pause.database.client import Database
from mentor_pause.domain.runs import Page, PageOutcome, Run
from mentor_pause.errors import DatabaseUnavailable
from mentor_pause.ledger.items import run_key
from mentor_pause.ledger.lock import Lock, lock_key
from mentor_pause.ledger.runs import Ledger
from monitor.app import build_hung_runs
from support.large_runs import TRIGGER, open_run
from support.monitor import PATIENCE, RUN_LEASE, Monitor
from support.night import LEASES, Night
from support.roster import ORG, Roster

ID = TRIGGER.job_run_id


def hung_run(night: Night, pages: int, *, closed: int) -> list[UUID]:
    """Write a run of so many pages of one mentor, whose first pages are closed; it stands still."""
    mentors = sorted(uuid4() for _ in range(pages))
    open_run(night, mentors, 1)
    for number, mentor in enumerate(mentors[:closed], 1):
        night.ledger.pages.close(ID, number, [mentor], PageOutcome(skipped=(mentor,)))
        night.ledger.mark_page_closed(ID, number)
    night.clock.advance(RUN_LEASE + PATIENCE + 1)
    return mentors


def failed(night: Night) -> list[UUID]:
    """Return the mentors of the pages that were closed as failed."""
    pages = night.ledger.pages.list(ID)
    return [mentor for page in pages if page.outcome for mentor in page.outcome.reasons]


class MeetsAWorker(Ledger):
    """A ledger in which a worker closes the second page before pages are closed as failed."""

    def fail_pages(
        self, lock: Lock, run: Run, outcomes: Sequence[tuple[Page, PageOutcome]]
    ) -> bool:
        """See `Ledger.fail_pages`."""
        ids = outcomes[1][0].mentor_ids
        self.pages.close(run.job_run_id, 2, ids, PageOutcome(skipped=ids))
        return super().fail_pages(lock, run, outcomes)


@pytest.mark.slow
@pytest.mark.parametrize(("pages", "closed"), [(300, 299), (300, 0)])
def test_only_open_pages_are_closed(
    monitor: Monitor, roster: Roster, pages: int, closed: int
) -> None:
    """O2: one call for 25 pages; a closed page costs nothing."""
    night = monitor.night
    mentors = hung_run(night, pages, closed=closed)
    night.plan.then()
    assert monitor()["hung_runs"] == {str(ID): True}
    assert night.plan.called.count("transact_write_items") == 1 + -(-(pages - closed) // 25)
    assert failed(night) == mentors[closed:]
    (summary,) = night.summaries()
    assert summary["processed_count"] == pages
    assert [row["status"] for row in roster.log()] == ["failed"]


def test_a_look_without_time_keeps_its_place_and_the_next_goes_on(
    monitor: Monitor, roster: Roster
) -> None:
    """O2: no page is closed twice, and the run does not look alive in between."""
    night = monitor.night
    mentors = hung_run(night, 120, closed=10)
    engine = replace(night.engine, seconds_left=lambda: 0.0)
    assert build_hung_runs(ORG, engine)() == {ID: False}
    run = night.ledger.find_run(ID)
    assert run is not None
    assert night.ledger.closed.count(run) == 35
    night.clock.advance(LEASES.dispatch + PATIENCE + 1)
    night.plan.then()
    assert monitor()["hung_runs"] == {str(ID): True}
    assert night.plan.called.count("transact_write_items") == 4
    assert failed(night) == mentors[10:]


def test_the_lease_is_renewed_while_pages_are_closed(monitor: Monitor, roster: Roster) -> None:
    """O2: the look lasts longer than a lease, and no other process takes the lock meanwhile."""
    night = monitor.night
    hung_run(night, 100, closed=0)
    leases = list[int]()

    def look_at_the_lock() -> float:
        lock = night.ledger.table.get(lock_key(TRIGGER), "LOCK")
        assert lock is not None
        leases.append(int(lock["lease_expires_at"]) - int(night.clock().timestamp()))
        night.clock.advance(LEASES.dispatch - 1)
        return 60

    engine = replace(night.engine, seconds_left=look_at_the_lock)
    assert build_hung_runs(ORG, engine)() == {ID: True}
    assert leases[:4] == [LEASES.dispatch] * 4


def test_a_dispatcher_goes_on_where_the_monitor_stopped(monitor: Monitor, roster: Roster) -> None:
    """O2: it does not repeat the monitor's work, and its own run begins all the same."""
    night = monitor.night
    hung_run(night, 120, closed=10)
    engine = replace(night.engine, seconds_left=lambda: 0.0)
    assert build_hung_runs(ORG, engine)() == {ID: False}
    night.plan.then()
    assert night.fire("night-2")["status"] == "completed"
    # its own run is opened, and its paging ended
    assert night.plan.called.count("transact_write_items") == 4 + 2
    assert {row["status"] for row in roster.log()} == {"failed", "completed"}


def test_a_page_that_is_closed_meanwhile_stays_as_it_is(monitor: Monitor, roster: Roster) -> None:
    """O2: the other pages of the transaction are then closed one by one."""
    night = monitor.night
    mentors = hung_run(night, 4, closed=0)
    ledger = MeetsAWorker(night.ledger.table, LEASES)
    assert build_hung_runs(ORG, replace(night.engine, ledger=ledger))() == {ID: True}
    assert failed(night) == [mentors[0], *mentors[2:]]
    assert [row["status"] for row in roster.log()] == ["failed"]


def test_a_run_whose_last_page_the_earlier_version_closed_is_completed(
    monitor: Monitor, roster: Roster
) -> None:
    """E8: that worker looked into the run's item alone, and did not complete the run."""
    night = monitor.night
    mentors = sorted(uuid4() for _ in range(3))
    open_run(night, mentors, 1)
    for number, mentor in enumerate(mentors, 1):
        night.ledger.pages.close(ID, number, [mentor], PageOutcome(skipped=(mentor,)))
    for number in (1, 2):
        night.ledger.mark_page_closed(ID, number)
    key = run_key(ID)
    night.ledger.table.update(key, "RUN", "ADD closed_pages :last", "", {"last": {3}})
    night.clock.advance(RUN_LEASE + PATIENCE + 1)
    assert monitor()["hung_runs"] == {str(ID): True}
    assert [row["status"] for row in roster.log()] == ["completed"]


@dataclass(frozen=True)
class Away(Database):
    """A database that does not answer."""

    def notify_page(self, job_run_id: UUID, after: UUID | None, limit: int) -> UUID | None:
        """See `Database.notify_page`."""
        raise DatabaseUnavailable("no connection")

    def once(self) -> "Away":
        """See `Database.once`."""
        return self

    def get_run_freshness(self, *_arguments: Any, **_named: Any) -> Any:
        """See `Database.get_run_freshness`."""
        raise DatabaseUnavailable("no connection")


def test_a_completion_that_waits_for_the_database_is_not_hung(
    monitor: Monitor, roster: Roster
) -> None:
    """O2: its lock is released, so no lease says that it is alive."""
    night = monitor.night
    roster.add_mentors(3)
    night.fire()
    completion = replace(night.engine.completion, database=Away(night.transport, night.retry))
    night.consume = replace(night.consume, completion=completion)
    for _ in range(6):
        for message in night.receive():
            assert night.deliver(message)
        night.clock.advance(1500)
        assert monitor()["hung_runs"] == {}
