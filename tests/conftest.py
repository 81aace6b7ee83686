"""Fixtures: a real PostgreSQL with a fresh database for each test, and moto inside the process."""

import signal
from collections.abc import Collection, Iterator

import psycopg
import pytest
from hypothesis import HealthCheck, settings

from support.aws import Clients, open_clients
from support.cluster import Cluster, open_cluster
from support.faked_clock import FakedCluster, open_faked_cluster
from support.roster import Roster

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell lets background processes ignore Ctrl-C, and so would the programs that a test starts.
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile(
    "mentor-pause",
    deadline=None,  # each example talks to a database
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("mentor-pause")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add options that choose tests for another PostgreSQL."""
    parser.addoption("--database-only", action="store_true", help="only tests on a PostgreSQL")
    parser.addoption("--first-case", action="store_true", help="one case of each test function")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the tests that ask for a PostgreSQL; start the groups first, then the slow tests.

    The tests of a group run one after the other in one process. If a group or a slow test starts
    late, its process is the last to finish.
    """
    if config.getoption("--database-only"):
        _keep(config, items, [item for item in items if _asks_for_a_server(item)])
    if config.getoption("--first-case"):
        _keep(
            config,
            items,
            {item.nodeid.partition("[")[0]: item for item in reversed(items)}.values(),
        )
    items.sort(key=_turn)


def _keep(config: pytest.Config, items: list[pytest.Item], wanted: Collection[pytest.Item]) -> None:
    kept = [item for item in items if item in wanted]
    config.hook.pytest_deselected(items=[item for item in items if item not in wanted])
    items[:] = kept


def _turn(item: pytest.Item) -> list[bool]:
    return [item.get_closest_marker(name) is None for name in ("xdist_group", "slow")]


def _asks_for_a_server(item: pytest.Item) -> bool:
    servers = {"cluster", "cron", "faked"}
    return isinstance(item, pytest.Function) and not servers.isdisjoint(item.fixturenames)


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A server with Supabase's roles and a migrated template database."""
    with open_cluster(tmp_path_factory.mktemp("postgres")) as found:
        yield found


@pytest.fixture(scope="session")
def faked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakedCluster]:
    """A server of its own, whose clock a test sets; without libfaketime the test is skipped."""
    with open_faked_cluster(tmp_path_factory.mktemp("faked")) as found:
        yield found


@pytest.fixture
def db(cluster: Cluster, request: pytest.FixtureRequest) -> Iterator[psycopg.Connection]:
    """The owner's connection to a fresh database."""
    with cluster.database(with_organisation="roster" in request.fixturenames) as connection:
        yield connection


@pytest.fixture
def roster(db: psycopg.Connection) -> Roster:
    """Helpers that put mentors into the database."""
    return Roster(db)


@pytest.fixture(scope="session")
def aws() -> Iterator[Clients]:
    """The AWS clients of moto, inside this process."""
    with open_clients() as found:
        yield found
