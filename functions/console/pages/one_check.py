"""The page of one check: counts, mentors, errors; for administrators a redrive (C1, E8)."""

from uuid import UUID

from console.answers import Answer, UnknownPage
from console.pages.checks import answer_start
from console.starts import request_id, start
from console.visit import Visit
from mentor_pause.errors import TransientError


def show(visit: Visit) -> Answer:
    """Show a run."""
    (run_id,) = visit.parameters
    found = visit.call("get_check", p_job_run_id=run_id, p_after=visit.query_id("after"))
    if found is None:
        raise UnknownPage("no such run")
    errored = _read_errored(visit, run_id, found["check"])
    return visit.page(
        "check.html", found=found, run=found["check"], errored=errored,
        request_id=request_id(),
        done="done" in visit.request.query and found["check"]["status"] == "running",
    )  # fmt: skip


def redrive(visit: Visit) -> Answer:
    """Start a run for the errored mentors of this one."""
    (run_id,) = visit.parameters
    found = visit.call("get_check", p_job_run_id=run_id)
    if found is None:
        raise UnknownPage("no such run")
    job_name = found["check"]["job_name"]
    return answer_start(visit, start(visit, job_name, redrive_of=UUID(run_id)))


def _read_errored(visit: Visit, run_id: str, run: dict[str, object]) -> list[object] | None:
    """Return the errored mentors with their names, for administrators; None: nobody knows them."""
    if visit.me.role != "admin" or not run["error_count"]:
        return []
    try:
        ids = visit.site.list_errored(UUID(run_id))
    except TransientError:
        return None
    if ids is None:
        return None
    return visit.call("list_names", p_mentor_ids=[str(mentor) for mentor in ids]) if ids else []
