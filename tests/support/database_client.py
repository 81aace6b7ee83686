"""Calls of the database client that tests share."""

from uuid import UUID, uuid4

from mentor_pause.database.client import Database
from support.roster import ORG, TODAY


def pause(database: Database, mentor: UUID, run: UUID | None = None, *, dry: bool = False) -> str:
    """Pause a mentor and return the outcome."""
    return database.pause_expired(mentor, ORG, run or uuid4(), TODAY, dry_run=dry).outcome
