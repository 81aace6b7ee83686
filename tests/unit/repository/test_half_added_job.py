"""A job that lacks a part is noticed, and the sentence names the part (docs/adding-a-job.md)."""

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from local.job_parts import JobNames, Sources, find_worker, missing_parts
from mentor_pause.domain.jobs import JOBS, Job, Listing

SOURCES = Sources.read()
NEW = Job("course_reminder", cast("Listing", "list_course_mentors"), effect="paused")
"""A job whose entry in the registry is its only part."""


def change_template(change: Callable[[dict[str, Any]], object]) -> Sources:
    """Return the repository with another template."""
    template = copy.deepcopy(dict(SOURCES.template))
    change(template["Resources"])
    return replace(SOURCES, template=template)


def without_text(path: str, text: str) -> Sources:
    """Return the repository in which a file lacks a text."""
    assert text in SOURCES.text(path)
    return replace(SOURCES, files={**SOURCES.files, path: SOURCES.text(path).replace(text, "")})


@pytest.mark.parametrize("job", JOBS.values(), ids=lambda job: job.name)
def test_the_jobs_of_the_registry_lack_nothing(job: Job) -> None:
    """D2: the dispatcher accepts a job of the registry, so a worker must process it."""
    assert missing_parts(job, SOURCES) == []


def test_a_job_that_is_only_in_the_registry_lacks_every_part() -> None:
    """The list is what docs/adding-a-job.md walks through, file by file."""
    missing = missing_parts(NEW, SOURCES)
    assert {part.split(": ")[0] for part in missing} == {
        "supabase/schemas/functions/list_course_mentors.sql",
        "supabase/schemas/functions/list_run_outcomes.sql",
        "supabase/schemas/functions/report_late_changes.sql",
        "supabase/schemas/functions/end_lost_execution.sql",
        "supabase/schemas/private/functions/restrict_log_updates.sql",
        "layers/shared/mentor_pause/config/settings.py",
        "template.yaml",
        "functions/FOLDER/app.py",
        *(f"events/course_reminder_{kind}.json" for kind in ("nightly", "page", "dead_page")),
        "events/README.md",
        "local/sam_local.py",
        "docs/architecture.md",
        "docs/glossary.md",
        "docs/smoke-test.md",
        "cli/run_commands.py",
    }
    for resource in ("Queue", "DeadLetterQueue", "Rule", "RulePermission"):
        assert any(f"CourseReminder{resource}" in part for part in missing), resource


def test_an_effect_of_its_own_needs_a_count_everywhere() -> None:
    """E7: its count is in the log, the event, the HTTP answer and the command line."""
    job = replace(JOBS["hlf_sync"], effect=cast("Any", "reminded"))
    missing = missing_parts(job, SOURCES)
    assert all("reminded_count" in part for part in missing)
    assert {Path(part.split(": ")[0]).name for part in missing} == {
        "scheduler_execution_log.sql", "finish_execution.sql", "messages.py", "calls.py",
        "models.py", "runs.py",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("path", "text", "part"),
    [
        ("supabase/schemas/functions/list_unsynced_mentors.sql", "mentor_pause_job",
         ": a grant for the dispatcher's role, mentor_pause_job"),
        ("supabase/schemas/functions/list_run_outcomes.sql", "'hlf_sync'",
         ": a branch for 'hlf_sync'"),
        ("functions/hlf_sync/app.py", 'open_worker("hlf_sync"',
         ': the worker\'s handler, with open_worker("hlf_sync", ...)'),
        ("layers/shared/mentor_pause/config/settings.py", '"hlf_sync": self.',
         ": the setting hlf_sync_queue_url, and the queue in url_by_job"),
        ("events/README.md", "hlf_sync_nightly", ": a row for hlf_sync_nightly.json"),
        ("local/sam_local.py", '"hlf_sync_page"', ": the expected result of hlf_sync_page"),
        ("docs/architecture.md", "| `hlf_sync` |", ": the job's name"),
    ],
)  # fmt: skip
def test_a_file_that_lacks_its_part_is_named(path: str, text: str, part: str) -> None:
    """And nothing else is."""
    assert missing_parts(JOBS["hlf_sync"], without_text(path, text)) == [path + part]


@pytest.mark.parametrize(
    "path", ["events/hlf_sync_page.json", "supabase/schemas/functions/list_unsynced_mentors.sql"]
)
def test_a_file_that_is_not_there_is_named(path: str) -> None:
    """The first sentence about it says so."""
    files = {name: text for name, text in SOURCES.files.items() if name != path}
    missing = missing_parts(JOBS["hlf_sync"], replace(SOURCES, files=files))
    assert missing
    assert all(part.startswith(f"{path}: ") for part in missing)


@pytest.mark.parametrize(
    ("resource", "part"),
    [
        ("HlfSyncQueue", "the queue HlfSyncQueue"),
        ("HlfSyncDeadLetterQueue", "the queue HlfSyncDeadLetterQueue"),
        ("HlfSyncRule", "HlfSyncRule, which sends the dispatcher job_name hlf_sync"),
        (
            "HlfSyncRulePermission",
            "HlfSyncRulePermission, which lets the rule invoke the dispatcher",
        ),
        ("HlfSyncWorker", "a function with an event source on HlfSyncQueue"),
        ("HlfSyncWorkerRole", "the worker's right to sqs:ReceiveMessage on HlfSyncQueue"),
        ("DispatcherRole", "the dispatcher's right to send to HlfSyncQueue"),
        ("DeadLettersAlarm", "an alarm that watches HlfSyncDeadLetterQueue"),
    ],
)
def test_a_resource_that_the_template_lacks_is_named(resource: str, part: str) -> None:
    """So that a deployment is not the first to notice."""
    sources = change_template(lambda resources: resources.pop(resource))
    assert f"template.yaml: {part}" in missing_parts(JOBS["hlf_sync"], sources)


def test_an_event_source_that_the_worker_lacks_is_named() -> None:
    """E8: nothing would close the pages in the dead-letter queue."""
    worker = find_worker(JobNames("hlf_sync"), SOURCES)
    sources = change_template(
        lambda resources: resources[worker]["Properties"]["Events"].pop("DeadPages")
    )
    assert missing_parts(JOBS["hlf_sync"], sources) == [
        "template.yaml: the worker's event source on HlfSyncDeadLetterQueue"
    ]


def test_a_right_that_a_role_lacks_is_named() -> None:
    """R1: a worker that cannot send could not requeue its page."""

    def take_away(resources: dict[str, Any]) -> None:
        policy = resources["HlfSyncWorkerRole"]["Properties"]["Policies"][0]
        statements = policy["PolicyDocument"]["Statement"]
        policy["PolicyDocument"]["Statement"] = [
            statement for statement in statements if statement["Action"] != "sqs:SendMessage"
        ]

    assert missing_parts(JOBS["hlf_sync"], change_template(take_away)) == [
        "template.yaml: the worker's right to sqs:SendMessage on HlfSyncQueue"
    ]
