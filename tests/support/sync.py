"""A sync run inside the test's process: dispatcher, queue, worker with its own role, a portal.

The portal is the stand-in, over HTTP. The client is the real one; its time passes only while it
waits.
"""

from collections.abc import Callable, Generator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from hlf_sync.pull import pull_certifications
from hlf_sync.push import PushMentors
from hlf_sync.sync import OpenPortal, SyncPage
from local.portal import serving
from local.portal_tables import Fault, Portal, Row
from mentor_pause.database.client import Database
from mentor_pause.database.pooled import PooledTransport
from mentor_pause.database.portal_client import PortalDatabase
from mentor_pause.errors import DatabaseUnavailable
from mentor_pause.portal import Portal as PortalClient
from mentor_pause.portal.dataverse import Dataverse
from mentor_pause.portal.requests import Requests, Timing
from mentor_pause.retry import Remaining, Retry
from portal_drift.measure import MeasureDrift
from support.aws import Clients, Message
from support.cluster import Cluster
from support.faults import PORTAL, FaultyHttp, Plan
from support.night import Night
from support.portal import CERTIFICATIONS, EXAMPLE, MENTORS, Time, example_portal, settings
from support.roster import ORG, Roster
from support.transports import CountingTransport, TransportKind, open_transport

MONDAY = datetime(2026, 11, 2, 8, tzinfo=UTC)
BEFORE = 1
"""Requests on each page before the first mentor's: the login."""
SYNC = "hlf_sync"
_VALUES = {value: status for status, value in EXAMPLE.mentors.status_values.items()}


class SyncNight(Night):
    """A night of the sync; `work_off`, `deliver` and so on work as in any night."""

    def __init__(
        self,
        clients: Clients,
        transports: tuple[Any, Any],
        plan: Plan,
        portal: Portal,
        url: str,
        page_size: int,
        beside: Night | None = None,
    ) -> None:
        """`transports`: the dispatcher's and the worker's; `url`: the portal's address.

        `beside`: see `Night`; then the portal's time is that of the clock, too.
        """
        super().__init__(clients, transports[0], plan, page_size, job=SYNC, beside=beside)
        self.now: Callable[[], datetime] = self.clock if beside else lambda: datetime.now(UTC)
        self.portal, self.time, self._url = portal, Time(), url
        self.sync_plan = self.portal_plan = plan
        self._sync_transport = transports[1]
        retry = Retry(on=DatabaseUnavailable, sleep=lambda _seconds: None)
        self.portal_database = PortalDatabase(self._sync_transport, retry)
        self.drift_database = PortalDatabase(self._sync_transport, self.retry)
        self.draw: Callable[[Sequence[UUID]], Sequence[UUID]] = tuple
        self.take_from(self.open_portal)

    def take_from(self, open_portal: OpenPortal) -> None:
        """Let the worker open the portal with `open_portal`."""
        database = self.portal_database
        work = SyncPage(
            open_portal,
            pull_certifications(database, self.logger, self.now),
            PushMentors(database, self.logger, self.draw),
            self.logger,
        )
        engine = replace(self.engine, database=Database(self._sync_transport, self.retry))
        self.consume = self.consumer(work, engine)

    def remaining(self, seconds: float) -> Remaining:
        """Return the function that gives a worker its seconds left; the client's waits count."""
        end = self.time.now + seconds
        return lambda: end - self.time.now

    def open_portal(self, remaining: Remaining) -> PortalClient:
        """Return the real client."""
        timing = Timing(remaining, self.time.sleep, lambda: self.time.now, lambda: 1.0)
        http = FaultyHttp(self.portal_plan, PORTAL)
        return Dataverse(Requests(settings(self._url), timing, http), EXAMPLE)

    def sync(self, trigger_id: str = "night-1") -> dict[str, Any]:
        """Fire, work off and return the summary line."""
        self.fire(trigger_id)
        self.work_off()
        return self.summaries()[-1]

    def fail(self, *faults: Fault, times: int = 1, after: int = 0) -> None:
        """Let the portal's next requests go wrong, after `after` requests that go well."""
        well: list[Fault] = ["none"] * after
        wrong: list[Fault] = [*faults] * times
        self.portal.faults = well + wrong

    def asked(self, method: str) -> list[str]:
        """Return the addresses of the requests with an HTTP method."""
        return [path for asked, path in self.portal.requests if asked == method]

    def forget(self) -> None:
        """Forget the requests so far."""
        self.portal.requests.clear()


