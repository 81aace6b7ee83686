"""Formats moments and days for people."""

from datetime import UTC, date, datetime


def when(moment: datetime | None) -> str:
    """Format a moment in UTC, whatever time zone it has."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S") if moment else "-"


def minute(moment: datetime | None) -> str:
    """Format a moment in UTC to the minute, with the word UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC") if moment else "at no known time"


def expiry(day: date | None) -> str:
    """Say until when a certification is valid.

    For a day outside Python's calendar the database returns the calendar's first or last day.
    """
    if day is None:
        return "none"
    if day == date.max:
        return f"until {day} or later, for example without end"
    return f"until {day}" + " or earlier" * (day == date.min)
