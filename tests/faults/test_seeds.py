"""The seeds that every change must pass; `make faults` runs more, and CI thirty."""

from collections.abc import Callable

import pytest

from faults.brake import run_brake_seed
from faults.seeds import Verdict, run_seed
from support.aws import Clients
from support.cluster import Cluster
from support.light_aws import light_clients

SEEDS = (*range(8), 57, 40248, 100785, 105511)
"""The last four found a request that was lost, a page whose planning landed late, a run that its
trigger opened while another dispatcher ended its row, and an id that was twice in a summary."""


@pytest.mark.parametrize("seed", SEEDS)
def test_a_night_in_a_storm_loses_and_doubles_nothing(
    cluster: Cluster, aws: Clients, seed: int
) -> None:
    """E3, E7-E9, E11, D4, D6, D7: the conservation check finds no violation."""
    assert run_seed(seed, cluster, aws).violations == []


@pytest.mark.parametrize("run", [run_seed, run_brake_seed])
def test_a_night_on_the_light_stand_ins_is_the_same(
    cluster: Cluster, aws: Clients, run: Callable[[int, Cluster, Clients], Verdict]
) -> None:
    """`make faults` runs on them: each fault is injected as often, and at the same seams."""
    light, moto = (run(4, cluster, clients) for clients in (light_clients(), aws))
    assert light.counts == moto.counts
    assert light.violations == moto.violations == []
