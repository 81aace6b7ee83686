"""Lets the ledger lose runs."""

from uuid import UUID

from support.aws import Clients
from support.night import Night, run_id
from support.roster import Roster


def lose(aws: Clients, night: Night, *kinds: str) -> None:
    """Delete the ledger's items whose sort key starts with one of `kinds`, or all items."""
    table = night.ledger.table.name
    for item in aws.dynamodb.scan(TableName=table)["Items"]:
        if item["sk"].get("S", "").startswith(kinds or ("",)):
            key = {name: item[name] for name in ("pk", "sk")}
            aws.dynamodb.delete_item(TableName=table, Key=key)


def complete(night: Night, trigger_id: str = "night-1") -> None:
    """Run a night to its end."""
    assert night.fire(trigger_id)["status"] == "running"
    night.work_off()


def lose_open_run(aws: Clients, night: Night, roster: Roster, *kinds: str) -> list[UUID]:
    """Start a run of two pages, process one, and lose the run; return its mentors."""
    mentors = roster.add_mentors(5)
    coordinator = roster.add_coordinator(mentors=mentors)
    assert coordinator
    night.fire()
    assert night.deliver(night.receive()[0])
    lose(aws, night, *kinds)
    return mentors


def lost_row(roster: Roster) -> dict[str, object]:
    """Return the status and the counts of the lost run's row, and check its error."""
    row = next(row for row in roster.log() if row["job_run_id"] == run_id())
    assert "the ledger has lost this run" in row["error"]
    assert "mentor-pause run certification_expiry" in row["error"]
    return {name: row[name] for name in ("status", "paused_count", "error_count")}
