"""What the monitor found, and single mentors, as people see them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cli.output import result
from cli.show.moments import expiry, when
from mentor_pause.database.client import MentorStatus


def show_mentor(seen: MentorStatus) -> None:
    """Show one mentor."""
    since = when(seen.status_changed_at)
    result(f"{seen.mentor_id} is {seen.status} since {since} UTC (version {seen.version})")
    result(f"certification: {expiry(seen.certification_expiry_date)}")


def show_night(answer: Mapping[str, Any]) -> None:
    """Show what the monitor found."""
    if "stale_active_mentors" in answer:
        result(
            f"{_active(answer['stale_active_mentors'])} should have been paused by the night of"
            f" {answer['as_of']}"
        )
    if "night_missed" in answer:
        hours = answer["hours_since_completed_run"]
        last = "there was never one" if hours is None else f"the last one ended {hours:.1f} h ago"
        verdict = (
            "that night was missed: no complete run was about it, or its run had errors"
            if answer["night_missed"]
            else "a complete run was about that night"
        )
        result(f"{verdict}; {last}")
    show_uncertified(answer.get("active_without_certification", 0))
    for job_run_id, ended in answer.get("hung_runs", {}).items():
        result(f"run {job_run_id} hung; {'it is ended now' if ended else 'it is not ended'}")
    for look, reason in answer["failed"].items():
        result(f"not looked at: {look}: {reason}", is_bad=True)


def show_uncertified(count: int) -> None:
    """Show how many mentors no night pauses, since no certification of theirs can expire."""
    if count:
        result(f"{_active(count)} without any certification; no run pauses them")


def _active(count: int) -> str:
    return f"{count} active mentor{'s' * (count != 1)}"


def show_waiting(answer: Mapping[str, Any]) -> None:
    """Show who waits for HLF's portal."""
    if answer["status"] == "off":
        result("HLF's portal is switched off: mentor-pause portal on")
    elif answer["status"] == "failed":
        result(f"HLF's portal cannot be asked: {answer['error']}", is_bad=True)
    else:
        result(
            f"HLF's portal answers; {answer['differing']} mentors and"
            f" {answer['certifications_differing']} certifications differ there"
        )
    if answer.get("waiting"):
        since = when(datetime.fromisoformat(answer["waiting_since"]))
        count, late = answer["waiting"], answer["waiting_over_an_hour"]
        who = (
            "1 mentor who is not active waits"
            if count == 1
            else (f"{count} mentors who are not active wait")
        )
        over_an_hour = f"; a run paused {late} of them more than an hour ago" if late else ""
        result(
            f"{who} for the portal since {since} UTC{over_an_hour}."
            " Next: mentor-pause run hlf_sync --follow"
        )
    elif "waiting" in answer:
        result("nobody waits for the portal")
