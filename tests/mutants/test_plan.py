"""Which statements change a table, and which functions tell that a policy is in use."""

import psycopg

from local.places import ROOT
from mutants.plan import Callers, removals

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


def test_a_policy_is_in_use_where_its_functions_are_called() -> None:
    """Also those of the policies of the tables that it reads."""
    callers = Callers()
    assert callers.in_policies("public.chapters") == {"private.my_orgs"}
    assert callers.in_policies("public.warnings") == callers.in_policies("public.peer_mentors")
    assert callers.in_policies("public.warnings") >= {"private.my_admin_orgs", "private.user_id"}
    assert callers.in_policies("public.no_such_table") == set()
