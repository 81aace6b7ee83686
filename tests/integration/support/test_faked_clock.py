"""The server whose clock a test sets."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from support.faked_clock import FakedCluster, open_faked_cluster

AT = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)
A_MOMENT = timedelta(minutes=1)
"""For a busy machine."""


@pytest.fixture(scope="module")
def faked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakedCluster]:
    """A server for this file."""
    with open_faked_cluster(tmp_path_factory.mktemp("faked")) as found:
        yield found


def present(db: psycopg.Connection) -> datetime:
    """Return the server's present moment."""
    ((found,),) = db.execute("select clock_timestamp()")
    return found


def test_a_server_has_the_time_that_a_test_sets(faked: FakedCluster) -> None:
    """An open session sees each new setting at once, also an earlier one."""
    with faked.cluster.database() as db:
        assert abs(present(db) - datetime.now(UTC)) < A_MOMENT
        for moment in (AT, AT + timedelta(days=400), AT - timedelta(seconds=10)):
            faked.clock.set(moment)
            assert timedelta() <= present(db) - moment < A_MOMENT
        faked.clock.skew(timedelta())
        assert abs(present(db) - datetime.now(UTC)) < A_MOMENT


def test_a_statement_is_ended_in_time_whatever_the_clock_says(faked: FakedCluster) -> None:
    """A time-out counts real seconds."""
    faked.clock.set(AT)
    with faked.cluster.database() as db:
        db.execute("set statement_timeout = 200")
        with pytest.raises(psycopg.errors.QueryCanceled):
            db.execute("select pg_sleep(30)")
