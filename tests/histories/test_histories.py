"""The histories that every change must pass; `make histories` runs 10,000."""

import psycopg
import pytest

from histories.history import live
from support.roster import Roster


@pytest.mark.parametrize("first", range(0, 80, 20))
def test_the_product_does_in_each_step_what_the_oracle_says(
    db: psycopg.Connection, roster: Roster, first: int
) -> None:
    """G1, G2, G4 to G6: plans, holds, approvals, releases, withdrawals and stories."""
    roster.make_it(12)
    for seed in range(first, first + 20):
        live(seed, db)
