"""Nights in a row with faults in each, and builds that only a second night shows to be broken.

`make faults-month` runs thirty nights for each seed.
"""

import pytest

from faults.month import run_month
from support.aws import Clients
from support.faked_clock import FakedCluster
from year.warnings.broken import Broken

_PAUSED_ONCE = Broken(
    r"m\.status = 'active' and m\.id > v_after",
    "m.status = 'active' and m.id > v_after and not exists (select"
    " from public.peer_mentor_status_history as h"
    " where h.mentor_id = m.id and h.reason = 'certification_expired')",
)
"""A mentor who was paused before is not listed when the next certification has expired."""

_SENT_AGAIN = Broken(
    r"(p_person_id|any\(v_ids\)) and m\.state in \('pending', 'no_address'\)",
    r"\1 and m.state in ('pending', 'no_address', 'sent', 'delivered')",
)
"""The next day's e-mail covers the messages of the day before once more."""

_SYNCED_ONCE = Broken("s.synced_version is distinct from m.version", "s.synced_version is null")
"""A mentor whom the portal has once is not sent to it again."""


def test_nights_in_a_row_lose_and_double_nothing(faked: FakedCluster, aws: Clients) -> None:
    """D6, E3, E7-E9, E11, H3, W3: the conservation check finds no violation, night after night."""
    assert run_month(0, faked, aws, nights=3).violations == []


@pytest.mark.proof
@pytest.mark.parametrize(
    ("breaks", "check", "seed", "nights"),
    [
        (_PAUSED_ONCE, ": everybody: ", 12, 2),
        (_SENT_AGAIN, ": sent again: ", 1, 2),
        (_SYNCED_ONCE, ": in line: ", 1, 3),
    ],
    ids=["paused once", "sent again", "synced once"],
)
def test_what_one_night_leaves_to_the_next_is_found(
    faked: FakedCluster, aws: Clients, breaks: Broken, check: str, seed: int, nights: int
) -> None:
    """By a check that is meant for it."""
    wrong = run_month(seed, faked, aws, nights, breaks=breaks).violations
    assert any(check in violation for violation in wrong)
