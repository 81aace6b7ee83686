"""Names the parts that a job still lacks: `python -m local.job_parts` (docs/adding-a-job.md).

A job is an entry in the registry and parts in many places: SQL, template, worker, sample events,
pages. The registry alone makes a job that the dispatcher accepts and that no worker processes.
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, cast

from local.places import ROOT
from local.template import load_template
from mentor_pause.domain.jobs import JOBS, Job

LAYER = "layers/shared/mentor_pause"
SCHEMAS = "supabase/schemas"
SAMPLES = ("nightly", "page", "dead_page")
BY_JOB = (
    "functions/list_run_outcomes.sql",
    "functions/report_late_changes.sql",
    "functions/end_lost_execution.sql",
    "private/functions/restrict_log_updates.sql",
)
"""SQL files with a branch for each job."""

_FOLDERS = ("cli", "docs", "events", "functions", LAYER, "local", SCHEMAS, "supabase/tests")
_SUFFIXES = frozenset({".json", ".md", ".py", ".sql"})

type Part = tuple[str, bool]
"""A part as a sentence, and whether it is there."""


@dataclass(frozen=True, slots=True)
class Sources:
    """The repository as this check reads it: the template, and texts by their paths."""

    template: Mapping[str, Any]
    files: Mapping[str, str]

    @classmethod
    def read(cls, root: Path = ROOT) -> Self:
        """Read the working tree."""
        files = {
            file.relative_to(root).as_posix(): file.read_text()
            for folder in _FOLDERS
            for file in (root / folder).rglob("*")
            if file.is_file() and file.suffix in _SUFFIXES
        }
        return cls(load_template(root / "template.yaml"), files)

    @property
    def resources(self) -> Mapping[str, Any]:
        """The template's resources."""
        return self.template["Resources"]

    def text(self, path: str) -> str:
        """Return a file's text; empty if there is no such file."""
        return self.files.get(path, "")

    def properties(self, resource: str) -> Mapping[str, Any]:
        """Return a resource's properties; empty if there is no such resource."""
        return self.resources.get(resource, {}).get("Properties", {})


@dataclass(frozen=True, slots=True)
class JobNames:
    """The names that follow from a job's name by convention."""

    job: str

    @property
    def prefix(self) -> str:
        """Return the prefix of the template's resources: `HlfSync` for `hlf_sync`."""
        return "".join(word.capitalize() for word in self.job.split("_"))

    @property
    def queue(self) -> str:
        """Return the queue of the job's pages."""
        return f"{self.prefix}Queue"

    @property
    def dead_letter_queue(self) -> str:
        """Return the queue of pages that failed."""
        return f"{self.prefix}DeadLetterQueue"

    @property
    def rule(self) -> str:
        """Return the nightly rule."""
        return f"{self.prefix}Rule"


def missing_parts(job: Job, sources: Sources) -> list[str]:
    """Return a sentence for each part that a job lacks; none for a complete job."""
    names = JobNames(job.name)
    parts = [*_sql_parts(job, sources), *_count_parts(job, sources), *_page_parts(job, sources)]
    if job.needs_run:
        parts += _request_parts(names, sources)
    else:
        parts += [*_rule_parts(names, sources), *_sample_parts(names, sources)]
    if job.shares_worker_of is None:
        worker = find_worker(names, sources)
        parts += _dispatch_parts(names, sources)
        parts += [*_queue_parts(names, sources), *_worker_parts(names, worker, sources)]
    return [sentence for sentence, is_there in parts if not is_there]


def find_worker(names: JobNames, sources: Sources) -> str:
    """Return the function that reads the job's queue; empty if there is none."""
    for name, resource in sources.resources.items():
        events = resource.get("Properties", {}).get("Events", {})
        if resource["Type"] == "AWS::Serverless::Function" and names.queue in _queues_of(events):
            return name
    return ""


def _queues_of(events: Mapping[str, Any]) -> set[str]:
    arns = (event["Properties"].get("Queue") for event in events.values())
    return {arn["Fn::GetAtt"][0] for arn in arns if isinstance(arn, dict)}