class PortalRows:
    """Edits rows as HLF's people do, and reads them as a visitor of the website sees them."""

    def __init__(self, portal: Portal) -> None:
        """`portal` is the stand-in."""
        self.portal = portal

    def add(self, *keys: object) -> None:
        """Enter mentors, active."""
        for key in keys:
            self.portal.put(
                MENTORS,
                hlf_mentornumber=str(key),
                **EXAMPLE.mentors.columns("active", "entered", date(2026, 1, 1)),
            )

    def statuses(self) -> dict[str, str]:
        """Return each mentor's status by key."""
        return {
            row["hlf_mentornumber"]: _VALUES.get(row["hlf_status"], "?")
            for row in self.portal.table(MENTORS).rows.values()
        }

    def paused(self) -> set[str]:
        """Return the keys of the mentors who are shown as paused."""
        return {key for key, status in self.statuses().items() if status == "paused"}

    def certify(self, key: object, until: date, at: datetime, **columns: str) -> Row:
        """Enter a certification, at a moment."""
        return self.portal.put(
            CERTIFICATIONS,
            hlf_mentornumber=str(key),
            hlf_validuntil=until.isoformat(),
            modifiedon=f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
            **columns,
        )


def pause(roster: Roster, *mentors: UUID) -> None:
    """Pause mentors, as a service does."""
    for mentor in mentors:
        roster.db.execute(
            "select * from update_mentor_status(%s, %s, 'paused', 'on_leave')", (mentor, ORG)
        )


@contextmanager
def open_sync(
    clients: Clients,
    roster: Roster,
    cluster: Cluster,
    page_size: int = 3,
    plan: Plan | None = None,
    kind: TransportKind = "pooled",
    beside: Night | None = None,
) -> Generator[SyncNight]:
    """Put a sync together with a test's database and a portal of its own.

    `kind` is the dispatcher's transport; the worker's is always pooled (D9). One `plan` injects
    the faults of every call. Without it, the night has three plans: `sync_plan` for the worker's
    calls to the database, `portal_plan`, and `plan` for all other calls. `beside`: see `Night`.
    """
    portal, sync_plan, plans = example_portal(), plan or Plan(), plan or Plan()
    with (
        open_transport(kind, roster, cluster, plans) as transport,
        closing(PooledTransport(cluster.url(roster.db, "portal_sync"))) as sync_transport,
        serving(portal) as url,
    ):
        transports = (transport, CountingTransport(sync_transport, sync_plan))
        night = SyncNight(clients, transports, plans, portal, url, page_size, beside)
        night.sync_plan = sync_plan
        night.portal_plan = plan or Plan()
        yield night


def expiries(roster: Roster, mentor: UUID) -> list[date]:
    """Return a mentor's days of expiry."""
    rows = roster.rows("select expires_on from certifications where mentor_id = %s", mentor)
    return sorted(row["expires_on"] for row in rows)


def drift(night: SyncNight) -> int:
    """Return how many mentors differ."""
    measure = MeasureDrift(ORG, night.drift_database, night.open_portal, night.now)
    return len(measure(lambda: 60).differences)


def start_run(night: SyncNight) -> Message:
    """Start a run of one page, and return its message."""
    night.fire()
    (message,) = night.receive()
    return message


def ids(mentors: list[UUID]) -> list[str]:
    """Return the ids as the summary has them."""
    return [str(mentor) for mentor in mentors]
