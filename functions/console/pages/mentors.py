"""The list of the person's mentors, with search and filter (C1).

People search for names, and no address of a page may hold a name. So the form puts the text into a
cookie, and the address says only that the list is the result of a search.
"""

from http import HTTPStatus
from typing import Any
from urllib.parse import quote, unquote

from console.answers import Answer
from console.cookies import SEARCH, cookie
from console.strip import Strip
from console.visit import Visit
from mentor_pause.errors import DatabaseError

PAGE_SIZE = 50
LONGEST_SEARCH = 200
FILTERS = (
    "all", "active", "paused", "inactive", "paused_tonight", "expiring", "will_be_paused", "held",
    "unreachable", "set_active",
)  # fmt: skip
_AN_HOUR = 3600


def search(visit: Visit) -> Answer:
    """Remember what to search for, then show the list."""
    wanted, chosen = visit.field("search", LONGEST_SEARCH), _filter(visit.field("show"))
    if not wanted:
        return visit.redirect(f"/mentors?show={chosen}")
    remembered = cookie(SEARCH, quote(wanted, safe=""), _AN_HOUR)
    return visit.redirect(f"/mentors?show={chosen}&searched=1", remembered)


def show(visit: Visit) -> Answer:
    """Show one page of mentors by name."""
    after, chosen = visit.query_id("after"), _filter(visit.request.query.get("show", ""))
    is_search = "searched" in visit.request.query
    wanted = unquote(visit.request.cookies.get(SEARCH, ""))[:LONGEST_SEARCH] if is_search else ""
    values: dict[str, Any] = {"search": wanted, "chosen": chosen, "filters": FILTERS}
    try:
        rows = visit.call(
            "list_my_mentors",
            p_search=wanted or None,
            p_show=chosen,
            p_after_id=after,
            p_limit=PAGE_SIZE,
        )
    except DatabaseError as error:
        if not (error.sqlstate or "").startswith("22"):  # the class of values it cannot read
            raise
        empty: dict[str, Any] = {"rows": [], "strip": None, "total": 0, "error": "search"}
        return visit.page("mentors.html", HTTPStatus.UNPROCESSABLE_ENTITY, **values, **empty)
    return visit.page(
        "mentors.html", **values, rows=rows, error="", total=rows[0]["total_count"] if rows else 0,
        strip=Strip(visit.me.today), is_last=len(rows) < PAGE_SIZE, is_first=after is None,
    )  # fmt: skip


def _filter(wanted: str) -> str:
    return wanted if wanted in FILTERS else "all"
