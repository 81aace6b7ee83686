"""How the command line prints answers: exit codes, and moments in UTC (O1)."""

import json
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from uuid import UUID, uuid4

import pytest
from click.testing import CliRunner

from cli.main import cli
from cli.night import all_is_well
from cli.output import machine
from cli.show.night import show_brake, show_mentor, show_night, show_uncertified, show_waiting
from cli.show.runs import show_history
from local.errors import StackError
from mentor_pause.database.client import Execution, MentorStatus, OrgScope
from mentor_pause.database.plan_results import BrakeFigures
from mentor_pause.domain.run_report import SUMMARY_MESSAGES
from mentor_pause.domain.summary import Summary, id_lists

NIGHT = {"failed": {}, "stale_active_mentors": 0, "night_missed": False}
WELL = {
    "status": "measured",
    "differing": 0,
    "certifications_differing": 0,
    "waiting": 0,
    "waiting_over_an_hour": 0,
}
INDIA = timezone(timedelta(hours=5, minutes=30))
AT_TWO = datetime(2026, 11, 26, 7, 30, tzinfo=INDIA)


@pytest.mark.parametrize(
    ("portal", "well"),
    [
        (WELL, True),
        ({"status": "off"}, True),
        (WELL | {"waiting": 120, "waiting_over_an_hour": 0}, True),
        (WELL | {"waiting": 120, "waiting_over_an_hour": 120}, False),
        ({"status": "failed", "waiting": 120, "waiting_over_an_hour": 0, "error": "x"}, False),
        ({"status": "failed", "error": "PortalDrift failed"}, False),
    ],
)
def test_a_night_is_all_right_if_the_portal_is_synced(
    portal: dict[str, object], well: bool
) -> None:
    """O1: not if the portal cannot be reached, but if it is switched off."""
    assert all_is_well(NIGHT, portal, sends=True) is well


@pytest.mark.parametrize(
    "night",
    [
        {"failed": {"last night": "gone"}},
        {"stale_active_mentors": 1},
        {"night_missed": True},
        {"held_mentors": 1},
        {"unforeseen_pauses": 1},
    ],
)
def test_a_synced_portal_does_not_make_a_bad_night_all_right(
    night: dict[str, object],
) -> None:
    """O1."""
    assert not all_is_well(NIGHT | night, WELL, sends=True)


@pytest.mark.parametrize(
    ("night", "sends", "well"),
    [
        ({"messages": {"undelivered_count": 1}}, True, False),
        ({"messages": {"undelivered_count": 1}}, False, True),
        ({"messages": {"bounced_count": 1}}, True, False),
        ({"messages": {"complained_count": 1}}, True, False),
        ({"messages": {"unknown_count": 1, "no_address_count": 1}}, True, True),
        ({"paused_unwarned": 120}, True, True),
    ],
)
def test_a_night_is_all_right_if_no_message_waits_or_bounced(
    night: dict[str, object], sends: bool, well: bool
) -> None:
    """W7: without a sender messages wait, and in the first two weeks every pause is unwarned."""
    assert all_is_well(NIGHT | night, WELL, sends=sends) is well


