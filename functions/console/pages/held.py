"""Held pauses: the plan, what changed, and the approval (G3, G4)."""

from http import HTTPStatus

from console.answers import Answer
from console.pages.checks import answer_start
from console.starts import release
from console.visit import Visit
from mentor_pause.errors import Conflict, Forbidden

_CHANGED = ("plan_changed", "nothing_held")
_SHORTEST_NOTE = 3


def show(visit: Visit) -> Answer:
    """Show the held mentors of the newest plan."""
    return _show(visit)


def _show(visit: Visit, status: int = 200, error: str = "", note: str = "") -> Answer:
    found = visit.call("get_held", p_after=visit.query_id("after"))
    return visit.page("held.html", status, held=found, plan=found["plan"], error=error, note=note)


def approve(visit: Visit) -> Answer:
    """Approve the plan, and start the run that pauses its held mentors."""
    (run_id,) = visit.parameters
    note = " ".join(visit.request.form.get("note", "").split())
    if not _SHORTEST_NOTE <= len(note) <= 500 or not note.isprintable():  # noqa: PLR2004
        return _show(visit, HTTPStatus.UNPROCESSABLE_ENTITY, "no_note", note[:500])
    try:
        visit.call_own(
            "approve_plan",
            p_job_run_id=run_id,
            p_plan_hash=visit.field("plan_hash", 64),
            p_note=note,
        )
    except Conflict as conflict:
        error = conflict.hint if conflict.hint in _CHANGED else "plan_changed"
        return _show(visit, HTTPStatus.CONFLICT, str(error), note)
    except Forbidden as error:
        if error.hint != "own_run":
            raise
        return _show(visit, HTTPStatus.FORBIDDEN, "own_run", note)
    return answer_start(visit, release(visit, run_id), is_approved=True)
