"""Seeds of portal syncs that each change must survive; `make portal-seeds` runs more."""

import pytest

from portal_seeds.seed import run_seed
from support.aws import Clients
from support.cluster import Cluster


@pytest.mark.parametrize("seed", range(6))
def test_after_a_sync_without_faults_portal_and_database_agree(
    cluster: Cluster, aws: Clients, seed: int
) -> None:
    """H1, H3: after edits by HLF and faults during the earlier syncs."""
    assert run_seed(seed, cluster, aws) == []
