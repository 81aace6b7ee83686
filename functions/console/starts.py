"""Asks the dispatcher for runs on behalf of people; a form that is sent twice asks once.

A form carries a request id that the page made up. The trigger of the run holds it together with the
person's id, so a repeated form names the same run, and nobody can repeat another person's request.
"""

import re
from typing import NamedTuple
from uuid import UUID, uuid4

from console.answers import Unavailable, UnknownPage
from console.visit import Visit
from mentor_pause.domain.messages import DispatchRequest
from mentor_pause.domain.run_starts import StartResult
from mentor_pause.engine.release import release_trigger
from mentor_pause.engine.run_starter import RunStarter
from mentor_pause.errors import InvalidRequest

_REQUEST_ID = re.compile(r"[0-9a-f]{32}")


class _Row(NamedTuple):
    """What the execution log says of a run's end."""

    status: str
    processed_count: int | None


def request_id() -> str:
    """Return a new request id for a form."""
    return uuid4().hex


def start(visit: Visit, job_name: str, **details: object) -> StartResult:
    """Ask for a run of a job, by a person and with the form's request id."""
    return _send(visit, job_name, _trigger_of(visit), **details)


def release(visit: Visit, planned_by: str) -> StartResult:
    """Ask for the run that pauses the held mentors of an approved plan (G4)."""
    plan = UUID(planned_by)
    try:
        trigger = release_trigger(lambda run: _find_row(visit, run), visit.site.org_id, plan)
    except InvalidRequest as error:
        raise Unavailable(str(error)) from error
    return _send(visit, "certification_expiry", trigger, releases=plan)


def _trigger_of(visit: Visit) -> str:
    """Return the trigger of the run that a form asks for."""
    unique = visit.field("request_id", 33)
    if not _REQUEST_ID.fullmatch(unique):
        raise UnknownPage("the form has no request id, so pressing twice could start two runs")
    about = "".join(f"-{UUID(number).hex}" for number in visit.parameters)
    return f"console-{visit.me.user_id.hex}-{unique}{about}"


def _send(visit: Visit, job_name: str, trigger: str, **details: object) -> StartResult:
    fields = {"job_name": job_name, "trigger": "manual", "trigger_id": trigger, **details}
    request = DispatchRequest.model_validate(fields | {"requested_by": f"user {visit.me.user_id}"})
    site = visit.site
    result = RunStarter(site.org_id, site.dispatcher, lambda run: _status(visit, run), site.logger)(
        request
    )
    site.logger.info(
        "run asked for",
        extra={
            "job_name": job_name,
            "job_run_id": str(result.job_run_id),
            "outcome": result.outcome,
        },
    )
    return result


def _status(visit: Visit, job_run_id: UUID) -> str | None:
    row = _find_row(visit, job_run_id)
    return row.status if row else None


def _find_row(visit: Visit, job_run_id: UUID) -> _Row | None:
    found = visit.call("get_check", p_job_run_id=str(job_run_id))
    return _Row(found["check"]["status"], found["check"]["processed_count"]) if found else None
