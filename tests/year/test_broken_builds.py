"""Products broken on purpose: the simulated nights find each within some months."""

from dataclasses import replace
from datetime import date

import pytest

from support.aws import Clients
from support.faked_clock import FakedCluster
from year.broken import EXPIRED, Broken, unchanged_by_its_own_time
from year.events import EVERYTHING
from year.harness import live_through

pytestmark = pytest.mark.proof

FIRST, SEEDS = date(2020, 2, 28), range(4)


@pytest.mark.parametrize("build", EXPIRED, ids=lambda build: build.function)
def test_an_expiry_compared_by_less_is_found(
    faked: FakedCluster, aws: Clients, build: Broken
) -> None:
    """E1, E4, O1: on the day of expiry a certification has expired."""
    quiet = replace(EVERYTHING, only=frozenset({"the monitor looks"}))
    reports = (live_through(faked, aws, s, 30, FIRST, quiet, build=build) for s in SEEDS)
    assert any(report.differences for report in reports)


def test_a_row_that_counts_as_unchanged_by_its_own_time_is_found(
    faked: FakedCluster, aws: Clients
) -> None:
    """H1: within a second a row can change twice, and its mentor or day are others then."""
    drawn = replace(EVERYTHING, only=frozenset({"a row changes twice within a second"}))
    report = live_through(faked, aws, 0, 30, FIRST, drawn, build=unchanged_by_its_own_time)
    assert any(found.look.what.startswith("certification") for found in report.differences)
