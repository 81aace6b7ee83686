"""docs/alarms.md is a table of the template's alarms, with the numbers of the template."""

import re
from typing import Any

import pytest

from local.places import ROOT
from local.template import load_template

DOCS = ROOT / "docs"
RESOURCES: dict[str, Any] = load_template()["Resources"]
ALARMS: dict[str, Any] = {
    name: resource["Properties"]
    for name, resource in RESOURCES.items()
    if resource["Type"] == "AWS::CloudWatch::Alarm"
}
ROWS = {
    row[0]: row
    for row in (
        [cell.strip() for cell in line.strip("|").split(" | ")]
        for line in (DOCS / "alarms.md").read_text().splitlines()
        if line.startswith("| [")
    )
}
PERIODS = {300: "5 minutes", 900: "15 minutes", 3600: "1 hour"}


def link(alarm: str) -> str:
    """Return the first cell of an alarm's row."""
    return f"[{alarm}](runbook.md#{alarm.lower()})"


def measures(alarm: dict[str, Any]) -> set[tuple[str, str]]:
    """Return each metric's name, with AWS's namespace, and how it is summarised."""
    stats = [metric["MetricStat"] for metric in alarm.get("Metrics", [{}])[1:]] or [
        {
            "Metric": alarm,
            "Stat": alarm.get("Statistic") or alarm["ExtendedStatistic"],
            "Period": alarm["Period"],
        }
    ]
    return {
        (
            f"{stat['Metric']['Namespace']} {stat['Metric']['MetricName']}"
            if isinstance(stat["Metric"]["Namespace"], str)
            else stat["Metric"]["MetricName"],
            f"{stat['Stat'].lower()} of {PERIODS[stat['Period']]}",
        )
        for stat in stats
    }


def starts_when(alarm: dict[str, Any]) -> str:
    """Return the fourth cell of an alarm's row."""
    assert alarm["ComparisonOperator"] == "GreaterThanThreshold"
    missing = {"breaching": ", or missing", "notBreaching": ""}[alarm["TreatMissingData"]]
    count = alarm["EvaluationPeriods"]
    return f"> {alarm['Threshold']}{missing}" + (f", {count} times in a row" if count > 1 else "")


def test_the_table_has_each_alarm_once_in_the_templates_order() -> None:
    """And no other."""
    assert list(ROWS) == [link(alarm) for alarm in ALARMS]


@pytest.mark.parametrize("name", ALARMS)
def test_a_row_has_the_meaning_the_metric_and_the_threshold_of_the_template(name: str) -> None:
    """The first command is one that the runbook's reader can type."""
    _, meaning, metric, when, command = ROWS[link(name)]
    alarm = ALARMS[name]
    assert meaning == alarm["AlarmDescription"]
    expected = measures(alarm)
    assert set(re.findall(r"`([^`]+)`", metric)) == {metric_name for metric_name, _ in expected}
    for _, statistic in expected:
        assert statistic in metric
    assert when == starts_when(alarm)
    assert re.fullmatch(r"`(mentor-pause|lines|aws) [^`]+`", command)
