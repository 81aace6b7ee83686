"""The made-up roster."""

from dataclasses import replace
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


def test_who_has_expired_was_warned_of_that_date_at_every_stage() -> None:
    """W1: also mentors who are paused or inactive; a valid certification has no warnings yet."""
    roster = make_roster(ORG, 500, 100, 1, TODAY)
    for mentor in roster.mentors:
        warned = list(mentor.warnings(TODAY))
        is_expired = bool(mentor.expiries) and max(mentor.expiries) <= TODAY
        assert [w.stage for w in warned] == ([90, 30, 14, 7] if is_expired else [])
        assert all(w.expires_on == max(mentor.expiries) for w in warned)
        assert all((w.expires_on - w.warned_on).days == w.stage for w in warned)


def test_the_date_of_an_unforeseen_mentor_was_moved_and_the_others_stay_the_same() -> None:
    """G2: they are active and expired, and were warned of the date that was moved, or of none."""
    plain = make_roster(ORG, 500, 60, 1, TODAY)
    roster = make_roster(ORG, 500, 60, 1, TODAY, unforeseen=40)
    moved = [m for m in roster.mentors if m.moved_from is not None]
    assert len(moved) == 40
    assert all(m.is_expired_by(TODAY) for m in moved)
    assert [replace(m, moved_from=None) for m in roster.mentors] == list(plain.mentors)
    stages = {len(list(m.warnings(TODAY))) for m in moved}
    assert {0, 1, 2} <= stages
    for mentor in moved:
        assert all(w.expires_on == mentor.moved_from for w in mentor.warnings(TODAY))
        assert mentor.moved_from is not None
        assert mentor.moved_from > TODAY


def test_more_unforeseen_than_expired_mentors_is_an_error() -> None:
    """One sentence."""
    with pytest.raises(ValueError, match="3 of 2 expired mentors cannot be unforeseen"):
        make_roster(ORG, 3, 2, 1, TODAY, unforeseen=3)
