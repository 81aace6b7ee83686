"""The withdrawal of a run's pauses: first a preview, then the run (G5)."""

from hashlib import sha256
from http import HTTPStatus
from uuid import UUID

from console.answers import Answer, UnknownPage
from console.pages.checks import answer_start
from console.starts import request_id, start
from console.visit import Visit
from mentor_pause.database.person_client import Json


def preview(visit: Visit) -> Answer:
    """Show whom a withdrawal would set active, and whom not; it changes nothing."""
    return _show(visit, _read(visit))


def withdraw(visit: Visit) -> Answer:
    """Start the withdrawal, if the preview is still the one that the person saw."""
    found = _read(visit)
    if found["resume"]["count"] and visit.field("seen", 64) != _fingerprint(found):
        return _show(visit, found, HTTPStatus.CONFLICT, "changed")
    if not found["is_withdrawable"]:
        return _show(visit, found, HTTPStatus.CONFLICT, "not_withdrawable")
    withdrawn = UUID(found["check"]["job_run_id"])
    return answer_start(visit, start(visit, "withdrawal", withdraws=withdrawn))


def _read(visit: Visit) -> Json:
    (run_id,) = visit.parameters
    found = visit.call("preview_withdrawal", p_job_run_id=run_id)
    if found is None:
        raise UnknownPage("no such run")
    return found


def _show(visit: Visit, found: Json, status: int = 200, error: str = "") -> Answer:
    return visit.page(
        "withdraw.html", status, found=found, run=found["check"], request_id=request_id(),
        error=error, seen=_fingerprint(found),
    )  # fmt: skip


def _fingerprint(found: Json) -> str:
    """Return what a form carries of the preview: who would be set active, as far as it names them.

    If the list has changed when the form comes, the person has to see the new one first.
    """
    resume = found["resume"]
    named = [mentor["mentor_id"] for mentor in resume["mentors"]]
    return sha256(f"{resume['count']} {named}".encode()).hexdigest()
