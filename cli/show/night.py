"""Shows the monitor's answer, and single mentors."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cli.output import result
from cli.show.moments import expiry, when
from mentor_pause.database.client import MentorStatus
from mentor_pause.database.plan_results import BrakeFigures


def show_mentor(mentor: MentorStatus) -> None:
    """Show one mentor."""
    since = when(mentor.status_changed_at)
    result(f"{mentor.mentor_id} is {mentor.status} since {since} UTC (version {mentor.version})")
    result(f"certification: {expiry(mentor.certification_expiry_date)}")


def show_night(answer: Mapping[str, Any]) -> None:
    """Show the monitor's answer."""
    if "stale_active_mentors" in answer:
        result(
            f"{_active(answer['stale_active_mentors'])} should have been paused by the night of"
            f" {answer['as_of']}"
        )
    if "night_missed" in answer:
        hours = answer["hours_since_completed_run"]
        last = (
            "no run has completed yet" if hours is None else f"the last run ended {hours:.1f} h ago"
        )
        verdict = (
            "that night was missed: it has no completed run, or its run had errors"
            if answer["night_missed"]
            else "that night has a completed run"
        )
        result(f"{verdict}; {last}")
    show_uncertified(answer.get("active_without_certification", 0))
    if "paused_unwarned" in answer:
        _show_unwarned(answer["paused_unwarned"])
    for job_run_id, ended in answer.get("hung_runs", {}).items():
        result(
            f"run {job_run_id} hung; the monitor {'has ended it' if ended else 'could not end it'}"
        )
    for check, reason in answer["failed"].items():
        result(f"not checked: {check}: {reason}", is_bad=True)


def show_brake(brake: BrakeFigures, look: str) -> None:
    """Show what the brake has done, if it acted (G3); `look` is the next command."""
    if brake.held_count:
        state = "approved, but not paused yet" if brake.is_approved else "not approved yet"
        result(f"{_mentors(brake.held_count)} held since {when(brake.held_since)} UTC, {state}")
    if brake.unforeseen_count:
        result(
            f"that night paused {_mentors(brake.unforeseen_count)} who had not been warned in time,"
            " more than the limits allow"
        )
    if brake.held_count or brake.unforeseen_count:
        result(f"next: {look}")


def show_uncertified(count: int) -> None:
    """Show how many active mentors have no certification that could expire."""
    if count:
        result(f"{_active(count)} without any certification; no run pauses them")


def _show_unwarned(count: int) -> None:
    if count == 0:
        result("that night paused nobody without a warning at least 14 days before")
        return
    result(
        f"that night paused {_mentors(count)} without a warning at least 14 days"
        " before; this is normal in the first two weeks of an installation."
        " See docs/runbook.md#pausedunwarnedalarm"
    )


def _mentors(count: int) -> str:
    return f"{count} mentor{'s' * (count != 1)}"


def _active(count: int) -> str:
    return f"{count} active mentor{'s' * (count != 1)}"


def show_waiting(answer: Mapping[str, Any]) -> None:
    """Show how many mentors wait for HLF's portal."""
    if answer["status"] == "off":
        result("HLF's portal is switched off; switch it on with: mentor-pause portal on")
    elif answer["status"] == "failed":
        result(f"HLF's portal could not be checked: {answer['error']}", is_bad=True)
    else:
        result(
            f"HLF's portal answers; {answer['differing']} mentors and"
            f" {answer['certifications_differing']} certifications differ there"
        )
    if answer.get("waiting"):
        since = when(datetime.fromisoformat(answer["waiting_since"]))
        count, late = answer["waiting"], answer["waiting_over_an_hour"]
        mentors = (
            "1 inactive or paused mentor waits"
            if count == 1
            else f"{count} inactive or paused mentors wait"
        )
        over_an_hour = f"; a run paused {late} of them more than an hour ago" if late else ""
        result(
            f"{mentors} for the portal since {since} UTC{over_an_hour}."
            " Next: mentor-pause run hlf_sync --follow"
        )
    elif "waiting" in answer:
        result("no mentor waits for the portal")
