"""What the simulation takes from `template.yaml`: functions, their settings, their queues."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from bench.scale.database import ORG
from bench.scale.function import FunctionSpec

ACCOUNT = "https://sqs.eu-north-1.amazonaws.com/123456789012"
_STACK = "scale"
_GIVEN = {
    "HlfOrgId": str(ORG),
    "HlfOrgSlug": "hlf",
    "DatabaseSecretArn": "database",
    "AWS::StackName": _STACK,
}

type Template = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Mapped:
    """An event source mapping: a queue, the function that reads it, and how often at once."""

    queue: str
    function: str
    concurrency: int


def function_spec(template: Template, name: str, **settings: str) -> FunctionSpec:
    """Return a function with its environment; `settings` replaces variables."""
    shared = template["Globals"]["Function"]
    properties = template["Resources"][name]["Properties"]
    variables = {
        **shared["Environment"]["Variables"],
        **properties.get("Environment", {}).get("Variables", {}),
    }
    resolved = {
        key: text
        for key, value in variables.items()
        if (text := _resolved(template, value)) is not None
    }
    aws = {"AWS_ACCESS_KEY_ID": "simulated", "AWS_SECRET_ACCESS_KEY": "simulated"}
    return FunctionSpec(
        name, properties["Handler"], properties["Timeout"],
        properties.get("MemorySize", shared["MemorySize"]), resolved | aws | settings,
    )  # fmt: skip


def mappings(template: Template, function: str) -> list[Mapped]:
    """Return the queues whose messages a function gets."""
    events = template["Resources"][function]["Properties"].get("Events", {})
    return [
        Mapped(
            event["Properties"]["Queue"]["Fn::GetAtt"][0],
            function,
            event["Properties"]["ScalingConfig"]["MaximumConcurrency"],
        )
        for event in events.values()
        if event["Type"] == "SQS"
    ]


def default(template: Template, parameter: str) -> str:
    """Return the default of a parameter."""
    return str(template["Parameters"][parameter]["Default"])


def _resolved(template: Template, value: object) -> str | None:
    """Return the text of a variable; None: it is unset on AWS."""
    if not isinstance(value, dict):
        return str(value)
    ((function, name),) = cast("dict[str, str]", value).items()
    if function == "Fn::Sub":
        return f"mentor-pause.{_STACK}"
    if name == "AWS::NoValue":
        return None
    if name in _GIVEN:
        return _GIVEN[name]
    if name in template["Parameters"]:
        return default(template, name)
    is_queue = template["Resources"][name]["Type"] == "AWS::SQS::Queue"
    return f"{ACCOUNT}/{name}" if is_queue else name
