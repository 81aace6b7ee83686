"""Asks the dispatcher for runs on behalf of people; a form that is sent twice asks once.

A form carries a request id that the page made up. The trigger of the run holds it together with the
person's id, so a repeated form names the same run, and nobody can repeat another person's request.
"""

import re
from uuid import UUID, uuid4

from console.answers import Unavailable
from console.visit import Visit
from mentor_pause.domain.messages import DispatchRequest
from mentor_pause.domain.run_starts import StartResult
from mentor_pause.domain.runs import run_id_of

_REQUEST_ID = re.compile(r"[0-9a-f]{32}")


def request_id(_visit: Visit) -> str:
    """Return a new request id for a form."""
    return uuid4().hex


def trigger_of(visit: Visit) -> str:
    """Return the trigger of the run that a form asks for."""
    given = visit.field("request_id", 32)
    unique = given if _REQUEST_ID.fullmatch(given) else uuid4().hex
    about = "".join(f"-{UUID(number).hex}" for number in visit.parameters)
    return f"console-{visit.me.user_id.hex}-{unique}{about}"


def start(visit: Visit, job_name: str, **details: object) -> StartResult:
    """Ask for a run of a job, by a person and with the form's request id."""
    return _send(visit, {"job_name": job_name, "trigger_id": trigger_of(visit), **details})


def release(visit: Visit, planned_by: str) -> StartResult:
    """Ask for the run that pauses the held mentors of an approved plan (G4).

    A plan has one such run, however often it is asked for; another one only after that has failed.
    """
    for attempt in range(1, 21):
        trigger = f"approval-{planned_by}" + (f"-{attempt}" if attempt > 1 else "")
        run = run_id_of("certification_expiry", visit.site.org_id, trigger)
        found = visit.call("get_check", p_job_run_id=str(run))
        row = found["check"] if found else None
        if row is None or row["status"] != "failed" or row["processed_count"] is None:
            return _send(
                visit,
                {
                    "job_name": "certification_expiry",
                    "trigger_id": trigger,
                    "releases": UUID(planned_by),
                },
            )
    raise Unavailable("the release has failed too often")


def _send(visit: Visit, fields: dict[str, object]) -> StartResult:
    request = DispatchRequest.model_validate(
        {**fields, "trigger": "manual", "requested_by": f"user {visit.me.user_id}"}
    )
    result = visit.site.start_run(request)
    visit.site.logger.info(
        "run asked for",
        extra={
            "job_name": request.job_name,
            "job_run_id": str(result.job_run_id),
            "outcome": result.outcome,
        },
    )
    return result
