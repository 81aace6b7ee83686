"""Names the run in every log line about it (docs/decisions/0051)."""

from collections.abc import Generator
from contextlib import contextmanager
from uuid import UUID

from aws_lambda_powertools import Logger

_KEY = "job_run_id"


@contextmanager
def naming_run_in_log(logger: Logger, job_run_id: UUID) -> Generator[None]:
    """Add the run's id to all log lines in this block.

    A run can complete another one. So an outer block's run is named again after this block, which
    Powertools' own `append_context_keys` does not do.
    """
    outer = logger.get_current_keys().get(_KEY)
    logger.append_keys(**{_KEY: str(job_run_id)})
    try:
        yield
    finally:
        if outer is None:
            logger.remove_keys([_KEY])
        else:
            logger.append_keys(**{_KEY: outer})
