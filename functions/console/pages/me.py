"""A mentor's own page (C1)."""

from console.answers import Answer
from console.pages.one_mentor import show_mentor
from console.visit import Visit


def show(visit: Visit) -> Answer:
    """Show the person their own status, and why."""
    return show_mentor(visit, str(visit.me.mentor_id))
