"""Faults of single rows: an adopter's own trigger fails."""

from typing import LiteralString
from uuid import UUID

from psycopg import sql

from support.roster import Roster


def fail_with(roster: Roster, mentor: UUID, sqlstate: LiteralString) -> None:
    """Let an adopter's own trigger fail for one mentor."""
    roster.db.execute(
        sql.SQL(
            "create function public.odd() returns trigger language plpgsql as"
            " $$ begin raise exception 'odd' using errcode = {}; end $$"
        ).format(sqlstate)
    )
    roster.db.execute(
        sql.SQL(
            "create trigger odd before update on peer_mentors for each row"
            " when (old.id = {}) execute function public.odd()"
        ).format(mentor)
    )
