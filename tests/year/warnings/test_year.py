"""Months of warnings and e-mails; `make year-of-warnings` lives through a year of 5,000 mentors."""

from support.faked_clock import FakedCluster
from year.warnings.harness import Plan, live_through

BUSY = Plan(mentors=150, nights=100, horizon=150, unrest=20, failures=10)
"""In this plan coordinators leave while messages wait for them."""


def test_each_stage_is_warned_of_once_and_nobody_after_a_renewal(faked: FakedCluster) -> None:
    """W1-W3, W6, W7: pauses, warnings, e-mails and the unwarned agree with the oracle each day."""
    year = live_through(faked, BUSY)
    assert year.report.differences == []
    assert year.claims.broken == []
    assert year.claims.unnamed() == []
    assert year.report.nights == BUSY.nights
    assert len(year.claims.warnings) > 300
    assert year.claims.mails > 500
