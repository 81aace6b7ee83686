"""Calls the dispatcher, and reads a run's errored mentors from the ledger.

Both load AWS's client when they are first used: most pages need neither.
"""

from collections.abc import Sequence
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING
from uuid import UUID

from mentor_pause import config
from mentor_pause.domain.messages import DispatchRequest
from mentor_pause.domain.summary import settle

if TYPE_CHECKING:
    from mentor_pause.aws.dispatcher_client import DispatcherClient
    from mentor_pause.ledger.runs import Ledger

MOST_ERRORED = 200
"""How many errored mentors a page names."""


@cache
def _dispatcher() -> "DispatcherClient":
    from mentor_pause.aws.dispatcher_client import open_dispatcher  # noqa: PLC0415 - see above

    return open_dispatcher(config.ConsoleSettings.load().dispatcher_function)


@cache
def _ledger() -> "Ledger":
    from mentor_pause.bootstrap import open_ledger  # noqa: PLC0415 - see above

    return open_ledger()


def dispatch(request: DispatchRequest) -> dict[str, str] | None:
    """Send a request to the dispatcher; see `DispatcherClient`."""
    return _dispatcher()(request)


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
