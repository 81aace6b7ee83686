"""Every alarm and the dashboard, compared with the metrics of the code and of AWS.

An alarm on a metric without data never changes its state.
"""

import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from aws_lambda_powertools import Logger, Metrics

from local.places import ROOT
from local.template import load_template
from mentor_pause.database.message_results import MessageFigures
from mentor_pause.database.plan_results import BrakeFigures
from monitor.check import Check
from monitor.nightly_check import Freshness
from portal_drift.measure import Drift
from portal_drift.report import Report
from portal_drift.waiting import Waiting

TEMPLATE = load_template()
ENGINE = ROOT / "layers/shared/mentor_pause/engine"
RESOURCES: dict[str, Any] = TEMPLATE["Resources"]
FUNCTIONS = {n for n, r in RESOURCES.items() if r["Type"] == "AWS::Serverless::Function"}
ALARMS: dict[str, Any] = {
    name: resource["Properties"]
    for name, resource in RESOURCES.items()
    if resource["Type"] == "AWS::CloudWatch::Alarm"
}
FILTERS: dict[str, Any] = {
    name: resource["Properties"]
    for name, resource in RESOURCES.items()
    if resource["Type"] == "AWS::Logs::MetricFilter"
}
COUNTED = {f["MetricTransformations"][0]["MetricName"] for f in FILTERS.values()}
"""Metrics that count lines of logs."""
COMPLETING = {"Dispatcher", "ExpiryWorker", "HlfSyncWorker", "Monitor"}
"""The functions that complete runs."""
OWN = {"Ref": "AWS::StackName"}
AWS_METRICS = {
    "AWS/SQS": ("QueueName", {"NumberOfMessagesReceived", "ApproximateNumberOfMessagesVisible"}),
    "AWS/Lambda": ("FunctionName", {"Errors", "Throttles", "Duration"}),
    "AWS/ApiGateway": ("ApiName", {"Count", "4XXError", "5XXError"}),
}
"""The metrics of the AWS services in use, with the dimension that names the resource."""


def metrics_of(alarm: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the metrics of an alarm: its one, or those of its expression."""
    if "MetricName" in alarm:
        yield alarm
    for found in alarm.get("Metrics", []):
        if "MetricStat" in found:
            yield found["MetricStat"]["Metric"]


def dimensions_of(metric: dict[str, Any]) -> dict[str, Any]:
    """Return a metric's dimensions."""
    return {d["Name"]: d["Value"] for d in metric.get("Dimensions", [])}


class AllIsWell:
    """Answers the questions of monitor and drift, on a day without trouble."""

    def moment(self) -> datetime:
        """Return the present one."""
        return datetime(2026, 3, 1, 2, 30, tzinfo=UTC)

    def due_day(self, _moment: datetime) -> date:
        """Return the day of the last night."""
        return date(2026, 3, 1)

    def count_stale(self, _day: date) -> int:
        """Nobody is stale."""
        return 0

    def count_uncertified(self) -> int:
        """Everybody has a certification."""
        return 0

    def once(self) -> "AllIsWell":
        """Return the same answers."""
        return self

    def paused_unwarned(self, _day: date) -> list[UUID]:
        """Everybody who was paused had a warning."""
        return []

    def brake_figures(self, _day: date) -> BrakeFigures:
        """Nobody is held, and every pause was foreseen."""
        return BrakeFigures(
            held_count=0, held_by=None, held_since=None, plan_hash=None, is_approved=False,
            unforeseen_count=0, unforeseen_by=None,
        )  # fmt: skip

    def message_figures(self) -> MessageFigures:
        """Every message arrived."""
        return MessageFigures(
            undelivered_count=0, bounced_count=0, complained_count=0, unknown_count=0,
            no_address_count=0,
        )  # fmt: skip

    def freshness(self, _moment: datetime, _day: date) -> Freshness:
        """The night has been."""
        return Freshness(hours_since_completed_run=1.0, is_missed=False)

    def is_on(self) -> bool:
        """The portal is reached."""
        return True


@pytest.fixture
def emitted(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, Any]]:
    """The line of every metric that the code emits, by the metric's name."""
    metrics, logger = Metrics(namespace="a-stack", service="mentor-pause"), Logger(service="alarms")
    parts: Any = AllIsWell()
    nothing_hangs: Any = dict
    drift = Drift(datetime(2026, 3, 1, tzinfo=UTC), 0, ())

    def measure() -> Any:
        return lambda _remaining: drift  # pyright: ignore[reportUnknownLambdaType]

    Check(lambda: parts, lambda: nothing_hangs, metrics, logger)()
    waiting: Any = lambda: Waiting(0, None, 0)  # noqa: E731
    record: Any = str
    Report(lambda: parts, measure, lambda: waiting, lambda: record, metrics, logger)(lambda: 60)
    lines = [json.loads(text) for text in capsys.readouterr().out.splitlines() if "_aws" in text]
    return {
        metric["Name"]: line
        for line in lines
        for directive in line["_aws"]["CloudWatchMetrics"]
        for metric in directive["Metrics"]
    }


