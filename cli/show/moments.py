"""How moments and days are written for people."""

from datetime import UTC, date, datetime


def when(moment: datetime | None) -> str:
    """Show a moment in UTC, whatever zone the database's session has."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S") if moment else "-"


def expiry(day: date | None) -> str:
    """Say until when; the database gives the ends of the calendar for what lies beyond them."""
    if day is None:
        return "none"
    if day == date.max:
        return f"until {day} or later, such as without end"
    return f"until {day}" + " or earlier" * (day == date.min)
