"""Reads the progress of a run, and its mentors, from the ledger (O3)."""

from uuid import UUID

from api.models import MAX_IDS
from mentor_pause.domain.runs import Run as LedgerRun
from mentor_pause.domain.summary import settle
from mentor_pause.ledger.runs import Ledger

_NO_PROGRESS: dict[str, object] = {
    "pages_closed": None,
    "pages_planned": None,
    "mentor_ids_applied": None,
    "mentor_ids_errored": None,
    "mentor_ids_changed_since": None,
    "mentor_ids_still_expired": None,
    "errors": None,
}
"""The fields of `RunDetail` that the ledger has."""


def read_progress(ledger: Ledger, job_run_id: UUID, *, with_mentors: bool) -> dict[str, object]:
    """Return what the ledger adds to a row; every value is None if it has no such run."""
    run = ledger.find_run(job_run_id)
    if run is None:
        return dict(_NO_PROGRESS)
    progress = _NO_PROGRESS | {
        "pages_closed": ledger.closed.count(run),
        "pages_planned": run.pages_planned,
        "errors": _visible_errors(run, with_mentors=with_mentors),
    }
    return progress | (_read_mentors(ledger, run) if with_mentors else {})


def _read_mentors(ledger: Ledger, run: LedgerRun) -> dict[str, object]:
    """Return the ids of a run, or nothing if it has more than `MAX_IDS`."""
    applied, errored = list[UUID](), list[UUID]()
    changed, expired = list[UUID](), list[UUID]()
    for page in ledger.pages.read(run.job_run_id, range(1, run.pages_planned + 1)):
        if page.outcome or run.status != "running":
            settled = settle(run, page)
            applied += settled.applied
            errored += settled.errored
            changed += [m for m, why in settled.kept.items() if why == "changed_since"]
            expired += [m for m, why in settled.kept.items() if why == "still_expired"]
        if len(applied) + len(errored) + len(changed) + len(expired) > MAX_IDS:
            return {}
    return {
        "mentor_ids_applied": applied,
        "mentor_ids_errored": errored,
        "mentor_ids_changed_since": changed,
        "mentor_ids_still_expired": expired,
    }


def _visible_errors(run: LedgerRun, *, with_mentors: bool) -> list[dict[str, object]] | None:
    """Return the reasons for errors; a coordinator gets no example mentor (S4)."""
    if run.errors is None:
        return None
    hidden: dict[str, object] = {} if with_mentors else {"example": None}
    return [group.as_json() | hidden for group in run.errors]
