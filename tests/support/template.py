"""`template.yaml`, parsed."""

from collections.abc import Iterator
from typing import Any

from local.template import load_template

TEMPLATE = load_template()
RESOURCES: dict[str, Any] = TEMPLATE["Resources"]


def of_type(kind: str) -> dict[str, Any]:
    """Return the properties of the resources of a type."""
    return {n: r["Properties"] for n, r in RESOURCES.items() if r["Type"] == f"AWS::{kind}"}


FUNCTIONS = of_type("Serverless::Function")
QUEUES = of_type("SQS::Queue")
ROLES = of_type("IAM::Role")
OWN_SOURCE = {"Fn::Sub": "mentor-pause.${AWS::StackName}"}
WORKERS = {n: f for n, f in FUNCTIONS.items() if "QUEUE_URL" in f["Environment"]["Variables"]}


def sources() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield function, queue and properties of each event source."""
    for name, function in WORKERS.items():
        for event in function["Events"].values():
            yield name, event["Properties"]["Queue"]["Fn::GetAtt"][0], event["Properties"]


def variables(function: str) -> set[str]:
    """Return the names of a function's environment variables."""
    shared = TEMPLATE["Globals"]["Function"]["Environment"]["Variables"]
    return {*shared, *FUNCTIONS[function]["Environment"]["Variables"]}
