"""The stand-in for PostgREST shares few connections among many requests, as PostgREST does."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import httpx
import psycopg
import pytest

from local.database import create_database
from local.processes import wait_until
from local.rest_calls import Rest
from local.rest_pool import SIZE, Pool
from local.supabase import serving
from local.supabase_project import Project, make_project
from support.cluster import Cluster
from support.roster import Roster
from support.supabase import ask, call, error, refusal, visitor

LOCK = 20
WAITERS = "select count(*) from pg_locks where locktype = 'advisory' and not granted"
CONNECTIONS = "select count(*) from pg_stat_activity where datname = current_database()"


def test_more_requests_than_connections(client: httpx.Client, roster: Roster) -> None:
    """Each is answered; the database never sees more than ten of them."""
    roster.db.execute(
        f"create function wait() returns void language sql as"
        f" 'select pg_advisory_xact_lock_shared({LOCK})'".encode()
    )
    roster.db.execute("select pg_advisory_lock(%s)", (LOCK,))
    with ThreadPoolExecutor(50) as people:
        answers = [people.submit(call, client, "wait") for _ in range(50)]
        wait_until(lambda: count(roster, WAITERS) == SIZE, 30, "the calls do not wait")
        assert count(roster, CONNECTIONS) == SIZE + 1
        roster.db.execute("select pg_advisory_unlock(%s)", (LOCK,))
        assert {answer.result().status_code for answer in answers} == {204}
    assert count(roster, CONNECTIONS) == SIZE + 1


@pytest.fixture
def small(
    project: Project, roster: Roster, cluster: Cluster
) -> Iterator[tuple[Pool, httpx.Client]]:
    """A project with one connection, which a request awaits only briefly."""
    pool = Pool(cluster.server.url(str(roster.db.info.dbname)), size=1, patience=0.05)
    project.auth.connections = pool
    with (
        serving(replace(project, pool=pool, rest=Rest(pool, None))) as url,
        visitor(url) as client,
    ):
        yield pool, client


def test_no_connection_is_free_in_time(small: tuple[Pool, httpx.Client]) -> None:
    """Error.hs: PGRST003. Afterwards the pool works as before."""
    pool, client = small
    with pool.transaction():
        assert error(call(client, "list_my_messages")) == (504, "PGRST003")
        assert refusal(ask(client)) == (500, "unexpected_failure")
    assert ask(client).status_code == 200


def test_a_database_that_is_made_anew(cluster: Cluster) -> None:
    """As `mentor-pause local seed` does it, which ends the pool's connections."""
    name = cluster.clone()
    owner_url = cluster.server.url(name)
    with serving(make_project(owner_url)) as url, visitor(url) as client:
        for age in ("old", "new"):
            create_database(cluster.server.url("postgres"), name)
            with psycopg.connect(owner_url) as owner:
                owner.execute(f"create function age() returns text return '{age}'".encode())
            answers = [call(client, "age") for _ in range(3)]
            assert [answer.json() for answer in answers] == [age] * 3


def count(roster: Roster, query: str) -> int:
    """Return a number that the database says."""
    row = roster.db.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


def test_a_connection_that_comes_back_late_is_closed(roster: Roster, cluster: Cluster) -> None:
    """A request may be on its way when the project ends."""
    pool = Pool(cluster.server.url(str(roster.db.info.dbname)))
    with pool.transaction() as connection:
        pool.close()
        assert not connection.closed
    assert connection.closed
