"""The expiry worker processes the mentors of a page on a real PostgreSQL (E4 to E6, E10)."""

import time
from collections.abc import Callable
from typing import Any, LiteralString
from uuid import UUID

import psycopg
import pytest

from expiry.pause import PausePage
from mentor_pause.database.client import Database
from mentor_pause.errors import DatabaseUnavailable
from mentor_pause.retry import Retry
from support.aws import Clients, Message
from support.cluster import Cluster
from support.delivery import deliver_for
from support.faults import failures
from support.night import DELIVERIES, Night, open_night
from support.roster import TOMORROW, Roster
from support.row_faults import fail_with


def test_renewed_paused_locked_and_failing_mentors_do_not_affect_the_others(
    night: Night, roster: Roster, cluster: Cluster
) -> None:
    """E4-E6: mentors change between paging and work."""
    fine, renewed, on_leave, locked, failing, also_fine = roster.add_mentors(6)
    night.fire()
    roster.certify(renewed, TOMORROW)
    roster.db.execute("update peer_mentors set status = 'paused' where id = %s", (on_leave,))
    roster.fail_for(failing)
    with psycopg.connect(cluster.server.url(str(roster.db.info.dbname))) as holder:
        holder.execute("select from peer_mentors where id = %s for update", (locked,))
        roster.db.execute("alter function update_mentor_status set lock_timeout = '20ms'")
        night.work_off()
    (summary,) = night.summaries()
    assert summary["mentor_ids_paused"] == [str(fine), str(also_fine)]
    assert summary["mentor_ids_errored"] == [str(locked), str(failing)]
    assert (summary["processed_count"], summary["skipped_count"]) == (6, 2)
    errors = {line["mentor_id"]: line["sqlstate"] for line in night.lines("mentor not paused")}
    assert errors == {str(locked): "55P03", str(failing): "P0001"}


def test_unlocked_mentors_are_paused_before_the_worker_waits_for_a_lock(
    night: Night, roster: Roster, cluster: Cluster
) -> None:
    """R1: when the lock is released, the same invocation pauses the locked mentor, too."""
    locked, *others = roster.add_mentors(3)
    night.fire()
    (message,) = night.receive()
    with psycopg.connect(cluster.server.url(str(roster.db.info.dbname))) as holder:
        holder.execute("select from peer_mentors where id = %s for update", (locked,))

        def release() -> None:
            assert [roster.status(mentor) for mentor in others] == ["paused", "paused"]
            holder.rollback()

        night.plan.before_call(6, release)  # find run and page, three mentors; then the wait
        assert night.deliver(message)
    assert night.summaries()[0]["paused_count"] == 3


def test_a_mentor_whose_own_call_kills_the_connection_does_not_stop_the_page(
    night: Night, roster: Roster
) -> None:
    """E5: the database answers the probe, so this is an error of one mentor."""
    mentors = roster.add_mentors(3)
    night.fire()
    (message,) = night.receive()
    # find run and page, one mentor; the second one fails, the probe and the third one do not
    night.plan.then(*failures(2), "ok", "ok", *failures(2), after=3)
    assert night.deliver(message)
    (summary,) = night.summaries()
    assert summary["mentor_ids_errored"] == [str(mentors[1])]
    assert summary["paused_count"] == 2


def test_five_hundred_mentors_fit_into_one_page_and_one_invocation(
    aws: Clients, roster: Roster, cluster: Cluster
) -> None:
    """E10: within 30 s, with one call per mentor."""
    roster.add_mentors(500)
    with open_night(aws, roster, cluster, page_size=500) as night:
        night.fire()
        (message,) = night.receive()
        before, began = night.database_calls("update_mentor_status"), time.monotonic()
        assert night.deliver(message)
        assert time.monotonic() - began < 30
        assert night.database_calls("update_mentor_status") - before == 500
        assert night.summaries()[0]["paused_count"] == 500


@pytest.mark.parametrize("sqlstate", ["42883", "42P01", "42703", "0A000"])
def test_a_row_whose_trigger_fails_affects_no_other_row(
    night: Night, roster: Roster, sqlstate: LiteralString
) -> None:
    """R1, R3, E8: the other mentors are paused, and the run ends."""
    mentors = roster.add_mentors(3)
    fail_with(roster, mentors[0], sqlstate)
    night.fire()
    deliver_for(night, 20)
    assert [roster.status(m) for m in mentors[1:]] == ["paused", "paused"]
    assert [row["status"] for row in roster.log()] == ["completed"]


class SlowRows:
    """A database whose time limit ends the calls for some mentors. Each such call takes 8 s."""

    def __init__(self, night: Night, slow: list[UUID]) -> None:
        retry = Retry(attempts=2, on=DatabaseUnavailable, sleep=lambda _seconds: None)
        self._database, self._slow = Database(night.transport, retry), slow
        self.left = 60.0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    def pause_expired(self, mentor_id: UUID, *args: Any, **options: Any) -> Any:
        """See `Database.pause_expired`."""
        if mentor_id in self._slow:
            self.left -= 8
            raise DatabaseUnavailable("the database's time limit ended the call", "57014")
        return self._database.pause_expired(mentor_id, *args, **options)


def test_mentors_behind_four_slow_rows_are_paused(
    aws: Clients, roster: Roster, cluster: Cluster
) -> None:
    """R1: the worker tries every mentor once before it tries a mentor again."""
    with open_night(aws, roster, cluster, page_size=10) as night:
        mentors = roster.add_mentors(10)
        database: Any = SlowRows(night, mentors[:4])
        night.consume = night.consumer(PausePage(database, night.logger))
        night.fire()
        _deliver_all(night, lambda: database.left, lambda: setattr(database, "left", 60.0))
        (summary,) = night.summaries()
        assert summary["mentor_ids_paused"] == [str(m) for m in mentors[4:]]


def _deliver_all(night: Night, left: Callable[[], float], begin: Callable[[], object]) -> None:
    waiting: list[tuple[Message, int]] = [(m, 1) for m in night.receive()]
    while waiting:
        message, times = waiting.pop()
        begin()
        done = night.deliver(message, dead=times > DELIVERIES, remaining=left, receive_count=times)
        waiting += [] if done else [(message, times + 1)]
        waiting += [(m, 1) for m in night.receive()]