@pytest.mark.parametrize("name", sorted(ALARMS))
def test_an_alarm_watches_metrics_that_are_there(
    name: str, emitted: dict[str, dict[str, Any]]
) -> None:
    """Name, dimensions and namespace are the same, and the resource is in the template."""
    found = list(metrics_of(ALARMS[name]))
    assert found
    for metric in found:
        dimensions = dimensions_of(metric)
        if metric["Namespace"] == OWN and metric["MetricName"] in COUNTED:
            assert dimensions == {}
        elif metric["Namespace"] == OWN:
            line = emitted[metric["MetricName"]]
            (directive,) = line["_aws"]["CloudWatchMetrics"]
            assert directive["Dimensions"] == [list(dimensions)]
            assert {dimension: line[dimension] for dimension in dimensions} == dimensions
        else:
            dimension, names = AWS_METRICS[metric["Namespace"]]
            assert metric["MetricName"] in names
            (value,) = [dimensions.pop(dimension)]
            assert dimensions == {}
            assert value == OWN or next(iter(references(value))) in RESOURCES


def test_a_step_that_is_left_out_is_counted_in_each_function_that_completes_runs() -> None:
    """E8: the filter looks for the line that the completion logs."""
    filters = [found for name, found in FILTERS.items() if name.startswith("StepsLeftOut")]
    groups = {found["LogGroupName"]["Ref"] for found in filters}
    assert groups == {f"{function}Logs" for function in COMPLETING}
    for found in filters:
        assert f'"{message_of(found)}"' in (ENGINE / "completion.py").read_text()
        assert counted_by(found) == "StepsLeftOut"


def test_a_page_that_the_console_cannot_show_is_counted() -> None:
    """The filter looks for the line that the console logs for a status of 500 or more."""
    found = FILTERS["PagesNotShown"]
    assert found["LogGroupName"] == {"Ref": "ConsoleLogs"}
    code = "".join(file.read_text() for file in package_of("Console").rglob("*.py"))
    assert f'"{message_of(found)}"' in code
    assert counted_by(found) == ALARMS["ConsoleErrorsAlarm"]["MetricName"] == "ConsoleErrors"


def message_of(metric_filter: dict[str, Any]) -> str:
    """Return the message of the lines that a filter counts."""
    message = re.fullmatch(r'\{ \$\.message = "(.+)" \}', metric_filter["FilterPattern"])
    assert message
    return message[1]


def counted_by(metric_filter: dict[str, Any]) -> str:
    """Return the metric of this stack that counts one for each line of a filter."""
    (counted,) = metric_filter["MetricTransformations"]
    assert (counted["MetricNamespace"], counted["MetricValue"]) == (OWN, "1")
    return counted["MetricName"]


def references(value: Any) -> Iterator[str]:
    """Yield the resources that a value names."""
    if "Ref" in value:
        yield value["Ref"]
    elif "Fn::GetAtt" in value:
        yield value["Fn::GetAtt"][0]


def test_what_emits_metrics_does_so_where_the_alarms_look() -> None:
    """The namespace is the stack's name, the dimension the service's."""
    shared = TEMPLATE["Globals"]["Function"]["Environment"]["Variables"]
    assert shared["POWERTOOLS_SERVICE_NAME"] == "mentor-pause"
    for function in FUNCTIONS:
        text = "".join(f.read_text() for f in package_of(function).glob("*.py"))
        own = RESOURCES[function]["Properties"]["Environment"]["Variables"]
        assert ("Metrics()" in text) == ("POWERTOOLS_METRICS_NAMESPACE" in own), function
        assert own.get("POWERTOOLS_METRICS_NAMESPACE", OWN) == OWN


def package_of(function: str) -> Path:
    """Return the folder of a function's code."""
    return ROOT / "functions" / RESOURCES[function]["Properties"]["Handler"].split(".")[0]


