"""Starts runs through the dispatcher, and reads a run's errored mentors from the ledger.

Both load AWS's client when they are first used: most pages need neither.
"""

from collections.abc import Sequence
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING
from uuid import UUID

from mentor_pause import config
from mentor_pause.domain.messages import DispatchRequest
from mentor_pause.domain.run_starts import StartResult, parse_answer
from mentor_pause.domain.runs import run_id_of
from mentor_pause.domain.summary import settle
from mentor_pause.errors import DispatcherUnavailable

if TYPE_CHECKING:
    from mentor_pause.aws.dispatcher_client import DispatcherClient
    from mentor_pause.ledger.runs import Ledger

DISPATCHER_SECONDS = 15.0
CONNECT_SECONDS = 4.0
MOST_ERRORED = 200
"""How many errored mentors a page names."""


@cache
def _dispatcher() -> "DispatcherClient":
    from mentor_pause.aws import clients  # noqa: PLC0415 - see above
    from mentor_pause.aws.dispatcher_client import DispatcherClient  # noqa: PLC0415 - see above

    function = config.ConsoleSettings.load().dispatcher_function
    longest = DISPATCHER_SECONDS + CONNECT_SECONDS
    return DispatcherClient(clients.lambda_client(DISPATCHER_SECONDS), function, longest)


@cache
def _ledger() -> "Ledger":
    from mentor_pause.bootstrap import open_ledger  # noqa: PLC0415 - see above

    return open_ledger()


def start_run(request: DispatchRequest) -> StartResult:
    """Have the dispatcher start a run. A repeated request names the same run, and starts no other.

    The outcome is `unknown` if the dispatcher did not say what happened; the run may have begun.
    """
    org_id = config.OrgSettings.load().hlf_org_id
    job_run_id = run_id_of(
        request.job_name, org_id, str(request.trigger_id), dry_run=request.dry_run
    )
    try:
        answer = _dispatcher()(request)
    except DispatcherUnavailable:
        return StartResult("unknown", job_run_id)
    if answer is None or answer.get("status") in ("superseded", "duplicate"):
        return StartResult("started", job_run_id)
    return parse_answer(job_run_id, answer)


def list_errored(job_run_id: UUID) -> Sequence[UUID] | None:
    """Return the first errored mentors of a run; None: the ledger has removed the run.

    Raises:
        LedgerUnavailable: the ledger did not answer.
    """
    ledger = _ledger()
    run = ledger.find_run(job_run_id)
    if run is None:
        return None
    pages = ledger.pages.read(job_run_id, range(1, run.pages_planned + 1))
    ended = (page for page in pages if page.outcome or run.status != "running")
    return list(islice((m for page in ended for m in settle(run, page).errored), MOST_ERRORED))
