"""The deployed local stack, as a test sees it from outside."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import psutil
import psycopg
from psycopg.rows import dict_row

from cli.runs import follow, read_summary
from cli.stacks import Stack, function_environments, open_stack
from local.portal_example import example_mapping
from local.portal_server import read_rows
from local.stack import LocalStack
from mentor_pause.domain.runs import Run
from support.command_line import Typed, type_command

COMMAND = Path(sys.executable).parent / "mentor-pause"


def mentor_pause(*arguments: str) -> Typed:
    """Run the command line inside this process."""
    return type_command(*arguments)


def run_program(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in its own process; for commands that start other processes."""
    return subprocess.run(
        [COMMAND, *arguments], capture_output=True, text=True, check=False, timeout=180
    )


def eventually(check: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + seconds
    tick = threading.Event()
    while not check():
        assert time.monotonic() < deadline, "the condition does not hold in time"
        tick.wait(0.05)


class Deployed:
    """The stack's parts."""

    def __init__(self, folder: Path) -> None:
        """`folder` is the local stack's."""
        self.local = LocalStack(folder)
        self.stack: Stack = open_stack(None)
        self.sqs = self.stack.session.client("sqs", endpoint_url=self.stack.endpoint_url)
        self.logs = self.stack.session.client("logs", endpoint_url=self.stack.endpoint_url)

    @classmethod
    def start(cls, folder: Path) -> "Deployed":
        """Start a stack in a folder that `MENTOR_PAUSE_LOCAL` names, and deploy it."""
        LocalStack(folder).up(lambda _text: None)
        return cls(folder)

    def fire(self, trigger_id: str | None = None, **more: object) -> dict[str, str]:
        """Send the dispatcher what the nightly rule sends."""
        event: dict[str, object] = {
            "job_name": "certification_expiry",
            "trigger": "schedule",
            "trigger_id": trigger_id or str(uuid4()),
        }
        return self.stack.invoke_dispatcher(event | more)

    def fire_all(self, trigger_ids: Sequence[str]) -> list[dict[str, str]]:
        """Deliver triggers at the same moment."""
        with ThreadPoolExecutor(len(trigger_ids)) as pool:
            return list(pool.map(self.fire, trigger_ids))

    def finish(self, job_run_id: str, seconds: float = 90) -> tuple[Run, dict[str, Any]]:
        """Wait for a run's end; return it and its summary."""
        *_, last = follow(self.stack, UUID(job_run_id), seconds)
        summary, _ = read_summary(self.stack, last.run)
        return last.run, summary.as_json()

    def wait_for_the_sync(self) -> None:
        """Wait until the sync that followed a run has ended."""

        def has_ended() -> bool:
            with self.stack.database() as database:
                return any(
                    row.job_name == "hlf_sync" and row.finished_at
                    for row in database.list_executions(self.stack.org_id, 20)
                )

        eventually(has_ended)

    def environment_of(self, function: str) -> dict[str, str]:
        """Return the environment of a deployed function, with the address of the emulator."""
        outside = self.local.environment(self.local.require())
        reach = {name: value for name, value in outside.items() if name.startswith("AWS_")}
        return function_environments(self.stack)[function] | reach

    def lines(self, group: str, message: str) -> list[dict[str, Any]]:
        """Return the JSON log lines of a log group that say `message`."""
        found: list[dict[str, Any]] = []
        name = self.stack.outputs[group]
        for event in self.logs.filter_log_events(logGroupName=name)["events"]:
            with suppress(ValueError):
                line = json.loads(event.get("message", ""))
                if isinstance(line, dict) and line.get("message") == message:
                    found.append(line)
        return found

    def metrics(self, group: str, name: str) -> list[float]:
        """Return the values of a metric in a function's log, oldest first."""
        found: list[float] = []
        for event in self.logs.filter_log_events(logGroupName=self.stack.outputs[group])["events"]:
            text = event.get("message", "")
            if text.startswith('{"_aws"') and name in (line := json.loads(text)):
                found += line[name]
        return found

    def api(
        self, method: str, path: str, credential: str | bytes | None, **more: Any
    ) -> httpx.Response:
        """Send a request to the HTTP entry."""
        text = credential.encode() if isinstance(credential, str) else credential
        headers = {} if text is None else {b"Authorization": b"Bearer " + text}
        url = self.stack.outputs["ApiUrl"] + path
        return httpx.request(method, url, headers=headers, timeout=60, **more)

    @contextmanager
    def workers_asleep(self) -> Generator[None]:
        """Let no page of the expiry job reach its worker. The pages on its queue are deleted."""
        lambdas, name = self.stack.lambdas(), self.stack.outputs["ExpiryWorkerFunctionName"]
        found = lambdas.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
        mappings = [mapping.get("UUID", "") for mapping in found]
        for mapping in mappings:
            lambdas.update_event_source_mapping(UUID=mapping, Enabled=False)
        try:
            yield
        finally:
            self.sqs.purge_queue(QueueUrl=self.stack.outputs["CertificationExpiryQueueUrl"])
            for mapping in mappings:
                lambdas.update_event_source_mapping(UUID=mapping, Enabled=True)

    def let_the_lease_run_out(self, job_run_id: str) -> None:
        """Set the moments of a run and of its lock back by an hour."""
        client = self.stack.session.client("dynamodb", endpoint_url=self.stack.endpoint_url)
        table = self.stack.outputs["LedgerTableName"]
        lock = f"LOCK#certification_expiry#{self.stack.org_id}"
        past = datetime.now(UTC) - timedelta(hours=1)
        for pk, sk, attribute, value in (
            (lock, "LOCK", "lease_expires_at", {"N": str(int(past.timestamp()))}),
            (f"RUN#{job_run_id}", "RUN", "active_at", {"S": past.isoformat()}),
        ):
            client.update_item(
                TableName=table,
                Key={"pk": {"S": pk}, "sk": {"S": sk}},
                UpdateExpression=f"SET {attribute} = :value",
                ExpressionAttributeValues={":value": value},  # pyright: ignore[reportArgumentType]
            )

    @contextmanager
    def database_down(self) -> Generator[None]:
        """Stop PostgreSQL, and start it again on its port."""
        port = int(self.local.database_url().rpartition(":")[2].split("/")[0])
        self.local._server.stop()
        try:
            yield
        finally:
            self.local._server.start(port)

    def waiting(self, output: str) -> int:
        """Return how many visible messages a queue has."""
        answer = self.sqs.get_queue_attributes(
            QueueUrl=self.stack.outputs[output], AttributeNames=["ApproximateNumberOfMessages"]
        )
        return int(answer["Attributes"]["ApproximateNumberOfMessages"])

    def forget_runs(self) -> None:
        """Empty the ledger."""
        client = self.stack.session.client("dynamodb", endpoint_url=self.stack.endpoint_url)
        table = self.stack.outputs["LedgerTableName"]
        scan = client.get_paginator("scan")
        for found in scan.paginate(TableName=table, ProjectionExpression="pk, sk"):
            for key in found["Items"]:
                client.delete_item(TableName=table, Key=key)

    def _set_visibility(self, seconds: int) -> None:
        self.sqs.set_queue_attributes(
            QueueUrl=self.stack.outputs["CertificationExpiryQueueUrl"],
            Attributes={"VisibilityTimeout": str(seconds)},
        )

    @contextmanager
    def environment(self, functions: Sequence[str], **variables: str) -> Generator[None]:
        """Change variables of functions for a while; the template has the functions' names."""
        lambdas, before = self.stack.lambdas(), dict[str, dict[str, str]]()
        for function in functions:
            name = self.stack.outputs[f"{function}FunctionName"]
            found = lambdas.get_function_configuration(FunctionName=name)["Environment"]
            before[name] = found.get("Variables", {})
            changed = before[name] | variables
            lambdas.update_function_configuration(
                FunctionName=name, Environment={"Variables": changed}
            )
        try:
            yield
        finally:
            for name, found in before.items():
                lambdas.update_function_configuration(
                    FunctionName=name, Environment={"Variables": found}
                )

    @contextmanager
    def time_out(self, function: str, seconds: int) -> Generator[None]:
        """Change a function's time-out for a while; the template has the function's name."""
        lambdas, name = self.stack.lambdas(), self.stack.outputs[f"{function}FunctionName"]
        before = lambdas.get_function_configuration(FunctionName=name)["Timeout"]
        lambdas.update_function_configuration(FunctionName=name, Timeout=seconds)
        try:
            yield
        finally:
            lambdas.update_function_configuration(FunctionName=name, Timeout=before)

    def page_size(self, mentors: int) -> AbstractContextManager[None]:
        """Let the dispatcher plan pages of another size."""
        return self.environment(["Dispatcher"], PAGE_SIZE=str(mentors))

    def let_the_sync_follow(self, *, follow: bool) -> None:
        """Enable or disable the rules that start the sync after a run."""
        events = self.stack.events()
        switch = events.enable_rule if follow else events.disable_rule
        for rule in ("PausedMentorsRuleName", "ResumedMentorsRuleName", "LeftMentorsRuleName"):
            switch(Name=self.stack.outputs[rule])

    def let_the_notifier_follow(self, *, follow: bool) -> None:
        """Enable or disable the rule that sends the messages after a run."""
        events = self.stack.events()
        switch = events.enable_rule if follow else events.disable_rule
        switch(Name=self.stack.outputs["MessagesRuleName"])

    def shown(self) -> dict[str, set[str]]:
        """Return the keys of the mentors in the stand-in portal, by their status."""
        mapping = example_mapping().mentors
        rows = read_rows(self.local.require().portal_port)[mapping.entity_set]
        found: dict[str, set[str]] = {status: set() for status in mapping.status_values}
        for row in rows:
            found[str(mapping.status_of(row[mapping.status]))].add(row[mapping.key])
        return found

    def end_warm_functions(self) -> None:
        """End the sync's warm Lambdas, so that the next ones read all parameters again."""
        names = {self.stack.outputs[f"{f}FunctionName"] for f in ("HlfSyncWorker", "PortalDrift")}
        for process in psutil.Process(self.local.require().emulator.pid).children(recursive=True):
            with suppress(psutil.Error):
                if process.environ().get("AWS_LAMBDA_FUNCTION_NAME") in names:
                    process.kill()

    @contextmanager
    def quick_redelivery(self) -> Generator[None]:
        """Deliver failed pages again after two seconds instead of six minutes.

        A page may then be delivered while its worker still has it, which cannot happen in
        production. So the remaining workers are ended before the next test.
        """
        self._set_visibility(2)
        try:
            yield
        finally:
            self._set_visibility(360)
            name = self.stack.outputs["ExpiryWorkerFunctionName"]
            for process in psutil.Process(self.local.require().emulator.pid).children():
                with suppress(psutil.Error):
                    if process.environ().get("AWS_LAMBDA_FUNCTION_NAME") == name:
                        process.kill()

    def kill_the_worker_that_waits_for_a_lock(self, owner: psycopg.Connection) -> bool:
        """Kill the Lambda process whose call waits for a row lock; return whether there was one."""
        rows = owner.execute(
            "select client_port from pg_stat_activity"
            " where wait_event_type = 'Lock' and usename = 'mentor_pause_job'"
        ).fetchall()
        ports = {row[0] for row in rows}
        killed = False
        state = self.local.require()
        for process in psutil.Process(state.emulator.pid).children(recursive=True):
            with suppress(psutil.Error):
                if ports & {c.laddr.port for c in process.net_connections("tcp") if c.laddr}:
                    process.kill()
                    killed = True
        return killed


def rows(connection: psycopg.Connection, query: Any, *values: object) -> list[dict[str, Any]]:
    """Run a query, and return its rows."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return list(cursor.execute(query, values).fetchall())


def expired_ids(connection: psycopg.Connection, as_of: object) -> set[str]:
    """Return the active mentors who have expired, by the test's own query."""
    found = rows(
        connection,
        "select m.id from peer_mentors m join certifications c on c.mentor_id = m.id"
        " where m.status = 'active' group by m.id having max(c.expires_on) <= %s",
        as_of,
    )
    return {str(row["id"]) for row in found}
