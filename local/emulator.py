"""Starts the AWS emulator (MiniStack) from its own virtual environment, on loopback."""

import json
import os
import urllib.error
import urllib.request
from pathlib import Path

from local.errors import StackError
from local.processes import LOOPBACK, Process, spawn
from local.template import ROOT

REGION = "eu-north-1"
ACCOUNT = "000000000000"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": REGION,
}
_PYTHON = ROOT / ".tools/emulator/bin/python"


_BUSY_SECONDS = 10
"""A busy emulator may take so long to answer; a stopped one refuses the connection at once."""


def start_emulator(folder: Path, port: int) -> Process:
    """Start the emulator; it answers requests a little later.

    Raises:
        StackError: the emulator is not installed.
    """
    if not _PYTHON.exists():
        raise StackError(f"the emulator is not installed in {_PYTHON.parent}; run make setup")
    scratch = folder / "emulator"
    scratch.mkdir(parents=True, exist_ok=True)
    return spawn([str(_PYTHON), "-m", "ministack"], environment(scratch, port), log(folder))


def log(folder: Path) -> Path:
    """Return the emulator's log file."""
    return folder / "emulator.log"


def is_answering(port: int) -> bool:
    """Whether an emulator answers on the port."""
    try:
        with urllib.request.urlopen(
            f"http://{LOOPBACK}:{port}/_ministack/health", timeout=_BUSY_SECONDS
        ) as answer:
            return "services" in json.load(answer)
    except (OSError, ValueError, urllib.error.URLError):
        return False


def environment(scratch: Path, port: int) -> dict[str, str]:
    """Return the environment of the emulator's process; `scratch` is the folder for its files."""
    # The user's own AWS settings must not reach the emulator or its Lambdas, and the emulator must
    # not pass the mails on to the user's mail server (SMTP_HOST).
    left_out = ("AWS_", "SUPABASE_", "PYTHON", "SMTP_")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(left_out)}
    return kept | CREDENTIALS | {
        # Each Lambda acts as its own role, and the template's policies are enforced.
        "AUTH": "true",
        "BIND_HOST": LOOPBACK,
        "GATEWAY_PORT": str(port),
        "MINISTACK_HOST": LOOPBACK,
        "MINISTACK_REGION": REGION,
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        # Only the services that the template uses. Others, such as MQTT, would open more ports.
        "SERVICES": "s3,sqs,dynamodb,lambda,iam,sts,secretsmanager,ssm,logs,events,cloudformation,"
        "apigateway,monitoring,sns,ses",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "STATE_DIR": str(scratch / "state"),
        "S3_DATA_DIR": str(scratch / "s3"),
        "TMPDIR": str(scratch),
        # Lambda repeats a failed asynchronous invocation after one minute, then after two.
        "LAMBDA_ASYNC_RETRY_BASE_SECONDS": "60",
        "LAMBDA_ASYNC_RETRY_MAX_SECONDS": "120",
    }  # fmt: skip
