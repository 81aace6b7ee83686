"""A month of simulated nights; `make year` lives through four hundred."""

from datetime import date

import pytest

from support.aws import Clients
from support.faked_clock import FakedCluster
from year.harness import live_through

LEAP_DAY_TO_SUMMER_TIME = date(2020, 2, 28)
"""The thirty nights behind it begin on the leap day and end on the night of the change to summer
time."""


@pytest.mark.parametrize("seed", [0])
def test_a_month_of_nights_goes_as_the_rules_say(
    faked: FakedCluster, aws: Clients, seed: int
) -> None:
    """E1-E4, E9, S1, S3, H1, O1: statuses, history, runs, monitor and portal agree each night."""
    report = live_through(faked, aws, seed, 30, LEAP_DAY_TO_SUMMER_TIME)
    assert [str(difference) for difference in report.differences] == []
    assert report.nights == 30
    assert report.looks > 3000
