"""Each trouble of a night has its next command, and a good night has none (G7)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from cli.last_night import Night
from cli.show.last_night import COLUMNS, LINES, screen
from cli.troubles import Fact, facts_of
from mentor_pause.database.client import Execution, MessageFigures
from mentor_pause.database.plan_results import BrakeFigures

DAY = date(2026, 11, 26)
AT_TWO = datetime(2026, 11, 26, 2, 0, 9, tzinfo=UTC)
RUN, OTHER, SYNC = (UUID(f"5b1f3c0a-6f0e-4c7f-9a55-0d6c1f0f2a1{n}") for n in range(3))
HASH = "ab" * 32
WELL = {
    "status": "measured", "differing": 0, "certifications_differing": 0, "waiting": 0,
    "waiting_over_an_hour": 0, "oldest_seconds": 0,
}  # fmt: skip
QUIET = MessageFigures(
    undelivered_count=0, bounced_count=0, complained_count=0, unknown_count=0, no_address_count=0
)
NO_BRAKE = BrakeFigures(
    held_count=0, held_by=None, held_since=None, plan_hash=None, is_approved=False,
    unforeseen_count=0, unforeseen_by=None,
)  # fmt: skip
HELD = NO_BRAKE.model_copy(
    update={"held_count": 40, "held_by": RUN, "held_since": AT_TWO, "plan_hash": HASH}
)
UNFORESEEN = {"unforeseen_count": 40, "unforeseen_by": OTHER}


def row(**more: Any) -> Execution:
    """Return a row of the log: the night's run, which paused 20 mentors."""
    values: dict[str, Any] = dict.fromkeys(Execution.model_fields)
    values |= {
        "id": 1, "job_name": "certification_expiry", "job_run_id": RUN, "as_of": DAY,
        "dry_run": False, "status": "completed", "started_at": AT_TWO, "finished_at": AT_TWO,
        "paused_count": 20, "error_count": 0,
    }  # fmt: skip
    return Execution.model_construct(None, **(values | more))


def night(**more: Any) -> Night:
    """Return a night that was all right."""
    good = Night(
        as_of=DAY, moment=AT_TWO + timedelta(hours=5), rows=(row(),), brake=NO_BRAKE, stale=0,
        uncertified=0, missed=(), unwarned=0, warned=97, messages=QUIET, sends=True, portal=WELL,
    )  # fmt: skip
    return replace(good, **more)


def command(words: str) -> str:
    """Return a command of the local stack."""
    return f"mentor-pause {words}"


def deployed_command(words: str) -> str:
    """Return a command of a deployed stack."""
    return f"mentor-pause {words} --stack mentor-pause-production"


def troubles(of: Night) -> dict[str, str | None]:
    """Return the troubles of a night, each with its next command."""
    return {fact.what: fact.step for fact in facts_of(of, command) if fact.is_trouble}


RUN_NOW = "mentor-pause run certification_expiry --follow"
APPROVE = f"mentor-pause approve {RUN} --plan {HASH} --note TEXT"
SYNC_FAILED = row(job_name="hlf_sync", job_run_id=SYNC, status="failed", paused_count=None)


@pytest.mark.parametrize(
    ("of", "found"),
    [
        (night(rows=()), {"run": RUN_NOW}),
        (night(rows=(row(status="failed"),)), {"run": RUN_NOW}),
        (
            night(rows=(row(status="running", finished_at=None),), moment=AT_TWO),
            {"run": f"mentor-pause runs {RUN} --follow"},
        ),
        (night(rows=(row(error_count=2),)), {"errors": f"mentor-pause redrive {RUN} --follow"}),
        (
            night(rows=(row(job_run_id=OTHER, plan_of=RUN, error_count=1), row())),
            {"errors": f"mentor-pause redrive {OTHER} --follow"},
        ),
        (night(brake=HELD, stale=40), {"held": APPROVE}),
        (night(brake=HELD.model_copy(update={"is_approved": True}), stale=40), {"held": APPROVE}),
        (
            night(brake=NO_BRAKE.model_copy(update=UNFORESEEN)),
            {"unforeseen": f"mentor-pause withdraw {OTHER} --dry-run --follow"},
        ),
        (night(stale=1), {"stale": RUN_NOW}),
        (night(stale=41, brake=HELD), {"stale": RUN_NOW, "held": APPROVE}),
        (night(missed=(DAY,)), {"missed": RUN_NOW}),
        (night(missed=(DAY - timedelta(days=7),)), {"missed": "mentor-pause runs --limit 100"}),
        (
            night(rows=(row(), row(job_name="hlf_sync", job_run_id=SYNC, status="running"))),
            {"hanging": "mentor-pause monitor"},
        ),
        (night(rows=(row(), SYNC_FAILED)), {"sync": f"mentor-pause runs {SYNC}"}),
        (
            night(portal={"status": "failed", "error": "no answer"}),
            {"portal": "mentor-pause portal check"},
        ),
        (
            night(portal=WELL | {"waiting_over_an_hour": 3}),
            {"portal": "mentor-pause run hlf_sync --follow"},
        ),
        (
            night(portal=WELL | {"differing": 3, "oldest_seconds": 90_001}),
            {"portal": "mentor-pause portal drift"},
        ),
        *(
            (
                night(messages=QUIET.model_copy(update={name: 1})),
                {"messages": "mentor-pause messages --undelivered"},
            )
            for name in ("undelivered_count", "bounced_count", "complained_count")
        ),
    ],
)
def test_a_trouble_has_its_next_command(of: Night, found: dict[str, str]) -> None:
    """Nothing else is a trouble then."""
    assert troubles(of) == found


