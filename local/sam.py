"""Runs SAM's command line on this checkout: `python -m local.sam build`, `validate --lint` etc.

Telemetry and the check for newer versions are switched off. The Python of this environment comes
first on the path, because `sam build` needs a `python3.13` with pip, which a version manager's shim
may not have. After `sam build` this module compiles the code to bytecode (`bytecode.py`), and lets
the built template accept only the processors that the build is for (`architecture.py`).
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from local.architecture import restrict_template
from local.bytecode import compile_folder
from local.errors import StackError
from local.scratch import run_command
from local.template import ROOT

TOOLS = ROOT / ".tools/sam"
_BUILD = ROOT / ".aws-sam/build"


def build() -> Path:
    """Build the functions and the layers for a deployment; return their folder.

    Raises:
        StackError: SAM is not installed, or the build fails.
    """
    done = _run(["build"], stdout=subprocess.PIPE)
    if done.returncode != 0:
        raise StackError(f"sam build failed: {done.stdout.strip()}")
    _complete()
    return _BUILD


def _complete() -> None:
    restrict_template(_BUILD)
    for folder in filter(Path.is_dir, _BUILD.iterdir()):
        compile_folder(folder, "/opt" if folder.name.endswith("Layer") else "/var/task")


def invoke(
    function: str, event: str, env_vars: Path, environ: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Invoke a built function in Docker with an event (JSON); return SAM's output.

    Raises:
        StackError: SAM is not installed.
    """
    command = [_program(), "local", "invoke", function, "--event", "-", "--env-vars", env_vars]
    return subprocess.run(
        command, check=False, cwd=ROOT, env=_environment(environ), input=event,
        capture_output=True, text=True,
    )  # fmt: skip


def _run(arguments: list[str], stdout: int | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [_program(), *arguments], check=False, cwd=ROOT, env=_environment(os.environ),
        stdin=subprocess.DEVNULL, stdout=stdout, stderr=stdout and subprocess.STDOUT, text=True,
    )  # fmt: skip


def _program() -> Path:
    program = TOOLS / "bin/sam"
    if not program.exists():
        raise StackError(
            f"SAM is not installed in {TOOLS}; run make {TOOLS.relative_to(ROOT)}/.done"
        )
    return program


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    return {
        **environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{environ.get('PATH', os.defpath)}",
        "SAM_CLI_TELEMETRY": "0",
        # The folder of SAM's settings instead of $HOME. SAM's own tests use this variable.
        "__SAM_CLI_APP_DIR": str(_settings()),
    }


def _settings() -> Path:
    """Write that SAM has just looked for a newer version; it looks once a week."""
    folder = TOOLS / "notes"
    folder.mkdir(exist_ok=True)
    (folder / "metadata.json").write_text(json.dumps({"lastVersionCheck": time.time()}))
    return folder


def main() -> int:
    """Run SAM with the arguments of the command line; return its exit status."""
    code = _run(sys.argv[1:]).returncode
    if code == 0 and sys.argv[1:2] == ["build"]:
        _complete()
    return code


if __name__ == "__main__":
    sys.exit(run_command(main))
