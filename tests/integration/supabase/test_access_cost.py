"""The coordinator queries at 100,000 mentors and 2,000 coordinators (S4)."""

import json
from collections.abc import Iterator
from typing import LiteralString
from uuid import UUID

import psycopg
import pytest
from psycopg import sql

from bench.access import coordinator, load
from support.cluster import Cluster
from support.plans import Plans, most_rows

pytestmark = pytest.mark.xdist_group("large")  # it is loaded once


class Large:
    """A large roster, queried by one of its coordinators.

    It returns the plans of nested statements, too.
    """

    def __init__(self, db: psycopg.Connection, coordinator_id: UUID, mentor_id: UUID) -> None:
        """`mentor_id` is one of the coordinator's mentors."""
        self._db = db
        self._coordinator_id = coordinator_id
        self._mentor_id = mentor_id
        self._plans = Plans(db)

    def plans(self, query: LiteralString) -> list[str]:
        """Run a query as the coordinator, and return the plans of all its statements."""
        self._plans.take()
        claims = json.dumps({"sub": str(self._coordinator_id)})
        with self._db.transaction():
            self._db.execute(
                "select set_config('request.jwt.claims', %s, true),"
                " set_config('role', 'authenticated', true)",
                (claims,),
            )
            named = {
                "coordinator": sql.Literal(str(self._coordinator_id)),
                "mentor": sql.Literal(str(self._mentor_id)),
            }
            assert self._db.execute(sql.SQL(query).format(**named)).fetchall()
        return self._plans.take()


@pytest.fixture(scope="module")
def large(cluster: Cluster) -> Iterator[Large]:
    """100,000 mentors and 2,001 coordinators."""
    with cluster.database() as db:
        roster, mentor = load(cluster.server.url(str(db.info.dbname)))
        assert (len(roster.mentors), len(roster.coordinators)) == (100_000, 2001)
        yield Large(db, coordinator(roster), mentor)


@pytest.mark.parametrize(
    "query",
    [
        "select * from coordinator_mentor_statuses({coordinator})",
        "select * from coordinator_mentor_statuses({coordinator}, p_limit => 5)",
        "select * from coordinator_mentor_certifications({coordinator}, {mentor})",
        "select * from coordinator_mentor_history({coordinator}, {mentor})",
    ],
)
def test_a_coordinator_query_reads_by_index_and_no_more_than_it_needs(
    large: Large, query: LiteralString
) -> None:
    """S4, S7: no query reads a table that grows with the roster as a whole."""
    plans = large.plans(query)
    assert any("Index" in plan for plan in plans)
    for plan in plans:
        assert "Seq Scan" not in plan.replace("Seq Scan on org_members", ""), plan
        assert most_rows(plan) < 500, plan


@pytest.mark.parametrize(
    "query",
    ["select * from peer_mentors", "select * from peer_mentor_status_history"],
)
def test_a_policy_asks_once_and_hashes_the_answer(large: Large, query: LiteralString) -> None:
    """S4: a policy does not run its subquery for each row."""
    (asked,) = [plan for plan in large.plans(query) if f"Query Text: {query}" in plan]
    assert "hashed SubPlan" in asked
    assert "loops=1" in asked
    assert not [
        line for line in asked.splitlines() if "ProjectSet" in line and "loops=1)" not in line
    ]


@pytest.mark.parametrize(
    "query",
    [
        "select * from peer_mentors where id = {mentor}",
        "select * from certifications where mentor_id = {mentor}",
        "select * from peer_mentor_status_history where mentor_id = {mentor}",
    ],
)
def test_one_mentors_rows_are_found_by_index_through_the_policy(
    large: Large, query: LiteralString
) -> None:
    """S4: the policy does not hide the caller's own condition from the planner."""
    asked = large.plans(query)[-1]
    assert "Index" in asked
    assert "Seq Scan" not in asked
