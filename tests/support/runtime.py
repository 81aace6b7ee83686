"""A function as `sam build` made it, in Lambda's own runtime, without Docker.

AWS's runtime client runs it under AWS's emulator of what is around a runtime, which SAM carries.
The Python is one that has boto3 beside the client, as Lambda has, and nothing of the layer's. The
time-out is enforced, the memory is not; any credentials that are given are used, not its role's.
"""

import json
import os
import platform
import socket
import subprocess
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from local import sam
from local.errors import StackError
from local.processes import LOOPBACK, free_port, wait_until
from local.template import ROOT

IS_HERE = (sys.platform, platform.machine()) == ("linux", "x86_64")
"""Whether this machine can run what is built for Lambda: the layer has compiled parts."""

_SITE = f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
_EMULATOR = sam.TOOLS / _SITE / "samcli/local/rapid/aws-lambda-rie-x86_64"
_PYTHON = ROOT / ".tools/runtime/bin/python"
_INVOCATIONS = "2015-03-31/functions/function/invocations"


class FunctionFailed(Exception):
    """The function could not be imported, raised, took too long, or its process ended."""


@dataclass(frozen=True, slots=True)
class Container:
    """A function that runs; all its invocations share one process, as in a warm Lambda."""

    port: int
    timeout: int
    log: Path

    def invoke(self, event: object) -> Any:
        """Return the function's answer. One invocation at a time: the emulator dies of a second.

        Raises:
            FunctionFailed: it gave none; the text is what Lambda says and what the function wrote.
        """
        url = f"http://{LOOPBACK}:{self.port}/{_INVOCATIONS}"
        try:
            response = httpx.post(url, json=event, timeout=self.timeout + 30, trust_env=False)
        except httpx.TransportError as error:
            raise FunctionFailed(f"{error}\n{self.output()}") from error
        with suppress(ValueError):
            answer = response.json()
            if response.is_success and not _is_error(answer):
                return answer
        raise FunctionFailed(f"{response.text}\n{self.output()}")

    def output(self) -> str:
        """Return what the function and the emulator have written up to now."""
        return self.log.read_text()

    def lines(self) -> list[dict[str, Any]]:
        """Return the JSON lines that the function has written: its log and its metrics."""
        return [json.loads(line) for line in self.output().splitlines() if line.startswith("{")]


def _is_error(answer: Any) -> bool:
    return isinstance(answer, dict) and {"errorMessage", "errorType"} <= set(answer)


class BuiltFunction:
    """One function of a build, by its name in the template."""

    def __init__(self, build: Path, name: str) -> None:
        """`build` is the folder that `sam build` left."""
        template: dict[str, Any] = yaml.safe_load((build / "template.yaml").read_text())
        resources = template["Resources"]
        self._name = name
        self._build = build
        shared, own = template["Globals"]["Function"], resources[name]["Properties"]
        logging = {**shared["LoggingConfig"], **own["LoggingConfig"]}
        self._properties: dict[str, Any] = {**shared, **own, "LoggingConfig": logging}
        self._layers = [
            build / resources[layer["Ref"]]["Properties"]["ContentUri"] / "python"
            for layer in [*own.get("Layers", []), *shared["Layers"]]  # a later layer covers earlier
        ]

    @contextmanager
    def running(self, environment: Mapping[str, str], log: Path) -> Generator[Container]:
        """Run it, with that environment and no other; its output goes to the file `log`.

        Raises:
            StackError: the emulator does not listen, or the runtime is not installed.
        """
        if not _PYTHON.exists():
            raise StackError(f"{_PYTHON} is missing; run make .tools/runtime/.done")
        port = free_port()
        command = [
            _EMULATOR,
            "--runtime-interface-emulator-address", f"{LOOPBACK}:{port}",
            "--runtime-api-address", f"{LOOPBACK}:{free_port()}",
            _PYTHON, "-m", "awslambdaric", self._properties["Handler"],
        ]  # fmt: skip
        with (
            log.open("wb") as output,
            subprocess.Popen(
                command, cwd=self._code, env={**environment, **self._surroundings()},
                stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            ) as process,
        ):  # fmt: skip
            try:
                wait_until(
                    lambda: process.poll() is not None or _listens(port), 30, "the Lambda emulator"
                )
                assert process.poll() is None, log.read_text()
                yield Container(port, self._properties["Timeout"], log)
            finally:
                _end(process)

    @property
    def _code(self) -> Path:
        return self._build / self._properties["CodeUri"]

    def _surroundings(self) -> dict[str, str]:
        """What Lambda itself puts into the environment."""
        return {
            "PATH": os.defpath,
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            "LAMBDA_TASK_ROOT": str(self._code),
            "PYTHONPATH": os.pathsep.join(map(str, self._layers)),
            "PYTHONDONTWRITEBYTECODE": "1",  # on Lambda the code cannot be written to either
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{self._properties['Runtime']}",
            "AWS_LAMBDA_FUNCTION_NAME": self._name,
            "AWS_LAMBDA_FUNCTION_TIMEOUT": str(self._properties["Timeout"]),
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(self._properties["MemorySize"]),
            "AWS_LAMBDA_LOG_FORMAT": self._properties["LoggingConfig"]["LogFormat"],
        }


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection((LOOPBACK, port), timeout=1):
        return True
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the emulator, and with it the function's process; first kindly."""
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
