"""The withdrawal of a run's pauses: first a preview, then the run (G5)."""

from http import HTTPStatus
from uuid import UUID

from console.answers import Answer, UnknownPage
from console.pages.checks import answer_start
from console.starts import request_id, start
from console.visit import Visit


def preview(visit: Visit) -> Answer:
    """Show whom a withdrawal would set active, and whom not; it changes nothing."""
    return _show(visit)


def _show(visit: Visit, status: int = 200, error: str = "") -> Answer:
    (run_id,) = visit.parameters
    found = visit.call("preview_withdrawal", p_job_run_id=run_id)
    if found is None:
        raise UnknownPage("no such run")
    return visit.page(
        "withdraw.html", status, found=found, run=found["check"], request_id=request_id(visit),
        error=error,
    )  # fmt: skip


def withdraw(visit: Visit) -> Answer:
    """Start the withdrawal."""
    (run_id,) = visit.parameters
    found = visit.call("preview_withdrawal", p_job_run_id=run_id)
    if found is None:
        raise UnknownPage("no such run")
    if not found["is_withdrawable"]:
        return _show(visit, HTTPStatus.CONFLICT, "not_withdrawable")
    return answer_start(visit, start(visit, "withdrawal", withdraws=UUID(run_id)))
