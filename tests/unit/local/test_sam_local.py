"""The function's answer is read from SAM's output, because SAM's exit status is always 0."""

import json
import re

import pytest

from local.places import ROOT
from local.sam_local import SAMPLES, Outcome, result_of

EVENTS = ROOT / "events"


@pytest.mark.parametrize(
    ("output", "result"),
    [
        ('{"batchItemFailures": []}', "done"),
        ('{"job_run_id": "x", "status": "running"}', "started"),
        ('{"job_run_id": "x", "status": "completed"}\n', "started"),
        ('{"status": "measured", "compared": 500}', "measured"),
        ('{"as_of": "2026-11-26", "stale_active_mentors": 0}', "checked"),
        ('{"statusCode": 202, "body": "{}"}', "202"),
        ('{"sent": 12, "refused": 0, "stopped_by": "nothing_due"}', "sent"),
    ],
)
def test_an_answer_becomes_a_word(output: str, result: str) -> None:
    """For the table."""
    assert result_of(output) == result


@pytest.mark.parametrize(
    "answer",
    [
        {"batchItemFailures": [{"itemIdentifier": "m-1"}]},
        {"job_run_id": "x", "status": "failed", "error": "no"},
        {"errorMessage": "boom", "errorType": "ValueError"},
        {"status": "off"},
        {"sent": 0, "refused": 1, "stopped_by": "account"},
        ["x"],
    ],
)
def test_any_other_answer_is_unexpected(answer: object) -> None:
    """The function raised, a page was requeued, or a run did not start."""
    text = json.dumps(answer)
    assert result_of(text) == text
    assert text not in {expected for _, expected in SAMPLES.values()}


@pytest.mark.parametrize("output", ["", "\n"])
def test_no_answer_is_named(output: str) -> None:
    """For example, Docker could not start the function."""
    assert result_of(output) == "no answer"


def test_a_line_of_the_table_names_the_expected_result_if_it_differs() -> None:
    """Docker may not report the memory."""
    good = Outcome("http_list_jobs", "200", "200", 1.26, 45)
    bad = Outcome("http_list_jobs", "401", "200", 1.26, None)
    assert good.line().split() == ["http_list_jobs", "200", "1.3", "45"]
    assert bad.line().split() == ["http_list_jobs", "401", "1.3", "-", "expected:", "200"]


def test_every_sample_is_listed_with_its_function() -> None:
    """In the program for Docker, and on the page about the samples."""
    page = (EVENTS / "README.md").read_text()
    listed = dict(re.findall(r"^\| `(\w+)\.json` \| (\w+) \| .+ \| .+ \|$", page, re.MULTILINE))
    assert listed == {event: function for event, (function, _) in SAMPLES.items()}
    assert {file.stem for file in EVENTS.glob("*.json")} == listed.keys()