@pytest.mark.parametrize(
    "of",
    [
        night(),
        night(uncertified=3, unwarned=120),
        night(missed=(DAY - timedelta(days=8),)),
        night(portal={"status": "off"}),
        night(portal={"status": "off"}, rows=(row(), SYNC_FAILED)),
        night(messages=QUIET.model_copy(update={"undelivered_count": 9}), sends=False),
        night(messages=QUIET.model_copy(update={"unknown_count": 1, "no_address_count": 2})),
        night(rows=(row(job_run_id=OTHER, redrive_of=RUN), row(error_count=2))),
        night(rows=(row(), row(job_run_id=OTHER, status="failed", paused_count=0))),
        night(rows=(row(), row(job_run_id=OTHER, error_count=2))),
    ],
)
def test_what_needs_nobody_is_no_trouble(of: Night) -> None:
    """The exit code is then 0."""
    assert troubles(of) == {}


def test_a_release_and_a_withdrawal_are_part_of_the_nights_pauses() -> None:
    """G4, G5: the counts of the night's runs are added up."""
    release = row(job_run_id=OTHER, plan_of=RUN, approved_by="user", paused_count=40)
    withdrawal = row(
        job_name="withdrawal", job_run_id=SYNC, withdraws=OTHER, paused_count=0, resumed_count=7
    )
    facts = {f.what: f.text for f in facts_of(night(rows=(withdrawal, release, row())), command)}
    assert facts["paused"] == "60 mentors, 40 of them by an approved plan, 7 resumed again"
    assert facts["run"] == f"{RUN} completed 2026-11-26 02:00 UTC"


EVERYTHING = night(
    rows=(
        row(error_count=2, paused_count=18), SYNC_FAILED,
        row(job_name="withdrawal", job_run_id=OTHER, status="running"),
    ),
    brake=HELD.model_copy(update=UNFORESEEN), stale=45, uncertified=3, unwarned=12,
    missed=tuple(DAY - timedelta(days=d) for d in range(1, 8)),
    messages=QUIET.model_copy(update=dict.fromkeys(MessageFigures.model_fields, 1234)),
    portal={"status": "failed", "error": "no answer " * 40, "waiting_over_an_hour": 18},
)  # fmt: skip


@pytest.mark.parametrize("type_next", [command, deployed_command])
def test_a_night_with_every_trouble_fits_one_screen(type_next: Callable[[str], str]) -> None:
    """24 lines of 80 columns, also with the name of a stack; no id and no hash is cut."""
    facts = facts_of(EVERYTHING, type_next)
    lines = screen(DAY, facts, type_next("last-night --json"))
    assert len(lines) <= LINES == 24
    assert max(map(len, lines)) <= COLUMNS == 80
    typed = " ".join(" ".join(lines).replace("\\", "").split())
    found = [fact for fact in facts if fact.is_trouble]
    assert lines[0] == f"last night, 2026-11-26: {len(found)} troubles"
    assert len(found) == 8
    for fact in found[:5]:
        assert f"{fact.step}" in typed


@pytest.mark.parametrize("portal", [EVERYTHING.portal, WELL | {"waiting_over_an_hour": 18}])
def test_every_trouble_of_the_local_stack_is_on_the_screen(portal: dict[str, object]) -> None:
    """Only what is no trouble is left out."""
    facts = facts_of(replace(EVERYTHING, portal=portal), command)
    typed = " ".join("\n".join(screen(DAY, facts, "MORE")).replace("\\", "").split())
    assert [f.what for f in facts if f.step and f.step not in typed] == []
    assert "MORE" not in typed


def test_a_good_night_says_so_in_a_few_lines() -> None:
    """The headline has the answer."""
    lines = screen(DAY, facts_of(night(), command), "MORE")
    assert lines == [
        "last night, 2026-11-26: all is well",
        f"run         {RUN} completed 2026-11-26 02:00 UTC",
        "paused      20 mentors",
        "stale       none",
        "portal      0 mentors and 0 certifications differ, 0 mentors wait",
        "messages    0 wait over an hour, 0 bounced, 0 spam, 0 unknown",
        "warnings    97 written",
    ]


def test_too_many_troubles_are_counted_with_the_command_that_shows_all() -> None:
    """No trouble is left out without a word."""
    many = [Fact(f"trouble {n}", "text", f"mentor-pause runs {RUN}") for n in range(20)]
    lines = screen(DAY, many, "mentor-pause last-night --json")
    assert len(lines) == 23
    assert lines[-2:] == ["and 10 more troubles:", "  mentor-pause last-night --json"]