def test_pauses_without_a_warning_are_shown_with_what_they_mean(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """W7: an operator who sees the first night need not worry."""
    shown: list[str] = []
    for count in (0, 1, 120):
        show_night({"failed": {}, "paused_unwarned": count})
        shown.append(" ".join(capsys.readouterr().out.split()))
    assert shown[0] == "that night paused nobody without a warning at least 14 days before"
    assert shown[1].startswith("that night paused 1 mentor without a warning at least 14 days")
    assert shown[2] == (
        "that night paused 120 mentors without a warning at least 14 days before; this is normal in"
        " the first two weeks of an installation. See docs/runbook.md#pausedunwarnedalarm"
    )


def test_the_monitor_shows_what_the_brake_has_done(capsys: pytest.CaptureFixture[str]) -> None:
    """G3: held mentors, and unforeseen pauses above the limits; otherwise nothing."""
    quiet = BrakeFigures(
        held_count=0, held_by=None, held_since=None, plan_hash=None, is_approved=False,
        unforeseen_count=0, unforeseen_by=None,
    )  # fmt: skip
    show_brake(quiet, "LOOK")
    assert capsys.readouterr().out == ""
    acted = {"held_count": 1, "held_since": AT_TWO, "unforeseen_count": 40}
    show_brake(quiet.model_copy(update=acted), "LOOK")
    assert capsys.readouterr().out.splitlines() == [
        "1 mentor held since 2026-11-26 02:00:00 UTC, not approved yet",
        (
            "that night paused 40 mentors who had not been warned in time, more than the limits"
            " allow"
        ),
        "next: LOOK",
    ]


def test_mentors_who_wait_for_the_portal_are_shown_with_the_next_command(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """O1: with the moment since when they wait, also while the portal is down."""
    waiting = {"waiting": 120, "waiting_since": AT_TWO.isoformat(), "waiting_over_an_hour": 7}
    show_waiting({"status": "failed", "error": "no answer (ConnectError)"} | waiting)
    shown = " ".join(capsys.readouterr().out.split())
    assert "HLF's portal could not be checked: no answer (ConnectError)" in shown
    assert (
        "120 inactive or paused mentors wait for the portal since 2026-11-26 02:00:00 UTC" in shown
    )
    assert "a run paused 7 of them more than an hour ago" in shown
    assert "mentor-pause run hlf_sync --follow" in shown
    show_waiting(WELL | {"waiting": 1, "waiting_since": AT_TWO.isoformat()})
    text = capsys.readouterr().out
    assert "1 inactive or paused mentor waits for the portal since" in text
    assert "more than an hour ago" not in text
    show_waiting({"status": "off"})
    assert "switch it on with: mentor-pause portal on" in capsys.readouterr().out
    show_waiting(WELL)
    assert "no mentor waits for the portal" in capsys.readouterr().out


def test_moments_are_shown_in_utc_whatever_zone_the_session_has(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The column says UTC; JSON has UTC, too."""
    empty: dict[str, Any] = dict.fromkeys(Execution.model_fields)
    row = Execution.model_construct(None, **empty | dict[str, Any](
        job_name="hlf_sync", job_run_id=UUID(int=7), status="completed", trigger="schedule",
        started_at=AT_TWO, processed_count=1, paused_count=0, synced_count=1, skipped_count=0,
        error_count=0, error=None, dry_run=False, redrive_of=None,
    ))  # fmt: skip
    show_history([row])
    shown = capsys.readouterr().out
    assert "started (UTC)" in shown
    assert "2026-11-26 02:00:00" in shown
    machine({"started_at": AT_TWO, "as_of": date(2026, 11, 26), "id": UUID(int=7)})
    assert json.loads(capsys.readouterr().out) == {
        "started_at": "2026-11-26T02:00:00Z", "as_of": "2026-11-26", "id": str(UUID(int=7)),
    }  # fmt: skip


def test_a_moment_of_the_database_is_in_utc_whatever_zone_its_session_has() -> None:
    """O1: the HTTP entry and `--json` print it as it is typed here."""
    (scope,) = OrgScope.read_all(
        [{
            "org_id": str(UUID(int=7)), "slug": "hlf", "time_zone": "Europe/Oslo",
            "today": "2026-11-26", "moment": "2026-11-26T07:30:00+05:30",
        }]
    )  # fmt: skip
    assert scope.moment.isoformat() == "2026-11-26T02:00:00+00:00"
    assert scope.model_dump(mode="json")["moment"] == "2026-11-26T02:00:00Z"


def test_active_mentors_without_a_certification_are_shown_if_there_are_any(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """E1: otherwise the line is left out."""
    show_uncertified(0)
    assert capsys.readouterr().out == ""
    show_night(
        NIGHT | {"active_without_certification": 2, "as_of": "x", "hours_since_completed_run": None}
    )
    assert "2 active mentors without any certification; no run pauses them" in (
        capsys.readouterr().out
    )
    show_uncertified(1)
    assert "1 active mentor without" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("day", "text"),
    [
        (None, "certification: none"),
        (date(2027, 5, 31), "certification: until 2027-05-31"),
        (date.max, "certification: until 9999-12-31 or later, for example without end"),
        (date.min, "certification: until 0001-01-01 or earlier"),
    ],
)
def test_a_mentor_is_shown_whatever_day_their_certification_has(
    day: date | None, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """R3: for `infinity`, the database returns the end of the calendar."""
    moment = datetime(2026, 11, 26, tzinfo=UTC)
    show_mentor(
        MentorStatus(
            mentor_id=UUID(int=7), status="active", version=2, status_changed_at=moment,
            certification_expiry_date=day,
        )
    )  # fmt: skip
    assert text in capsys.readouterr().out.splitlines()


@pytest.mark.parametrize(
    "day",
    [
        "20261122", "2026-W47-7", "2026-326", "2026-11-22T00:00:00", "26-11-22", "2026-1-2",
        "2026-02-30", "0000-01-01", "10000-01-01", "soon", "", " 2026-11-22", "2026-11-22\n",
        "\uff12\uff10\uff12\uff16-11-22", "infinity", "today",
    ],
)  # fmt: skip
def test_only_the_format_of_iso_8601_is_a_day(day: str) -> None:
    """R5: checked before anything is opened."""
    done = CliRunner().invoke(cli, ["run", "certification_expiry", "--as-of", day])
    assert done.exit_code == 2
    assert "is not a date; write it as 2026-11-22" in " ".join(done.output.split())


def test_the_lines_of_a_long_summary_are_joined() -> None:
    """E7: in any order, and among other lines and other runs."""
    run, other = uuid4(), uuid4()
    mentors = tuple(sorted(uuid4() for _ in range(5)))
    long, short = Summary(run, "paused", mentors), Summary(other, "paused")
    parts = [id_lists("paused", some, ()) for some in (mentors[:2], mentors[2:4], mentors[4:])]
    lines: list[dict[str, object]] = [
        {"message": SUMMARY_MESSAGES[1], "job_run_id": str(run), "line": n, **part}
        for n, part in enumerate(parts[:2], 1)
    ]
    summary = {**long.as_json(), "line": 3, "lines": 3, **parts[2]}
    lines.append({"message": SUMMARY_MESSAGES[0], **summary})
    lines.append({"message": SUMMARY_MESSAGES[0], **short.as_json()})
    text = "".join(f"2026-11-26T02:00:09 {json.dumps(line)}\n" for line in lines)
    noise = 'START RequestId: x\n{"message": "request waits"}\n{"message": \n'
    done = CliRunner().invoke(cli, ["summary", "-", str(run)], input=noise + text)
    found = json.loads(done.stdout)
    assert (done.exit_code, found["mentor_ids_paused"]) == (0, [str(m) for m in mentors])
    assert found["paused_count"] == 5
    both = CliRunner().invoke(cli, ["summary"], input=text).stdout.splitlines()
    assert {json.loads(one)["job_run_id"] for one in both} == {str(run), str(other)}
    bare = json.dumps(short.as_json()) + '\n{"job_run_id": "7"}\n{"job_run_id": 7}\n'
    printed = CliRunner().invoke(cli, ["summary"], input=bare).stdout
    assert json.loads(printed)["job_run_id"] == str(other)
    cut = CliRunner().invoke(cli, ["summary"], input=text.split("\n", 1)[1])
    assert isinstance(cut.exception, StackError)
    assert str(cut.exception).startswith("the summary's lines [1] of 3 are missing; read")
