"""Shows the findings of the portal's check, and the drift."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from cli.output import result
from cli.show.moments import when
from cli.show.tables import Column, Row, show_table
from mentor_pause.portal import Finding

_WHERE = {
    "differs": "differs between here and there",
    "only_here": "only here, no longer valid there",
    "only_there": "only there",
}


def show_findings(findings: Iterable[Finding]) -> None:
    """Show each item of the portal's check, and its problem."""
    for finding in findings:
        result(
            f"{finding.what}: {finding.problem or 'in order'}", is_bad=finding.problem is not None
        )


def show_drift(answer: Mapping[str, Any]) -> None:
    """Show the differences between the portal and the database."""
    oldest = f", the oldest for {timedelta(seconds=answer['oldest_seconds'])}"
    count = f"{answer['differing']} of {answer['compared']} mentors differ"
    result(count + (oldest if answer["differing"] else ""))
    columns = ("mentor", "key in the portal", "here", "in the portal", "since (UTC)")
    rows = [Row(_cells(difference)) for difference in answer["differences"]]
    if rows:
        show_table([Column(name) for name in columns], rows)
    _say_next(answer)
    _show_certifications(answer)
    for row in answer["unreadable_rows"]:
        result(f"unreadable in the portal: {row}", is_bad=True)


def _cells(difference: Mapping[str, Any]) -> tuple[str, ...]:
    since = datetime.fromisoformat(difference["since"]) if difference["since"] else None
    there = difference["there"] or ("not there" if difference["kind"] == "only_here" else "?")
    return (
        difference["mentor_id"] or "unknown here", difference["key"], difference["here"] or "-",
        there, when(since),
    )  # fmt: skip


def _say_next(answer: Mapping[str, Any]) -> None:
    """Say how to resolve the differences of mentors."""
    if any(difference["mentor_id"] for difference in answer["differences"]):
        result(
            "next: mentor-pause portal resync --differing, then mentor-pause run hlf_sync --follow"
        )
    if any(not difference["mentor_id"] for difference in answer["differences"]):
        result(
            "next: for mentors unknown here, ask HLF to deactivate their rows, or correct the key"
            " here (peer_mentors.portal_key)"
        )


def _show_certifications(answer: Mapping[str, Any]) -> None:
    """Show the certifications that differ."""
    count = answer["certifications_differing"]
    if not count:
        return
    result(f"{count} certifications differ; next: mentor-pause run hlf_sync --follow")
    columns = ("row in the portal", "mentor's key", "where")
    rows = [
        Row((row["portal_id"], row["key"], _WHERE[row["kind"]]))
        for row in answer["certification_differences"]
    ]
    show_table([Column(name) for name in columns], rows)
