"""The list of the person's mentors, with search and filter (C1)."""

from http import HTTPStatus
from typing import Any

from console.answers import Answer
from console.strip import months_ahead
from console.visit import Visit
from mentor_pause.errors import DatabaseError

PAGE_SIZE = 50
FILTERS = (
    "all", "active", "paused", "inactive", "paused_tonight", "expiring", "will_be_paused", "held",
    "unreachable", "set_active",
)  # fmt: skip


def show(visit: Visit) -> Answer:
    """Show one page of mentors by name."""
    query = visit.request.query
    search, wanted = query.get("search", "").strip()[:200], query.get("show", "all")
    chosen = wanted if wanted in FILTERS else "all"
    values: dict[str, Any] = {"search": search, "chosen": chosen, "filters": FILTERS}
    try:
        rows = visit.call(
            "list_my_mentors",
            p_search=search or None,
            p_show=chosen,
            p_after_name=query.get("after_name"),
            p_after_id=query.get("after") or None,
            p_limit=PAGE_SIZE,
        )
    except DatabaseError as error:
        if error.sqlstate not in ("22023", "22P02"):
            raise
        empty: dict[str, Any] = {"rows": [], "strip": None, "total": 0, "error": "search"}
        return visit.page("mentors.html", HTTPStatus.UNPROCESSABLE_ENTITY, **values, **empty)
    return visit.page(
        "mentors.html", **values, rows=rows, error="", total=rows[0]["total_count"] if rows else 0,
        strip=months_ahead(visit.me.today), is_last=len(rows) < PAGE_SIZE,
        is_first="after" not in query,
    )  # fmt: skip
