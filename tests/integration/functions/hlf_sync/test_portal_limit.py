"""Many changed mentors, and a portal that limits requests: in virtual time (H3, R1)."""

from math import ceil

import httpx
import pytest

from support.aws import Clients
from support.limited_portal import Limit, LimitedPortal, throttled
from support.limited_sync import PAGE_SIZE, WORKERS, LimitedSync
from support.virtual_time import VirtualTime

FAST, USUAL = 0.012, 0.08
"""How many seconds the portal takes for an answer."""
NO_LIMIT = Limit(10**9)


def portal_of(limit: Limit = NO_LIMIT, latency: float = USUAL) -> LimitedPortal:
    """Return a portal with a time of its own."""
    return LimitedPortal(VirtualTime(), limit, latency)


def refusing(portal: LimitedPortal, part: str, until: float, answer: httpx.Response) -> None:
    """Let the portal refuse requests to some addresses until a moment."""
    portal.refused = 0

    def refuse(request: httpx.Request) -> httpx.Response | None:
        if part not in request.url.path or portal.time.seconds >= until:
            return None
        portal.refused += 1
        return answer

    portal.refuse = refuse


def test_a_night_of_many_changes_ends_without_an_error_as_fast_as_the_limit_allows(
    aws: Clients,
) -> None:
    """The workers learn of each wait by at most one 429 each, and log in once each."""
    portal = portal_of(Limit(1200), FAST)
    report = LimitedSync(aws, portal, 5000).run()
    assert (report.synced, report.errors, report.dead_pages, report.counted) == (5000, 0, 0, 0)
    full_windows = (report.requests - 1) // 1200
    ideal = full_windows * 300 / 60
    assert ideal <= report.minutes < ideal * 1.02
    assert report.throttled <= WORKERS * full_windows
    assert report.logins == WORKERS


def test_without_the_gate_and_a_kept_token_the_same_night_asks_more(aws: Clients) -> None:
    """This is what the gate and the token save."""
    report = LimitedSync(aws, portal_of(Limit(500), FAST), 1900, shares=False).run()
    assert report.errors == 0
    assert report.throttled > 15
    assert report.logins > 30


@pytest.mark.parametrize("seconds", [60, 3600])
def test_while_the_portal_is_closed_nobody_asks_more_often_than_the_gate_opens(
    aws: Clients, seconds: int
) -> None:
    """`Retry-After` may be longer than an SQS delay; then a worker asks every fifteen minutes."""
    portal = portal_of()
    refusing(portal, "/api/", seconds, throttled(seconds))
    sync = LimitedSync(aws, portal, 1000)
    report = sync.run()
    assert (report.synced, report.counted) == (1000, 0)
    assert portal.refused <= WORKERS * ceil(seconds / 900)
    assert seconds < report.minutes * 60 < seconds + 120


def test_a_login_that_throttles_stops_every_worker(aws: Clients) -> None:
    """H3: no other worker tries to log in meanwhile."""
    portal = portal_of()
    refusing(portal, "/token", 120, throttled(120))
    report = LimitedSync(aws, portal, 1000).run()
    assert (report.synced, report.counted) == (1000, 0)
    assert portal.refused <= WORKERS


def test_a_reading_that_is_throttled_costs_no_delivery(aws: Clients) -> None:
    """H1: the first page waits, with its mentors sent already."""
    portal = portal_of()
    refusing(portal, "hlf_certifications", 1000, throttled(200))
    report = LimitedSync(aws, portal, PAGE_SIZE).run()
    assert (report.synced, report.errors, report.counted) == (PAGE_SIZE, 0, 0)
    assert report.invocations > 3
    assert portal.refused < 10


@pytest.mark.parametrize("seconds", [41, 43])
def test_a_wait_leaves_enough_time_for_a_slow_portal(aws: Clients, seconds: int) -> None:
    """A wait until just before the end of the invocation would leave no time for an answer.

    It is the first wait of a page that logs in first, and of one that has a token already.
    """
    portal = portal_of(latency=1.5)
    refusing(portal, "/api/", 500, throttled(seconds))
    report = LimitedSync(aws, portal, 20).run()
    assert (report.synced, report.counted) == (20, 0)


def test_a_503_with_a_wait_is_a_failure_and_closes_no_gate(aws: Clients) -> None:
    """E8: the pages of a portal that is down for days fail after five deliveries each."""
    portal = portal_of()
    answer = httpx.Response(503, headers={"Retry-After": "600"})
    refusing(portal, "/api/", 10**9, answer)
    report = LimitedSync(aws, portal, 3 * PAGE_SIZE).run()
    assert (report.errors, report.dead_pages, report.counted) == (300, 3, 15)
    assert portal.refused == 15
    assert report.minutes < 52  # a closed gate would let each page wait for all the others


def test_a_gate_that_a_wrong_clock_closed_for_days_does_not_stop_the_sync(aws: Clients) -> None:
    """R1: nobody would open it."""
    portal = portal_of(Limit(150), FAST)
    sync = LimitedSync(aws, portal, 200)
    epoch = int(sync.time.now().timestamp())
    sync.table.transact(
        [
            sync.table.put_new_action(
                {"pk": "PORTAL", "sk": "NOT_BEFORE", "not_before": epoch + 10 * 86400}
            )
        ]
    )
    report = sync.run()
    assert (report.synced, report.counted) == (200, 0)
    assert 5 <= report.minutes < 6
    assert report.throttled <= WORKERS
