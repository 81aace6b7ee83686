"""The person's own messages (W3)."""

from console.answers import Answer
from console.visit import Visit

PAGE_SIZE = 30
MOST_NAMES = 5
"""A message names this many of its mentors; the others are a number."""


def show(visit: Visit) -> Answer:
    """Show messages, the newest first, with the names that the person may see."""
    rows = visit.call_own(
        "list_my_messages", p_before=visit.query_place("before"), p_limit=PAGE_SIZE
    )
    wanted: list[str] = sorted({m for row in rows for m in row["mentor_ids"][:MOST_NAMES]})[:500]
    names = _read_names(visit, wanted) if visit.me.role else {}
    return visit.page(
        "messages.html", rows=rows, names=names,
        most=MOST_NAMES, is_last=len(rows) < PAGE_SIZE,
        newest=max((row["id"] for row in rows), default=0),
    )  # fmt: skip


def _read_names(visit: Visit, mentor_ids: list[str]) -> dict[str, str | None]:
    rows: list[dict[str, str | None]] = (
        visit.call("list_names", p_mentor_ids=mentor_ids) if mentor_ids else []
    )
    return {str(row["mentor_id"]): row["display_name"] for row in rows}


def mark_read(visit: Visit) -> Answer:
    """Mark the messages up to the newest one of the page as read."""
    up_to = visit.field("up_to", 18)
    if up_to.isdecimal():
        visit.call_own("mark_all_messages_read", p_up_to=int(up_to))
    return visit.redirect("/messages")
