"""CONTRIBUTING.md, typed on the local stack (walk=contributing)."""

import psycopg
import pytest

from support.deployed import Deployed
from support.documents import Shell, walk

pytestmark = pytest.mark.xdist_group("stack")


def test_the_page_for_contributors_can_be_typed(
    deployed: Deployed, owner: psycopg.Connection, shell: Shell
) -> None:
    """One test by its name; one function in the shell's own process, with its answer."""
    typed = [shell.type(block.text) for block in walk("contributing")]
    assert [done.code for done in typed] == [0] * len(typed), typed
    assert '"night_missed": ' in typed[-1].out
