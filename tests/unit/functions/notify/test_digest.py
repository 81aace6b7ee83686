"""What a digest accepts."""

from typing import Any

import pytest

from support.digests import LATER, TODAY, digest


def test_a_digest_that_says_nothing_is_refused() -> None:
    """Nobody gets an empty e-mail."""
    with pytest.raises(ValueError, match="nothing to say"):
        digest()
    with pytest.raises(ValueError, match="nothing to say"):
        digest(unreachable_count=1, first_expires_on=LATER)


@pytest.mark.parametrize(
    "values",
    [
        {"own_paused_on": TODAY},
        {"own_expires_on": LATER},
        {"paused_count": 1},
        {"renewed_count": 1},
        {"expiring_count": 1, "first_expires_on": LATER},
        {"held_count": 1},
        {"own_resumed_on": TODAY},
        {"resumed_count": 1},
        {"unforeseen_count": 1},
    ],
)
def test_each_message_alone_is_a_digest(values: dict[str, Any]) -> None:
    """A day, or a count."""
    assert digest(**values)


@pytest.mark.parametrize(
    "count",
    [
        "paused_count", "renewed_count", "expiring_count", "held_count", "resumed_count",
        "unforeseen_count", "unreachable_count",
    ],
)  # fmt: skip
def test_a_negative_count_is_refused(count: str) -> None:
    """It is a mistake of the database."""
    with pytest.raises(ValueError, match="negative"):
        digest(own_paused_on=TODAY, first_expires_on=LATER, **{count: -1})


def test_expiring_mentors_need_a_first_day() -> None:
    """The e-mail names it."""
    with pytest.raises(ValueError, match="no first day"):
        digest(expiring_count=1)


def test_a_warning_is_left_out_once_its_pause_has_happened() -> None:
    """Both can be in one digest if the e-mail of the warning was late."""
    assert digest(own_paused_on=TODAY, own_expires_on=TODAY).own_warned_of is None
    assert digest(own_paused_on=TODAY, own_expires_on=LATER).own_warned_of == LATER
    assert digest(own_expires_on=TODAY).own_warned_of == TODAY


def test_a_log_line_with_a_digest_has_no_address() -> None:
    """W5: addresses stay out of logs too."""
    assert "nordmann" not in repr(digest(paused_count=1))
    assert "nordmann" in digest(paused_count=1).email
