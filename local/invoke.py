"""Calls one function in this process, on the local stack: `python -m local.invoke FUNCTION EVENT`.

FUNCTION is a name in `template.yaml`, EVENT a file such as `events/monitor_hourly.json`. The
function's environment is the deployed one, so it works on the local stack's database, ledger and
queues. Since nothing runs between the debugger and the handler, `breakpoint()` stops in this
terminal, and an editor can start this module under its own debugger. The answer goes to standard
output.
"""

import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from local.deployment import client
from local.emulator import CREDENTIALS
from local.errors import StackError
from local.scratch import run_command
from local.stack import LocalStack
from local.template import load_template

_USAGE = "usage: python -m local.invoke FUNCTION EVENT, such as Monitor events/monitor_hourly.json"


@dataclass(frozen=True)
class _Context:
    """What the functions read of Lambda's context object."""

    function_name: str
    deadline: float
    """When Lambda would stop the function, by `time.monotonic`. Nothing stops it here."""
    function_version: str = "$LATEST"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:eu-north-1:000000000000:function:local"
    aws_request_id: str = "00000000-0000-4000-8000-000000000000"

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self.deadline - time.monotonic()) * 1000))


def invoke(function: str, event: object, stack: LocalStack) -> Any:
    """Give `event` to a function's handler, and return its answer.

    The environment of this process becomes the function's.

    Raises:
        StackError: the local stack is not up, or the template has no such function.
    """
    state = stack.require()
    resource = load_template()["Resources"].get(function, {})
    if resource.get("Type") != "AWS::Serverless::Function":
        raise StackError(f"template.yaml has no function {function}; {_USAGE}")
    properties = resource["Properties"]
    deployed = client(state, "lambda").get_function_configuration(
        FunctionName=state.outputs[f"{function}FunctionName"]
    )
    reach = {"AWS_ENDPOINT_URL": stack.environment(state)["AWS_ENDPOINT_URL"], **CREDENTIALS}
    os.environ.update(deployed["Environment"]["Variables"] | reach)
    module, _, name = properties["Handler"].rpartition(".")
    context = _Context(function, time.monotonic() + properties["Timeout"])
    return getattr(import_module(module), name)(event, context)


def main(arguments: Sequence[str]) -> int:
    """Invoke the function that the arguments name, and print its answer."""
    if len(arguments) != 2:  # noqa: PLR2004 - a function and an event
        raise StackError(_USAGE)
    function, file = arguments
    answer = invoke(function, json.loads(Path(file).read_text()), LocalStack())
    print(json.dumps(answer, indent=2))  # noqa: T201 - the result
    return 0


if __name__ == "__main__":
    sys.exit(run_command(lambda: main(sys.argv[1:])))
