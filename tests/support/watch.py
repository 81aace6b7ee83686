"""One night on the deployed stack: its trigger, its run, and the log lines of all functions since.

night = Night(deployed)
night.fire()
summary = night.finish(60)
night.invocations("ExpiryWorker"), night.reasons("ExpiryWorker"), night.timed_out()
"""

import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID, uuid4

from mentor_pause.domain.messages import DispatchRequest, MentorPage
from mentor_pause.domain.runs import Run, run_id_of
from support.deployed import Deployed
from support.way import FUNCTIONS

JOB = "certification_expiry"

_QUEUE = "CertificationExpiryQueueUrl"
_WAITS = ("page requeued", "page not done", "request waits")
"""The log lines by which a function says why it leaves work for later."""


class Night:
    """A run, and the log lines of all functions since it was asked for."""

    def __init__(self, deployed: Deployed) -> None:
        """The night begins now. Its trigger has the id `trigger_id`."""
        self.deployed = deployed
        self.trigger_id = f"night-{uuid4()}"
        self.job_run_id: UUID = run_id_of(JOB, deployed.stack.org_id, self.trigger_id)
        self.began = time.time()

    def fire(self) -> dict[str, str]:
        """Send the dispatcher what the nightly rule sends; again it is the same trigger."""
        return self.deployed.fire(self.trigger_id)

    def seconds(self) -> float:
        """Return the seconds since the night began."""
        return time.time() - self.began

    def hurry(self, *, held: bool = True) -> None:
        """Deliver the trigger that waits now; its own message, due in minutes, is taken away.

        If the trigger's dispatcher has `held` the lock when it gave up, its lease is over by then.
        """
        if held:
            self._end_lease()
        request = DispatchRequest(
            job_name=JOB, trigger="schedule", trigger_id=self.trigger_id,
            waiting_since=datetime.now(UTC),
        )  # fmt: skip
        url = self.deployed.stack.outputs["WaitingRunsQueueUrl"]
        self.deployed.sqs.purge_queue(QueueUrl=url)
        body = request.model_dump_json(exclude_none=True)
        self.deployed.sqs.send_message(QueueUrl=url, MessageBody=body)

    def _end_lease(self) -> None:
        stack = self.deployed.stack
        client = stack.session.client("dynamodb", endpoint_url=stack.endpoint_url)
        client.update_item(
            TableName=stack.outputs["LedgerTableName"],
            Key={"pk": {"S": f"LOCK#{JOB}#{stack.org_id}"}, "sk": {"S": "LOCK"}},
            UpdateExpression="SET lease_expires_at = :past",
            ConditionExpression="trigger_id = :own",
            ExpressionAttributeValues={":past": {"N": "1"}, ":own": {"S": self.trigger_id}},
        )

    def run(self) -> Run | None:
        """Return the run as the ledger has it."""
        return self.deployed.stack.ledger().find_run(self.job_run_id)

    def finish(self, seconds: float) -> dict[str, Any]:
        """Wait for the run's end, and return its summary."""
        run, summary = self.deployed.finish(str(self.job_run_id), seconds)
        assert run.status == "completed", run.status
        return summary

    def hurry_pages(self) -> None:
        """Deliver the pages that wait now; their own messages, due in minutes, are taken away.

        The number of the copy is above the one that a worker may be noting just now.
        """
        run = self.run()
        assert run, "the run was not opened"
        ledger, url = self.deployed.stack.ledger(), self.deployed.stack.outputs[_QUEUE]
        self.deployed.sqs.purge_queue(QueueUrl=url)
        for number in range(1, run.pages_planned + 1):
            page = ledger.pages.find(self.job_run_id, number)
            if page is not None and page.outcome is None:
                message = MentorPage(
                    job_name=JOB, job_run_id=self.job_run_id, org_id=run.trigger.org_id,
                    as_of=run.as_of, page=number, mentor_ids=page.mentor_ids,
                    dry_run=run.trigger.dry_run, copy_number=page.copy + 1,
                )  # fmt: skip
                self.deployed.sqs.send_message(QueueUrl=url, MessageBody=message.model_dump_json())

    def invocations(self, function: str) -> list[float]:
        """Return how many seconds each invocation of a function took that has ended."""
        texts = self._texts(function)
        fields = [text.split() for text in texts if text.startswith("REPORT RequestId:")]
        return [float(found[found.index("Duration:") + 1]) / 1000 for found in fields]

    def starts(self, function: str) -> list[float]:
        """Return the moments at which a function's invocations began, in seconds since 1970.

        The emulator writes the lines of an invocation when it has ended.
        """
        ends = [at for at, text in self._events(function) if text.startswith("REPORT RequestId:")]
        ended = self.invocations(function)
        return [at - seconds for at, seconds in zip(ends, ended, strict=True)]

    def timed_out(self) -> int:
        """Count the invocations of all functions that Lambda ended."""
        return sum(
            "Task timed out" in text for function in FUNCTIONS for text in self._texts(function)
        )

    def lines(self, function: str, *messages: str) -> list[Mapping[str, Any]]:
        """Return a function's JSON log lines with one of these messages."""
        found: list[Mapping[str, Any]] = []
        for text in self._texts(function):
            with suppress(ValueError):
                line: object = json.loads(text)
                if isinstance(line, dict) and line.get("message") in messages:
                    found.append(cast("Mapping[str, Any]", line))
        return found

    def reasons(self, function: str = "ExpiryWorker") -> Counter[str]:
        """Count the reasons for which a function left work for later."""
        return Counter(str(line["reason"]) for line in self.lines(function, *_WAITS))

    def _texts(self, function: str) -> Iterator[str]:
        return (text for _, text in self._events(function))

    def _events(self, function: str) -> Iterator[tuple[float, str]]:
        pages = self.deployed.logs.get_paginator("filter_log_events").paginate(
            logGroupName=self.deployed.stack.outputs[f"{function}LogGroup"],
            startTime=int(self.began * 1000),
        )
        for page in pages:
            for event in page["events"]:
                yield event.get("timestamp", 0) / 1000, event.get("message", "").strip()


def describe(night: Night, summary: Mapping[str, Any]) -> str:
    """Return one line about a night."""
    workers = night.invocations("ExpiryWorker")
    said = "; ".join(
        f"{count} x {reason}"
        for function in ("Dispatcher", "ExpiryWorker")
        for reason, count in night.reasons(function).most_common()
    )
    return (
        f"{summary['paused_count']} paused, {summary['error_count']} errors,"
        f" {night.seconds():.1f} s, {len(workers)} invocations of the worker, the longest"
        f" {max(workers):.1f} s, {night.timed_out()} ended by Lambda;"
        f" log: {said or 'nothing'}"
    )
