"""Writes the day's warnings at the end of a certification expiry run (W1).

The database writes each warning once, so a repeated call adds nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from mentor_pause.database.client import Database
from mentor_pause.domain.runs import Run
from mentor_pause.engine.notifications import in_batches
from mentor_pause.ledger.clock import Clock

MOST, LEAST = 20_000, 500
"""Warnings in one call; a call that takes too long is repeated with a tenth of them."""

_JOB = "certification_expiry"
_OLDEST = timedelta(days=1)
"""A run for an earlier day warns nobody: its stages would be those of that day."""


@dataclass(frozen=True, slots=True)
class ExpiryWarnings:
    """Writes warnings."""

    database: Database
    clock: Clock
    most: int = MOST

    def write(self, run: Run) -> Iterator[int]:
        """Write the warnings of the run's day, some at each step.

        Yields:
            How many were written, after each step but the last one.

        Raises:
            DatabaseError: the database refuses the call.
            RetryableDatabaseError: the same call may succeed later.
        """
        trigger = run.trigger
        if trigger.job_name != _JOB or trigger.dry_run:
            return
        today = self.database.get_org_day(trigger.org_id, self.clock())
        if run.as_of < today - _OLDEST:
            return

        def warn(limit: int) -> int:
            return self.database.write_warnings(trigger.org_id, run.as_of, limit)

        for limit, written in in_batches(warn, self.most, LEAST):
            if written < limit:
                return
            yield written
