"""Databases that are broken on purpose: the histories notice each of them."""

import psycopg
import pytest

from histories.history import live
from support.roster import Roster
from year.warnings.broken import Broken

pytestmark = pytest.mark.proof

BROKEN = {
    "the transition ignores the brake": Broken("return 'held';", "return null;"),
    "a release ignores changes": Broken(
        "then null else 'changed_since' end", "then null else null end"
    ),
    "a withdrawal ignores changes": Broken("p_withdrawn is distinct from", "false and null ="),
    "an old approval holds": Broken("v_newest.plan_hash is distinct from v_approved", "false"),
    "an old hash can be approved": Broken("or v_newest.plan_hash <> v_plan.plan_hash", ""),
    "a warning of another date counts": Broken(r"w\.expires_on = asked\.expires_on", "true"),
    "the plan of a dry run releases": Broken(r"\(p_dry_run or not p\.dry_run\)", "true"),
    "an older plan releases whom the newest holds": Broken(
        "e.action = 'hold' and e.version", "false and e.version"
    ),
    "a late warning counts": Broken(r"p_as_of - private\.forewarned_days\(\)", "p_as_of - 6"),
    "who asked may approve": Broken("and l.triggered_by = v_approver", "and false"),
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_a_broken_build_is_noticed(db: psycopg.Connection, roster: Roster, broken: Broken) -> None:
    """Within four hundred histories."""
    roster.make_it(12)
    broken(db)
    with pytest.raises(AssertionError):
        _live_all(range(400), db)


def _live_all(seeds: range, db: psycopg.Connection) -> None:
    for seed in seeds:
        live(seed, db)
