"""One server whose clock can be set, for all tests of the simulated nights."""

from collections.abc import Iterator

import pytest

from support.faked_clock import FakedCluster, open_faked_cluster


@pytest.fixture(scope="session")
def faked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakedCluster]:
    """A server of its own; without libfaketime the test is skipped with a notice."""
    with open_faked_cluster(tmp_path_factory.mktemp("faked")) as found:
        yield found
