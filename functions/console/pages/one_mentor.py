"""A mentor's page: status, why, what comes next, history; the forms that change the status (C1)."""

from http import HTTPStatus

from console.answers import Answer
from console.visit import Visit
from mentor_pause.errors import Conflict, DatabaseError

PAUSE_REASONS = ("wrongly_shown", "on_leave", "own_wish", "other")
RESUME_REASONS = ("certification_renewed", "back_again", "paused_by_mistake", "other")
_PROBLEMS = {
    "certification_expired": "certification_expired",
    "certification_missing": "certification_missing",
    "too_many_changes": "too_often",
}


def show(visit: Visit) -> Answer:
    """Show a mentor whom the person may see."""
    (mentor_id,) = visit.parameters
    return show_mentor(visit, mentor_id)


def show_mentor(visit: Visit, mentor_id: str, status: int = 200, error: str = "") -> Answer:
    """Show a mentor; `error` says why a form has changed nothing."""
    found = visit.call("get_mentor_page", p_mentor_id=mentor_id)
    done = visit.request.query.get("done", "")
    return visit.page(
        "mentor.html", status, mentor=found, why=found["explanation"], error=error,
        done=done if done == found["status"] else "",
        pause_reasons=PAUSE_REASONS, resume_reasons=RESUME_REASONS,
    )  # fmt: skip


def pause(visit: Visit) -> Answer:
    """Set the mentor on pause."""
    return _change(visit, "paused", PAUSE_REASONS)


def resume(visit: Visit) -> Answer:
    """Set the mentor active again."""
    return _change(visit, "active", RESUME_REASONS)


def _change(visit: Visit, status: str, reasons: tuple[str, ...]) -> Answer:
    (mentor_id,) = visit.parameters
    reason, version = visit.field("reason"), visit.field("version", 9)
    if reason not in reasons or not version.isdecimal():
        return show_mentor(visit, mentor_id, HTTPStatus.UNPROCESSABLE_ENTITY, "no_reason")
    try:
        visit.call(
            "update_mentor_status",
            p_mentor_id=mentor_id,
            p_status=status,
            p_reason=reason,
            p_expected_version=int(version),
        )
    except Conflict as conflict:
        return _conflict(visit, mentor_id, status, conflict)
    except DatabaseError as error:
        if error.hint != "too_many_changes":
            raise
        return show_mentor(visit, mentor_id, HTTPStatus.TOO_MANY_REQUESTS, "too_often")
    return visit.redirect(f"/mentors/{mentor_id}?done={status}")


def _conflict(visit: Visit, mentor_id: str, status: str, conflict: Conflict) -> Answer:
    """Answer a form that came too late. If the mentor is as wanted, it was sent twice."""
    if conflict.hint in ("version_conflict", "transition_not_allowed"):
        found = visit.call("get_mentor_page", p_mentor_id=mentor_id)
        if found["status"] == status:
            return visit.redirect(f"/mentors/{mentor_id}?done={status}")
    error = _PROBLEMS.get(conflict.hint or "", "changed_meanwhile")
    return show_mentor(visit, mentor_id, HTTPStatus.CONFLICT, error)