def _sql_parts(job: Job, sources: Sources) -> Iterator[Part]:
    path = f"{SCHEMAS}/functions/{job.listing}.sql"
    text = sources.text(path)
    yield f"{path}: the function that lists the job's mentors", bool(text)
    grant = rf"grant execute on function public\.{job.listing}\b[^;]*\bmentor_pause_job\b"
    yield (
        f"{path}: a grant for the dispatcher's role, mentor_pause_job",
        re.search(grant, text) is not None,
    )
    for name in BY_JOB:
        path = f"{SCHEMAS}/{name}"
        yield f"{path}: a branch for '{job.name}'", f"'{job.name}'" in sources.text(path)


def _count_parts(job: Job, sources: Sources) -> Iterator[Part]:
    count = f"{job.effect}_count"
    for path, what in (
        (f"{SCHEMAS}/tables/scheduler_execution_log.sql", f"the column {count}"),
        (f"{SCHEMAS}/functions/finish_execution.sql", f"the argument p_{count}"),
        (f"{LAYER}/domain/messages.py", f"the field {count} of RunCompleted"),
        (f"{LAYER}/database/calls.py", f"the field {count} of a row of the log"),
        ("functions/api/models.py", f"the field {count} of a run"),
        ("cli/show/runs.py", f"the count {count}"),
    ):
        yield f"{path}: {what}", count in sources.text(path)


def _dispatch_parts(names: JobNames, sources: Sources) -> Iterator[Part]:
    settings = sources.text(f"{LAYER}/config/settings.py")
    field = f"{names.job}_queue_url"
    yield (
        f"{LAYER}/config/settings.py: the setting {field}, and the queue in url_by_job",
        f"{field}: str" in settings and f'"{names.job}": self.{field}' in settings,
    )
    variables = sources.properties("Dispatcher").get("Environment", {}).get("Variables", {})
    yield (
        f"template.yaml: the dispatcher's variable {field.upper()}",
        variables.get(field.upper()) == {"Ref": names.queue},
    )
    yield (
        f"template.yaml: the dispatcher's right to send to {names.queue}",
        _allows(sources, "DispatcherRole", "sqs:SendMessage", names.queue),
    )


def _rule_parts(names: JobNames, sources: Sources) -> Iterator[Part]:
    rule = sources.properties(names.rule)
    permission = sources.properties(f"{names.rule}Permission")
    yield (
        f"template.yaml: {names.rule}, which sends the dispatcher job_name {names.job}",
        f'\\"job_name\\": \\"{names.job}\\"' in json.dumps(rule.get("Targets", [])),
    )
    yield (
        f"template.yaml: {names.rule}Permission, which lets the rule invoke the dispatcher",
        permission.get("SourceArn") == _arn(names.rule),
    )
    yield (
        f"template.yaml: {names.rule} in the policy of the queue for undelivered triggers",
        any(
            _arn(names.rule) in _values(policy) for policy in _of_type(sources, "SQS::QueuePolicy")
        ),
    )


def _queue_parts(names: JobNames, sources: Sources) -> Iterator[Part]:
    queue = sources.properties(names.queue)
    dead_letters = sources.properties(names.dead_letter_queue)
    yield f"template.yaml: the queue {names.queue}", bool(queue)
    yield f"template.yaml: the queue {names.dead_letter_queue}", bool(dead_letters)
    yield (
        f"template.yaml: the way of a failed page from {names.queue} to its dead-letter queue",
        queue.get("RedrivePolicy", {}).get("deadLetterTargetArn") == _arn(names.dead_letter_queue),
    )
    yield (
        f"template.yaml: the way from {names.dead_letter_queue} to the quarantine",
        bool(dead_letters.get("RedrivePolicy")),
    )
    for name in (names.queue, names.dead_letter_queue):
        yield (
            f"template.yaml: the output {name}Url, for the command line",
            f"{name}Url" in sources.template["Outputs"],
        )
    yield (
        f"template.yaml: an alarm that watches {names.dead_letter_queue}",
        _is_watched(sources, {"Fn::GetAtt": [names.dead_letter_queue, "QueueName"]}),
    )