def test_every_metric_of_the_code_is_watched_or_shown(emitted: dict[str, dict[str, Any]]) -> None:
    """And the dashboard shows no metric that the code does not emit."""
    dashboard = json.dumps(RESOURCES["Dashboard"])
    watched = {m["MetricName"] for a in ALARMS.values() for m in metrics_of(a)}
    assert {name for name in emitted if name not in watched and name not in dashboard} == set()
    shown = set(re.findall(r'\[\\+"\$\{AWS::StackName\}\\+", \\+"(\w+)\\+"', dashboard))
    notifier = (ROOT / "functions/notify/app.py").read_text()
    sent = set(re.findall(r'add_metric\("(\w+)"', notifier))
    assert shown == shown & (emitted.keys() | sent | COUNTED)
    assert sent <= shown
    assert {"StaleActiveMentors", "NightMissed", "HoursSinceCompletedRun"} <= shown


@pytest.mark.parametrize(
    "alarm",
    [
        "StaleMentorsAlarm",
        "MissedNightAlarm",
        "HungRunsAlarm",
        "PortalDriftUnmeasuredAlarm",
        "MentorsHeldAlarm",
        "UnforeseenPausesAlarm",
        "PausedUnwarnedAlarm",
        "UndeliveredMessagesAlarm",
    ],
)
def test_silence_of_what_is_measured_every_hour_rings(alarm: str) -> None:
    """O1, W7: a monitor that does not run is as bad as a stale mentor."""
    properties = ALARMS[alarm]
    assert (properties["TreatMissingData"], properties["Threshold"]) == ("breaching", 0)
    assert (properties["Period"], properties["ComparisonOperator"]) == (
        3600,
        "GreaterThanThreshold",
    )


def test_the_stale_alarm_rings_at_the_first_count_above_zero() -> None:
    """O1."""
    properties = ALARMS["StaleMentorsAlarm"]
    assert (properties["Statistic"], properties["EvaluationPeriods"]) == ("Maximum", 1)


@pytest.mark.parametrize("name", ["FunctionErrorsAlarm", "ThrottlesAlarm", "SlowFunctionsAlarm"])
def test_an_alarm_on_functions_is_on_all_of_them(name: str) -> None:
    """Each function is in the expression, because the alarm reads only the expression."""
    expression, *metrics = ALARMS[name]["Metrics"]
    named = {dimensions_of(m["MetricStat"]["Metric"])["FunctionName"]["Ref"] for m in metrics}
    assert named == FUNCTIONS
    for metric in metrics:
        assert metric["ReturnData"] is False
        assert f"FILL({metric['Id']}, 0)" in expression["Expression"]


def test_a_duration_is_held_against_its_functions_own_time_out() -> None:
    """In milliseconds."""
    expression, *metrics = ALARMS["SlowFunctionsAlarm"]["Metrics"]
    for metric in metrics:
        function = dimensions_of(metric["MetricStat"]["Metric"])["FunctionName"]["Ref"]
        timeout = RESOURCES[function]["Properties"]["Timeout"]
        assert f"FILL({metric['Id']}, 0) / {timeout * 1000}" in expression["Expression"]


def test_every_queue_where_something_ends_is_watched() -> None:
    """A worker empties two of them at once, so the alarm counts what arrives there."""
    kinds = {
        next(iter(references(dimensions_of(metric)["QueueName"]))): metric["MetricName"]
        for metric in metrics_of(ALARMS["DeadLettersAlarm"])
    }
    assert kinds == {
        "CertificationExpiryDeadLetterQueue": "NumberOfMessagesReceived",
        "HlfSyncDeadLetterQueue": "NumberOfMessagesReceived",
        "QuarantinedPagesQueue": "ApproximateNumberOfMessagesVisible",
        "TriggerDeadLetterQueue": "ApproximateNumberOfMessagesVisible",
    }


@pytest.mark.parametrize("name", sorted(ALARMS))
def test_an_alarm_tells_somebody_says_what_it_means_and_has_its_place(name: str) -> None:
    """It notifies at its start and end, is on the dashboard, and has a section in the runbook."""
    alarm = ALARMS[name]
    assert alarm["AlarmActions"] == alarm["OKActions"] == [{"Ref": "AlarmTopic"}]
    assert len(alarm["AlarmDescription"]) > 30
    assert f"${{{name}.Arn}}" in json.dumps(RESOURCES["Dashboard"])
    assert f"\n## {name}\n" in (ROOT / "docs/runbook.md").read_text()


def test_the_dashboard_is_json() -> None:
    """Once its references are filled in."""
    text, more = RESOURCES["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    assert more.keys() == {"Alarms"}
    filled = re.sub(r"\$\{[\w:.]+\}", "x", text.replace("${Alarms}", '"x"'))
    kinds = [widget["type"] for widget in json.loads(filled)["widgets"]]
    assert {"alarm", "log", "metric"} == set(kinds)
