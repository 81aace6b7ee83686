"""The list of checks; the forms that start one, and who would be paused (C1, D3)."""

from http import HTTPStatus

from console.answers import Answer
from console.chart import weekly_chart
from console.starts import request_id, start
from console.strip import Strip
from console.visit import Visit
from mentor_pause.domain.run_starts import StartResult

PAGE_SIZE = 30
MOST_SHOWN = 200


def show(visit: Visit) -> Answer:
    """Show the newest checks, and the weeks behind us."""
    return _show(visit)


def _show(visit: Visit, status: int = 200, error: str = "", other: str = "") -> Answer:
    rows = visit.call("list_checks", p_before=visit.query_place("before"), p_limit=PAGE_SIZE)
    return visit.page(
        "checks.html", status, rows=rows, chart=weekly_chart(visit.call("get_weekly_figures")),
        request_id=request_id(), error=error, other=other,
        is_last=len(rows) < PAGE_SIZE,
    )  # fmt: skip


def start_check(visit: Visit) -> Answer:
    """Start the check for today."""
    return answer_start(visit, start(visit, "certification_expiry"))


def answer_start(visit: Visit, result: StartResult, *, is_approved: bool = False) -> Answer:
    """Lead to the run that has started, or say why none has.

    `is_approved` is for the run of an approval: the approval is kept, whatever became of the run.
    """
    if result.outcome in ("started", "failed"):  # the run's page says which
        return visit.redirect(f"/checks/{result.job_run_id}?done=started")
    if result.conflicting_run_id is not None:
        other = str(result.conflicting_run_id)
        error = "released_but_running" if is_approved else "already_running"
        return _show(visit, HTTPStatus.CONFLICT, error, other)
    if result.outcome == "invalid request":
        return _show(visit, HTTPStatus.CONFLICT, "not_begun")
    return _show(visit, HTTPStatus.SERVICE_UNAVAILABLE, "unknown")


def preview(visit: Visit) -> Answer:
    """Show whom the next check would pause among the person's mentors; it changes nothing."""
    rows = {
        name: visit.call("list_my_mentors", p_show=name, p_limit=MOST_SHOWN)
        for name in ("will_be_paused", "held")
    }
    totals = {name: found[0]["total_count"] if found else 0 for name, found in rows.items()}
    return visit.page(
        "preview.html", rows=rows, totals=totals, request_id=request_id(),
        strip=Strip(visit.me.today),
    )  # fmt: skip
