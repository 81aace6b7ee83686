"""A plan is shown in words: counts, limits, hash, and held mentors first (G1, G2)."""

from datetime import date
from typing import Any, get_args
from uuid import UUID

import pytest

from cli.show.plans import WHY, describe_brake, show_plan
from mentor_pause.database.plan_results import PlannedMentor, PlanSummary, WhyPlanned

DAY = date(2026, 11, 26)
HASH = "ab" * 32


def summary(**more: Any) -> PlanSummary:
    """Return the summary of a plan that holds five of thirty mentors."""
    values: dict[str, Any] = {
        "plan_hash": HASH, "brake_mode": "hold", "brake_count": 10, "brake_percent": 5.0,
        "brake_acts": True, "active_count": 60, "planned_count": 30, "unforeseen_count": 5,
        "held_count": 5,
    }  # fmt: skip
    return PlanSummary.model_validate(values | more)


def mentor(number: int) -> PlannedMentor:
    """Return a planned mentor; the plan holds those with the five highest numbers."""
    is_held = number > 25
    return PlannedMentor(
        mentor_id=UUID(int=number), version=1, expires_on=DAY,
        action="hold" if is_held else "pause", why="never_warned" if is_held else "forewarned",
    )  # fmt: skip


def test_held_mentors_come_first_and_a_long_list_is_cut(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The last line has the command that lists all; every id is whole, within 80 columns."""
    mentors = [mentor(number) for number in range(1, 31)]
    show_plan(summary(), mentors, DAY, "mentor-pause {}".format)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "plan for 2026-11-26, as a run would make it now; nothing was changed"
    assert [line.split() for line in lines[2:7]] == [
        ["planned", "30"], ["pause", "25"], ["hold", "5"], ["unforeseen", "5"], ["active", "60"],
    ]  # fmt: skip
    assert lines[8] == f"hash: {HASH}"
    listed = lines[10:-1]
    assert len(listed) == 20
    assert listed[0] == f"{UUID(int=26)}  hold   2026-11-26  never warned"
    assert listed[5] == f"{UUID(int=1)}  pause  2026-11-26  warned in time"
    assert max(map(len, listed)) <= 80
    assert lines[-1] == "and 10 more; list all: mentor-pause plan --as-of 2026-11-26 --json"


def test_a_plan_without_mentors_has_no_list(capsys: pytest.CaptureFixture[str]) -> None:
    """Its hash is shown all the same."""
    show_plan(summary(planned_count=0, held_count=0), [], DAY, str)
    assert capsys.readouterr().out.splitlines()[-1] == f"hash: {HASH}"


def test_every_reason_has_words_of_its_own() -> None:
    """Nothing that the database may return is left without a word."""
    reasons = get_args(WhyPlanned.__value__)
    assert len({WHY[reason] for reason in reasons}) == len(reasons) == 4


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({}, "mode hold: the brake holds the unforeseen; its limits are"),
        ({"brake_mode": "watch"}, "mode watch: the brake pauses all and reports it; its limits"),
        ({"brake_acts": False}, ("mode hold: the brake does not act; its limits are more than 10"
         " and more than 5 % of the active")),
        ({"brake_mode": "off"}, "the brake is off"),
    ],
)  # fmt: skip
def test_what_the_brake_does_follows_from_mode_and_limits(
    more: dict[str, Any], sentence: str
) -> None:
    """G2."""
    assert describe_brake(summary(**more)).startswith(sentence)
