"""Fixtures: a real PostgreSQL, a database of its own for each test; moto inside the process."""

from collections.abc import Iterator

import psycopg
import pytest
from hypothesis import HealthCheck, settings

from support.cluster import Cluster, open_cluster
from support.night import Clients, open_clients
from support.roster import Roster

settings.register_profile(
    "mentor-pause",
    deadline=None,  # each example talks to a database
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("mentor-pause")


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A server with Supabase's roles and a migrated template database."""
    with open_cluster(tmp_path_factory.mktemp("postgres")) as found:
        yield found


@pytest.fixture
def db(cluster: Cluster) -> Iterator[psycopg.Connection]:
    """The owner's connection to a fresh database."""
    with cluster.database() as connection:
        yield connection


@pytest.fixture
def roster(db: psycopg.Connection) -> Roster:
    """Helpers that put mentors into the database."""
    return Roster(db)


@pytest.fixture(scope="session")
def aws() -> Iterator[Clients]:
    """AWS as moto plays it, inside this process."""
    with open_clients() as found:
        yield found
