"""Products broken on purpose: a simulated month notices each."""

import pytest

from support.faked_clock import FakedCluster
from year.warnings import broken
from year.warnings.harness import Build, Plan, live_through

pytestmark = pytest.mark.proof

MONTH = Plan(mentors=80, nights=36, horizon=90, unrest=80, failures=10)

BUILDS = {
    "a stage twice": (broken.a_stage_twice, "warned"),
    "a warning after a renewal": (broken.a_warning_after_a_renewal, "warned"),
    "a mail after a renewal": (broken.a_mail_after_a_renewal, "mails"),
    "a burst after missed nights": (broken.a_burst, "warned"),
    "a later stage skipped": (broken.a_later_stage_skipped, "warned"),
    "a late warning counts": (broken.a_late_warning_counts, "unwarned"),
    "two mails a day": (broken.two_mails_a_day, "mails"),
}


@pytest.mark.parametrize(("build", "what"), BUILDS.values(), ids=BUILDS)
def test_a_broken_build_is_noticed(faked: FakedCluster, build: Build, what: str) -> None:
    """W1, W3: the first difference from the oracle is where the build is broken."""
    year = live_through(faked, MONTH, build)
    assert any(f": {what}: expected" in found for found in year.report.differences)
