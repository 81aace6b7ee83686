"""The strip shows how much of the next twelve months a certification covers (C1)."""

from datetime import date

import pytest

from console.strip import WIDTH, Strip

TODAY = date(2026, 3, 17)


@pytest.mark.parametrize(
    ("expires_on", "units"),
    [
        (None, 0),
        ("", 0),
        ("2026-03-01", 0),
        ("2025-12-31", 0),
        ("1900-01-01", 0),
        ("2026-03-17", 0),
        ("2026-03-18", 5),
        ("2026-03-31", 10),
        ("2026-04-01", 10),
        ("2026-09-01", 60),
        ("2027-02-28", 119),
        ("2027-03-01", WIDTH),
        ("9999-12-31", WIDTH),
    ],
)
def test_a_certification_covers_its_months(expires_on: str | None, units: int) -> None:
    """Ten units a month, from the first of this month, and never more than there is."""
    assert Strip(TODAY).covered(expires_on) == units


def test_a_later_day_never_covers_less() -> None:
    """Day by day, over a leap year's end of February too."""
    days = [date.fromordinal(date(2027, 11, 1).toordinal() + i).isoformat() for i in range(500)]
    covered = [Strip(date(2027, 11, 30)).covered(day) for day in days]
    assert covered == sorted(covered)
