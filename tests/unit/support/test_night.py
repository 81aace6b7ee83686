"""The simulated nights are the same at every hour of the day at which the tests run."""

from datetime import timedelta

import pytest

from support.night import Clock
from support.roster import TODAY


@pytest.mark.parametrize("ahead", range(-11, 13))
def test_a_night_begins_on_its_day_in_every_zone_that_a_test_chooses(ahead: int) -> None:
    """`make_it` gives the organisation such a zone, by the hour of this machine's clock."""
    assert (Clock().now + timedelta(hours=ahead)).date() == TODAY
