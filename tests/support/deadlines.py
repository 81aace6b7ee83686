"""Calls of the database that have to end within their budget."""

import time
from collections.abc import Generator
from contextlib import contextmanager

import pytest

from mentor_pause.errors import DatabaseUnavailable
from mentor_pause.retry import time_limit
from support.roster import ORG

BUDGET = 0.6
SCOPE = {"p_org_id": ORG, "p_slug": "hlf"}


@contextmanager
def ends_in_time(sentence: str, budget: float = BUDGET) -> Generator[None]:
    """Check that the block fails as unavailable within its budget."""
    began = time.monotonic()
    with time_limit(budget), pytest.raises(DatabaseUnavailable, match=sentence) as raised:
        yield
    assert time.monotonic() - began < budget + 0.4
    assert (raised.value.__cause__, raised.value.__context__) == (None, None)
