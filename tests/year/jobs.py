"""The jobs, the monitor and the drift measurement, started and processed as on AWS."""

import io
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, cast

from portal_drift.measure import MeasureDrift
from support.monitor import Monitor
from support.night import Night
from support.roster import ORG
from support.sync import SyncNight
from year.sight import Sight

if TYPE_CHECKING:
    import pytest
    from mypy_boto3_dynamodb import DynamoDBClient

_FORGOTTEN_AFTER = 20 * 86400
"""Seconds after which the ledger loses an item here. DynamoDB takes 90 days, but a table that is
restored or created again loses items sooner, and the product acts then in the same way."""
_KEPT_FOR = 90 * 86400

_COUNTS = ("processed_count", "paused_count", "skipped_count", "error_count")


class _Output:
    """What the monitor writes to standard output, read as pytest's fixture lets a test read it."""

    def __init__(self) -> None:
        self.written = io.StringIO()

    def readouterr(self) -> "_Output":
        return self

    @property
    def out(self) -> str:
        """What was written since the last look."""
        text = self.written.getvalue()
        self.written.seek(0)
        self.written.truncate()
        return text


@dataclass
class Jobs:
    """Both jobs over one ledger; each verb returns what the oracle's returns."""

    expiry: Night
    syncs: SyncNight
    sight: Sight
    dynamodb: "DynamoDBClient"
    _output: _Output = field(default_factory=_Output)
    _summaries: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])

    def __post_init__(self) -> None:
        """Put the monitor together."""
        capsys = cast("pytest.CaptureFixture[str]", self._output)
        self._monitor = Monitor(self.expiry, capsys)

    def begin(self, run: str, trigger: str, as_of: date | None, *, dry_run: bool) -> str:
        """Fire the expiry job."""
        answer = self.expiry.fire(run, as_of, dry_run=dry_run, trigger=trigger)
        self.sight.remember(run, answer["job_run_id"])
        return answer["status"]

    def come_again(self) -> int:
        """Deliver the triggers that wait; return how many the dispatcher has taken."""
        return sum(map(self.expiry.deliver_waiting, self.expiry.waiting()))

    def forget_runs(self) -> None:
        """Delete old items of the ledger, as time to live does."""
        table = self.expiry.queue_url.rpartition("/")[2]  # it has the queue's name
        until = self.expiry.clock.now.timestamp() + _KEPT_FOR - _FORGOTTEN_AFTER
        names = [
            part["AttributeName"]
            for part in self.dynamodb.describe_table(TableName=table)["Table"].get("KeySchema", ())
        ]
        for item in self.dynamodb.scan(TableName=table)["Items"]:
            if float(item.get("expires_at", {}).get("N", "inf")) < until:
                key = {name: item[name] for name in names}
                self.dynamodb.delete_item(TableName=table, Key=key)

    def work(self, run: str) -> dict[str, Any]:
        """Work off the queue; return the summary, and whether its event asks for a sync."""
        self.expiry.work_off()
        found = self._summary(self.expiry, run)
        return {
            "counts": tuple(found[name] for name in _COUNTS),
            "paused": self.sight.names(found["mentor_ids_paused"]),
            "errored": self.sight.names(found["mentor_ids_errored"]),
            "wants_sync": any(
                event["job_run_id"] == found["job_run_id"]
                and event["paused_count"] > 0
                and not event["dry_run"]
                for event in self.expiry.announcements()
            ),
        }

    def sync(self, run: str, trigger: str) -> dict[str, Any]:
        """Fire the sync and work it off; an event's trigger is the run that it is about."""
        trigger_id = (
            str(self.sight.job_run_id(run.removeprefix("after "))) if trigger == "event" else run
        )
        answer = self.syncs.fire(trigger_id, None, trigger=trigger)
        self.sight.remember(run, answer["job_run_id"])
        if answer["status"] == "duplicate":
            return {"status": "duplicate"}
        self.syncs.work_off()
        found = self._summary(self.syncs, run)
        parts = found["synced_count"] + found["skipped_count"] + found["error_count"]
        return {
            "status": self.sight.status_of_run(run),
            "synced": self.sight.names(found["mentor_ids_synced"]),
            "errored": self.sight.names(found["mentor_ids_errored"]),
            "renewed_count": found["renewed_count"],
            "adds_up": found["processed_count"] == parts,
        }

    def _summary(self, night: Night, run: str) -> dict[str, Any]:
        """Return the run's summary, and empty the log, which would grow all the year."""
        self._summaries |= {line["job_run_id"]: line for line in night.summaries()}
        night.forget_lines()
        return self._summaries[str(self.sight.job_run_id(run))]

    def drift(self) -> dict[str, str]:
        """Measure the drift."""
        night = self.syncs
        measure = MeasureDrift(ORG, night.drift_database, night.open_portal, night.clock)
        return {
            self.sight.name(found.mentor_id) if found.mentor_id else found.key: found.kind
            for found in measure(lambda: 60).differences
        }

    def look(self) -> dict[str, Any]:
        """Let the monitor look; metrics and answer must say the same."""
        with redirect_stdout(self._output.written):
            answer = self._monitor()
        metrics = self._monitor.emitted()
        assert metrics["StaleActiveMentors"] == [answer["stale_active_mentors"]]
        return {
            "as_of": date.fromisoformat(str(answer["as_of"])),
            "stale": answer["stale_active_mentors"],
            "missed": metrics["NightMissed"] == [1],
            "hung": metrics["HungRuns"][0],
        }
