"""Checks which other run a request may name: to redrive, release or withdraw it (D7, G4, G5)."""

from mentor_pause.domain.messages import DispatchRequest
from mentor_pause.errors import InvalidRequest

_EXPIRY, _WITHDRAWAL = "certification_expiry", "withdrawal"


def assert_other_run(request: DispatchRequest) -> None:
    """Accept a request that names at most one other run, and the one that its job needs.

    Raises:
        InvalidRequest: says what is wrong.
    """
    named = [request.redrive_of, request.releases, request.withdraws]
    if sum(run is not None for run in named) > 1:
        raise InvalidRequest("name one run: redrive_of, releases or withdraws")
    if request.releases is not None and (
        request.job_name != _EXPIRY or request.dry_run or request.as_of is not None
    ):
        raise InvalidRequest(
            f"releases is for a real run of {_EXPIRY}, which keeps the day of the plan"
        )
    if request.withdraws is not None and (
        request.job_name != _WITHDRAWAL or request.as_of is not None
    ):
        raise InvalidRequest(f"withdraws is for the job {_WITHDRAWAL}, which has no other day")
    if request.job_name == _WITHDRAWAL and not (request.withdraws or request.redrive_of):
        raise InvalidRequest("a withdrawal needs withdraws, the run whose pauses it takes back")
