"""One mentor and everybody who may change their status, each with a database client."""

import time
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date
from uuid import UUID, uuid4

from mentor_pause.database.client import Database
from mentor_pause.database.pooled import PooledTransport
from support.cluster import Cluster
from support.roster import TODAY, Roster

FAR_OFF = date(2099, 1, 1)
"""When the mentor's certification expires, unless it is made to have expired."""


class People:
    """An active mentor, their coordinators, and each caller's way to the database."""

    def __init__(self, roster: Roster, cluster: Cluster) -> None:
        """Add them to the roster."""
        self.roster = roster
        self._cluster = cluster
        self.mentor_id = roster.add_mentor(FAR_OFF)
        self.users: dict[str, UUID] = {
            "mentor": uuid4(),
            "by_assignment": roster.add_coordinator(mentors=[self.mentor_id]),
            "by_chapter": roster.add_coordinator(chapters=[roster.chapter_id]),
            "stranger": roster.add_coordinator(),
        }
        roster.db.execute(
            "update peer_mentors set user_id = %s where id = %s",
            (self.users["mentor"], self.mentor_id),
        )

    @contextmanager
    def client_of(self, caller: str) -> Generator[Database]:
        """Open a caller's database client; `caller` is a person, `job` or `service`."""
        transport = PooledTransport(self.url(caller))
        try:
            yield Database(transport)
        finally:
            transport.close()

    def url(self, caller: str) -> str:
        """Return the URL of a caller's connection."""
        if caller == "job":
            return self._cluster.url(self.roster.db, "mentor_pause_job")
        if caller == "service":
            return self._cluster.url_as(self.roster.db, "service_role")
        return self._cluster.url_as(self.roster.db, "authenticated", self.users[caller])

    def expire(self, on: date = TODAY) -> None:
        """Change the day on which the mentor's certification expires."""
        self.roster.db.execute("update certifications set expires_on = %s", (on,))

    def in_background[T](self, call: Callable[[], T]) -> "Future[T]":
        """Make a call in another thread."""
        with_one_thread = ThreadPoolExecutor(1)
        try:
            return with_one_thread.submit(call)
        finally:
            with_one_thread.shutdown(wait=False)

    def wait_for_a_lock(self) -> None:
        """Return once a session of this database waits for a lock; fail after five seconds."""
        waiting = (
            "select count(*) from pg_stat_activity"
            " where datname = current_database() and wait_event_type = 'Lock'"
        )
        until = time.monotonic() + 5
        while self.roster.db.execute(waiting).fetchone() == (0,):
            assert time.monotonic() < until, "no session waits for a lock"
            # Within a transaction the view is a snapshot until it is dropped.
            self.roster.db.execute("select pg_stat_clear_snapshot()")
