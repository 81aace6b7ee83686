"""The nightly job inside the database."""

from datetime import date
from typing import Any
from uuid import UUID

from support.roster import ORG, Records


def run(roster: Records, as_of: date | None = None, org_id: UUID = ORG) -> dict[str, Any]:
    """Call the function as pg_cron does."""
    (row,) = roster.rows("select * from run_certification_expiry(%s, %s)", org_id, as_of)
    return row
