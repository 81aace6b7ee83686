"""The checks and the unique indexes of a table are dropped, one at a time."""

import psycopg

from local.places import ROOT
from mutants.plan import removals

TABLE = ROOT / "supabase/schemas/tables/peer_mentors.sql"


def test_each_check_and_unique_index_is_dropped(db: psycopg.Connection) -> None:
    """PostgreSQL accepts each statement; a file without a table has none."""
    changes = list(removals(TABLE, db, 5))
    assert [(change.mutant.number, change.mutant.inside) for change in changes] == [
        (5, "public.peer_mentors peer_mentors_portal_key_check"),
        (6, "public.peer_mentors peer_mentors_portal_key_idx"),
        (7, "public.peer_mentors peer_mentors_status_check"),
    ]
    for change in changes:
        db.execute(change.statements.encode())
    assert list(removals(TABLE, db, 0)) == []
    assert list(removals(ROOT / "supabase/schemas/functions/make_plan.sql", db, 0)) == []
