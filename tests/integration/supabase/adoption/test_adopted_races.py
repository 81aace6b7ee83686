"""Two changes of an adopter's tables at the same moment keep ours in step (R6, S4)."""

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psycopg
import pytest

from support.adoption import Adoption, account_id
from support.cluster import Cluster

pytestmark = pytest.mark.xdist_group("adoption")  # one project is adopted once for all of them
BOSS = account_id(1)
DEMOTE = "update officers set kind = 'cashier' where login = public.account(1)"
PROMOTE = "update officers set kind = 'boss' where login = public.account(1)"
TOUCH = "update officers set kind = kind where login = public.account(9)"


@contextmanager
def _session(valley: Adoption, cluster: Cluster) -> Generator[psycopg.Connection]:
    url, patience = cluster.server.url(valley.db.info.dbname), "-c statement_timeout=20s"
    with psycopg.connect(url, options=patience) as connection:
        yield connection


def _race(valley: Adoption, cluster: Cluster, first: str, second: str) -> None:
    """Commit the first change when the second one waits for it."""
    blocked = "select from pg_stat_activity where pid = %s and wait_event_type = 'Lock'"
    with (
        _session(valley, cluster) as early,
        _session(valley, cluster) as late,
        ThreadPoolExecutor(1) as pool,
    ):
        early.execute(first.encode())
        done = pool.submit(lambda: (late.execute(second.encode()), late.commit()))
        while not valley.db.execute(blocked, (late.info.backend_pid,)).fetchall():
            assert not done.done(), "the second change did not wait"
        early.commit()
        done.result()


def test_an_administrator_who_is_demoted_does_not_come_back(
    valley: Adoption, cluster: Cluster
) -> None:
    """The change of another member began before it could see the demotion."""
    try:
        _race(valley, cluster, DEMOTE, TOUCH)
        left = valley.db.execute("select from org_members where user_id = %s", (BOSS,)).fetchall()
        assert (left, valley.findings()) == ([], [])
    finally:
        valley.db.execute(PROMOTE.encode())


def test_a_demotion_is_not_undone_by_an_older_snapshot(valley: Adoption, cluster: Cluster) -> None:
    """A transaction with an older snapshot fails, and can be tried again."""
    with _session(valley, cluster) as late:
        late.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        late.execute("select 1")
        valley.db.execute(DEMOTE.encode())
        try:
            with pytest.raises(psycopg.errors.SerializationFailure):
                late.execute(TOUCH.encode())
        finally:
            late.rollback()
            valley.db.execute(PROMOTE.encode())


def test_a_chapter_that_is_deleted_does_not_come_back(valley: Adoption, cluster: Cluster) -> None:
    """The change of another chapter began before it could see the deletion."""
    valley.db.execute("insert into sections values ('E', 'East')")
    touch = "update sections set label = label where code = 'N'"
    _race(valley, cluster, "delete from sections where code = 'E'", touch)
    chapters = valley.db.execute("select name from chapters order by name").fetchall()
    valley.db.execute(touch.encode())
    assert chapters == [("North",), ("South",)]
