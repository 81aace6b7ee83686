"""Nights in mode hold, and builds whose brake is broken on purpose (G2 to G5)."""

from collections.abc import Sequence

import pytest

from faults.brake import run_brake_seed
from support.aws import Clients
from support.cluster import Cluster
from year.warnings.broken import Broken

_NO_BRAKE = Broken("return 'held';", "return null;")
_UNTOLD = Broken(
    r"array\(select p\.mentor_id from page as p\)",
    "array(select p.mentor_id from page as p where p.kind <> 'resumed')",
)
"""Coordinators hear nothing of the mentors whom a withdrawal resumed."""
_WRONG_LIST = Broken("e.job_run_id = v_plan and e.action = 'pause'", "e.job_run_id = v_plan")


@pytest.mark.parametrize("seed", [*range(6), 100687])
def test_nobody_is_paused_or_resumed_without_approval(
    cluster: Cluster, aws: Clients, seed: int
) -> None:
    """One run releases a plan, however often it is asked for, and whatever fails.

    The last seed found a withdrawal that nobody went on with for six hours.
    """
    assert run_brake_seed(seed, cluster, aws).violations == []


def test_a_wrong_list_pauses_nobody(cluster: Cluster, aws: Clients) -> None:
    """If a run lists the held mentors too, the transition still refuses them."""
    for seed in range(4):
        assert run_brake_seed(seed, cluster, aws, [_WRONG_LIST]).violations == []


@pytest.mark.proof
@pytest.mark.parametrize(
    ("breaks", "checks"),
    [
        ((_WRONG_LIST, _NO_BRAKE), {"approved"}),
        ((Broken("then null else 'changed_since' end", "then null else null end"),),
         {"approved", "released"}),
        ((Broken("p_withdrawn is distinct from", "false and null ="),), {"withdrawn"}),
        ((Broken("v_newest.plan_hash is distinct from v_approved", "false"),), {"stale"}),
        ((Broken(r"same\.warned_on <= p_as_of", "same.warned_on > p_as_of"),), {"forewarned"}),
    ],
    ids=["no brake", "release", "withdrawal", "old approval", "forewarned"],
)  # fmt: skip
def test_a_broken_brake_is_found(
    cluster: Cluster, aws: Clients, breaks: Sequence[Broken], checks: set[str]
) -> None:
    """By a check that is meant for it, within twelve seeds."""
    assert any(checks & _failing(seed, cluster, aws, breaks) for seed in range(12))


@pytest.mark.proof
def test_a_withdrawal_that_no_coordinator_hears_of_is_found(cluster: Cluster, aws: Clients) -> None:
    """E11, G5: the conservation check looks at the messages of a withdrawal too."""
    assert "notified_once" in _failing(5, cluster, aws, [_UNTOLD])


def _failing(seed: int, cluster: Cluster, aws: Clients, breaks: Sequence[Broken]) -> set[str]:
    wrong = run_brake_seed(seed, cluster, aws, breaks).violations
    return {violation.split(": ")[1] for violation in wrong}
