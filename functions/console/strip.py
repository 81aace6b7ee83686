"""The strip that shows how long a certification lasts, over the twelve months ahead."""

from dataclasses import dataclass
from datetime import date

MONTHS = 12
WIDTH = 120
"""Units of the picture: ten for a month."""


@dataclass(frozen=True, slots=True)
class Strip:
    """Twelve months from the month of a day on."""

    today: date

    def covered(self, expires_on: str | None) -> int:
        """Return how much of the strip a certification covers, from 0 to `WIDTH`.

        One that has expired covers nothing.
        """
        if not expires_on:
            return 0
        day = date.fromisoformat(expires_on)
        if day <= self.today:
            return 0
        months = (day.year - self.today.year) * 12 + day.month - self.today.month
        units = months * 10 + round((day.day - 1) / 3.1)
        return min(WIDTH, units)
