"""The seeds that every change must pass; `make faults` runs more, and CI thirty."""

import pytest

from faults.seeds import run_seed
from support.aws import Clients
from support.cluster import Cluster

SEEDS = (*range(8), 57, 40248, 100785)
"""The last three found a request that was lost, a page whose planning landed late, and a run that
its trigger opened while another dispatcher ended its row."""


@pytest.mark.parametrize("seed", SEEDS)
def test_a_night_in_a_storm_loses_and_doubles_nothing(
    cluster: Cluster, aws: Clients, seed: int
) -> None:
    """E3, E7-E9, E11, D4, D6, D7: the conservation check finds no violation."""
    assert run_seed(seed, cluster, aws).violations == []