def _worker_parts(names: JobNames, worker: str, sources: Sources) -> Iterator[Part]:
    yield f"template.yaml: a function with an event source on {names.queue}", bool(worker)
    function = sources.properties(worker)
    handler = function.get("Handler", "FOLDER.app.handler")
    path = f"functions/{handler.split('.')[0]}/app.py"
    yield (
        f'{path}: the worker\'s handler, with open_worker("{names.job}", ...)',
        f'open_worker("{names.job}"' in sources.text(path),
    )
    yield (
        f"template.yaml: the worker's event source on {names.dead_letter_queue}",
        names.dead_letter_queue in _queues_of(function.get("Events", {})),
    )
    variables = function.get("Environment", {}).get("Variables", {})
    yield (
        "template.yaml: the worker's variables QUEUE_URL and DEAD_LETTER_QUEUE_URL",
        (variables.get("QUEUE_URL"), variables.get("DEAD_LETTER_QUEUE_URL"))
        == ({"Ref": names.queue}, {"Ref": names.dead_letter_queue}),
    )
    role = f"{worker}Role"
    for action, queue in (
        ("sqs:ReceiveMessage", names.queue),
        ("sqs:ReceiveMessage", names.dead_letter_queue),
        ("sqs:SendMessage", names.queue),
    ):
        yield (
            f"template.yaml: the worker's right to {action} on {queue}",
            _allows(sources, role, action, queue),
        )
    yield (
        "template.yaml: an alarm that watches the worker's errors",
        bool(worker) and _is_watched(sources, {"Ref": worker}),
    )


def _sample_parts(names: JobNames, sources: Sources) -> Iterator[Part]:
    for kind in SAMPLES:
        name = f"{names.job}_{kind}"
        yield f"events/{name}.json: a sample event", f"events/{name}.json" in sources.files
        yield f"events/README.md: a row for {name}.json", name in sources.text("events/README.md")
        yield (
            f"local/sam_local.py: the expected result of {name}",
            f'"{name}"' in sources.text("local/sam_local.py"),
        )


def _request_parts(names: JobNames, sources: Sources) -> Iterator[Part]:
    """Yield the parts of a job whose requests name another run: it has no rule."""
    name = f"{names.job}_request"
    yield f"events/{name}.json: a sample event", f"events/{name}.json" in sources.files
    yield f"events/README.md: a row for {name}.json", name in sources.text("events/README.md")
    yield (
        f"local/sam_local.py: the expected result of {name}",
        f'"{name}"' in sources.text("local/sam_local.py"),
    )


def _page_parts(job: Job, sources: Sources) -> Iterator[Part]:
    places = [("docs/architecture.md", f"| `{job.name}` |"), ("docs/glossary.md", f"`{job.name}`")]
    if not job.needs_run:
        places += [("docs/smoke-test.md", f"`{job.name}`"), ("cli/run_commands.py", job.name)]
    for path, what in places:
        yield f"{path}: the job's name", what in sources.text(path)


def _arn(resource: str) -> dict[str, list[str]]:
    return {"Fn::GetAtt": [resource, "Arn"]}


def _of_type(sources: Sources, kind: str) -> list[Mapping[str, Any]]:
    return [r["Properties"] for r in sources.resources.values() if r["Type"] == f"AWS::{kind}"]


def _allows(sources: Sources, role: str, action: str, resource: str) -> bool:
    return any(
        action in _listed(statement["Action"]) and _arn(resource) in _listed(statement["Resource"])
        for policy in sources.properties(role).get("Policies", [])
        for statement in policy["PolicyDocument"]["Statement"]
    )


def _is_watched(sources: Sources, dimension: object) -> bool:
    return any(dimension in _values(alarm) for alarm in _of_type(sources, "CloudWatch::Alarm"))


def _listed(value: Any) -> list[Any]:
    if isinstance(value, list):
        return cast("list[Any]", value)
    return [value]


def _values(node: Any) -> Iterator[Any]:
    """Yield every value inside a part of the template."""
    yield node
    children: list[Any] = []
    if isinstance(node, dict):
        children = list(cast("dict[str, Any]", node).values())
    elif isinstance(node, list):
        children = cast("list[Any]", node)
    for child in children:
        yield from _values(child)


def main() -> int:
    """Print what each job of the registry lacks."""
    sources = Sources.read()
    missing = [
        f"{job.name}: {part}" for job in JOBS.values() for part in missing_parts(job, sources)
    ]
    sys.stdout.writelines(f"{line}\n" for line in missing)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
