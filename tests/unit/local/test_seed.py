"""The made-up roster."""

from datetime import date
from uuid import UUID

import pytest

from local.seed import make_roster

TODAY = date(2026, 3, 1)
ORG = UUID(int=1)


def test_the_same_seed_gives_the_same_roster_and_another_seed_another() -> None:
    """A roster is deterministic."""
    assert make_roster(ORG, 200, 50, 1, TODAY) == make_roster(ORG, 200, 50, 1, TODAY)
    assert make_roster(ORG, 200, 50, 1, TODAY) != make_roster(ORG, 200, 50, 2, TODAY)


@pytest.mark.parametrize(("mentors", "expired"), [(0, 0), (1, 1), (10, 0), (300, 300), (1000, 120)])
def test_just_so_many_are_active_and_expired(mentors: int, expired: int) -> None:
    """By the latest certification, on or before the day."""
    roster = make_roster(ORG, mentors, expired, 1, TODAY)
    found = [
        m
        for m in roster.mentors
        if m.status == "active" and m.expiries and max(m.expiries) <= TODAY
    ]
    assert (len(roster.mentors), len(found)) == (mentors, expired)


def test_every_kind_of_mentor_is_there() -> None:
    """So that a night processes each kind."""
    roster = make_roster(ORG, 500, 100, 1, TODAY)
    assert {m.status for m in roster.mentors} == {"active", "paused", "inactive"}
    assert {len(m.expiries) for m in roster.mentors} == {0, 1, 2}
    assert any(min(m.expiries) <= TODAY < max(m.expiries) for m in roster.mentors if m.expiries)


def test_more_expired_than_mentors_is_an_error() -> None:
    """One sentence."""
    with pytest.raises(ValueError, match="4 of 3 mentors cannot be expired"):
        make_roster(ORG, 3, 4, 1, TODAY)
