"""HLF's portal, as people see it: what a preflight found, and how far it differs."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from cli.output import result
from cli.show.moments import when
from cli.show.tables import Column, Row, show_table
from mentor_pause.portal import Finding

_WHERE = {
    "differs": "not the same here and there",
    "only_here": "here, and not valid there any more",
    "only_there": "there, and not here",
}


def show_findings(findings: Iterable[Finding]) -> None:
    """Show what a preflight looked at, and what HLF has to change."""
    for finding in findings:
        result(
            f"{finding.what}: {finding.problem or 'in order'}", is_bad=finding.problem is not None
        )


def show_drift(answer: Mapping[str, Any]) -> None:
    """Show how far the portal and the database differ."""
    oldest = f", the oldest for {timedelta(seconds=answer['oldest_seconds'])}"
    told = f"{answer['differing']} of {answer['compared']} mentors differ"
    result(told + (oldest if answer["differing"] else ""))
    columns = ("mentor", "key in the portal", "here", "in the portal", "since (UTC)")
    rows = [Row(_cells(found)) for found in answer["differences"]]
    if rows:
        show_table([Column(name) for name in columns], rows)
    _say_next(answer)
    _show_certifications(answer)
    for row in answer["unreadable_rows"]:
        result(f"cannot be read in the portal: {row}", is_bad=True)


def _cells(found: Mapping[str, Any]) -> tuple[str, ...]:
    since = when(datetime.fromisoformat(found["since"]) if found["since"] else None)
    there = found["there"] or ("not there" if found["kind"] == "only_here" else "?")
    return (found["mentor_id"] or "unknown here", found["key"], found["here"] or "-", there, since)


def _say_next(answer: Mapping[str, Any]) -> None:
    """Say what puts the differences of the mentors right."""
    if any(found["mentor_id"] for found in answer["differences"]):
        result(
            "next: mentor-pause portal again --differing, then mentor-pause run hlf_sync --follow"
        )
    if any(not found["mentor_id"] for found in answer["differences"]):
        result(
            "who is unknown here: HLF deactivates their rows, or the key here"
            " (peer_mentors.portal_key) is corrected"
        )


def _show_certifications(answer: Mapping[str, Any]) -> None:
    """Show the certifications that differ."""
    count = answer["certifications_differing"]
    if not count:
        return
    result(f"{count} certifications differ; next: mentor-pause run hlf_sync --follow")
    columns = ("row in the portal", "mentor's key", "where")
    rows = [
        Row((found["portal_id"], found["key"], _WHERE[found["kind"]]))
        for found in answer["certification_differences"]
    ]
    show_table([Column(name) for name in columns], rows)
