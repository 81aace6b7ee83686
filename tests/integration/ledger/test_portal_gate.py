"""Workers share the moment before which none of them may ask the portal (H3, R1)."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, cast

import pytest
from botocore.exceptions import EndpointConnectionError

from mentor_pause.ledger.portal_gate import LONGEST_SECONDS, PortalGate
from mentor_pause.ledger.table import Table
from mentor_pause.retry import NO_RETRY
from support.aws import Clients, create_ledger_table
from support.night import Clock

_names = count()


@pytest.fixture
def clock() -> Clock:
    """Stands still until a test moves it."""
    return Clock()


@pytest.fixture
def table(aws: Clients, clock: Clock) -> Table:
    """A ledger without items."""
    return create_ledger_table(aws.dynamodb, f"gate-{next(_names)}", clock)


def gate_ahead(aws: Clients, table: Table, by: timedelta) -> PortalGate:
    """Return the gate as a worker sees it whose clock is ahead."""
    return PortalGate(Table(aws.dynamodb, table.name, NO_RETRY, lambda: table.now() + by))


def test_a_gate_that_nobody_closed_is_open(table: Table) -> None:
    """The first night finds no item."""
    assert PortalGate(table).seconds_closed() == 0


def test_every_worker_waits_until_the_moment_that_one_of_them_was_told(
    table: Table, clock: Clock
) -> None:
    """The moment is rounded up to a second."""
    PortalGate(table).close_for(29.2)
    another = PortalGate(table)
    assert another.seconds_closed() == 30
    clock.advance(29)
    assert another.seconds_closed() == 1
    clock.advance(1)
    assert another.seconds_closed() == 0


def test_only_a_later_moment_counts(table: Table, clock: Clock) -> None:
    """A worker that was told earlier, or for a shorter time, may write later."""
    gate = PortalGate(table)
    for told, closed in ((60, 60), (5, 60), (90, 90)):
        gate.close_for(told)
        assert gate.seconds_closed() == closed
    clock.advance(91)
    gate.close_for(5)
    assert gate.seconds_closed() == 5


@pytest.mark.parametrize("seconds", [901, 86400, 10**9])
def test_a_long_wait_is_cut(table: Table, seconds: float) -> None:
    """Then a worker asks the portal again."""
    gate = PortalGate(table)
    gate.close_for(seconds)
    assert gate.seconds_closed() == LONGEST_SECONDS


def test_a_moment_of_a_clock_that_is_days_ahead_counts_as_none_and_is_overwritten(
    aws: Clients, table: Table
) -> None:
    """Otherwise no worker would ask the portal for days."""
    gate_ahead(aws, table, timedelta(days=2)).close_for(60)
    gate = PortalGate(table)
    assert gate.seconds_closed() == 0
    gate.close_for(40)
    assert gate.seconds_closed() == 40


def test_a_moment_of_a_clock_that_is_a_minute_ahead_is_cut(aws: Clients, table: Table) -> None:
    """Two workers' clocks differ by a second or so."""
    gate_ahead(aws, table, timedelta(seconds=50)).close_for(900)
    assert PortalGate(table).seconds_closed() == LONGEST_SECONDS


class AbsentDynamoDB:
    """A client that never reaches DynamoDB."""

    def __getattr__(self, name: str) -> Any:
        def fail(**_request: object) -> None:
            raise EndpointConnectionError(endpoint_url=name)

        return fail


def test_a_worker_goes_on_without_the_gate_while_the_ledger_is_away() -> None:
    """The portal itself tells the worker to wait."""
    now = datetime(2026, 3, 1, tzinfo=UTC)
    gate = PortalGate(Table(cast("Any", AbsentDynamoDB()), "away", NO_RETRY, lambda: now))
    gate.close_for(60)
    assert gate.seconds_closed() == 0


def test_the_item_expires(table: Table) -> None:
    """As every item of the ledger."""
    PortalGate(table).close_for(60)
    item = table.get("PORTAL", "NOT_BEFORE")
    assert item is not None
    assert item["expires_at"] > item["not_before"]
