"""Metrics as they are written: lines of CloudWatch's embedded metric format on standard output."""

import json
from typing import Any

import pytest


def emitted(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """Return the metrics that were written since the last call, by name."""
    return metrics_in([json.loads(line) for line in capsys.readouterr().out.splitlines()])


def metrics_in(lines: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the metrics in lines that hold nothing else, by name."""
    return {
        metric["Name"]: line[metric["Name"]]
        for line in lines
        for directive in line["_aws"]["CloudWatchMetrics"]
        for metric in directive["Metrics"]
    }
