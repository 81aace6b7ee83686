"""The whole Lambda of the HTTP entry, in its own process: its log and its time."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.template import ROOT

SECRET, MARK = "scheduler-secret-0123456789-0123456789", "body-of-a-caller-Kari-Nordmann"
PASSWORD = "database-password-0123456789"
RUN = """
import json, logging, os, sys
from types import SimpleNamespace
from moto import mock_aws
events = json.loads(sys.stdin.read())
mock = mock_aws()
if "AWS_ENDPOINT_URL" not in os.environ:
    mock.start()
    import boto3
    boto3.client("secretsmanager").create_secret(Name="api", SecretString=os.environ["SECRETS"])
logging.basicConfig(stream=sys.stdout, level=logging.DEBUG)  # as Lambda does, at LogLevel DEBUG
from api.app import handler
context = SimpleNamespace(
    function_name="api", memory_limit_in_mb=512, invoked_function_arn="arn:aws:lambda:x",
    aws_request_id="request-1", get_remaining_time_in_millis=lambda: int(os.environ["REMAINING"]),
)
for event in events:
    print("ANSWER", json.dumps(handler(event, context)))
"""


def run(*events: object, **environment: str) -> tuple[str, list[dict[str, object]]]:
    """Pass events to the handler one after another; return the output and the answers."""
    database = f"postgresql://mentor_pause_api:{PASSWORD}@127.0.0.1:1/x?sslmode=disable"
    given = {
        "PATH": "/usr/bin", "PYTHONPATH": f"{ROOT}/layers/shared:{ROOT}/functions",
        "AWS_DEFAULT_REGION": "eu-north-1", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x",
        "HLF_ORG_ID": "0f0e0d0c-0b0a-4908-8706-050403020100", "LEDGER_TABLE": "t",
        "DISPATCHER_FUNCTION": "d", "API_SECRET_ID": "api", "SUPABASE_SECRET_ID": "api",
        "AUTH_URL": "http://127.0.0.1:1/auth/v1", "POWERTOOLS_LOG_LEVEL": "DEBUG",
        "REMAINING": "29000",
        "POWERTOOLS_SERVICE_NAME": "mentor-pause",
        "SECRETS": json.dumps({"SCHEDULER_SECRET": SECRET, "SUPABASE_DB_URL": database}),
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", RUN], input=json.dumps(events), capture_output=True, text=True,
        check=False, env=given | environment, timeout=60, cwd=Path("/"),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    answers = [line for line in done.stdout.splitlines() if line.startswith("ANSWER ")]
    return done.stdout + done.stderr, [json.loads(a.removeprefix("ANSWER ")) for a in answers]


def request(credential: str, body: str = "{}") -> dict[str, object]:
    """Return an event that requests a run."""
    return {
        "resource": "/jobs/{job_name}/runs",
        "path": "/jobs/certification_expiry/runs",
        "httpMethod": "POST",
        "headers": {"Authorization": f"Bearer {credential}", "Content-Type": "application/json"},
        "multiValueHeaders": None,
        "pathParameters": {"job_name": "certification_expiry"},
        "requestContext": {"stage": "dev", "path": "/dev/jobs/certification_expiry/runs"},
        "body": body,
        "isBase64Encoded": False,
    }


@pytest.mark.slow
@pytest.mark.parametrize("variable", ["POWERTOOLS_LOGGER_LOG_EVENT", "POWERTOOLS_DEBUG"])
def test_no_variable_makes_it_log_a_credential_or_a_body(variable: str) -> None:
    """E12, E13: at DEBUG, neither the event nor our own secrets."""
    body = json.dumps({"as_of": MARK})
    output, answers = run(
        request(SECRET, body), request("ey.wrong.token-0123456789", body), {"body": MARK},
        **{variable: "true"},
    )  # fmt: skip
    assert [answer["statusCode"] for answer in answers] == [422, 401, 400]
    assert '"message":"refused"' in output.replace(": ", ":"), "something is logged at all"
    for text in (SECRET, PASSWORD, MARK, "token-0123456789", "SCHEDULER_SECRET"):
        assert text not in output, text


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a server that accepts connections and sends nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.slow
def test_a_silent_secrets_manager_does_not_delay_the_answer(silent: str) -> None:
    """R2: the answer is a 503, long before API Gateway's limit."""
    began = time.monotonic()
    output, (answer,) = run(request(SECRET), AWS_ENDPOINT_URL=silent)
    assert answer["statusCode"] == 503
    assert "Secrets Manager did not answer in time" in output
    assert time.monotonic() - began < 12, "3 s, and the start of the process"


@pytest.mark.slow
def test_a_silent_key_server_does_not_delay_the_answer(silent: str) -> None:
    """R2: after one attempt, the entry waits some seconds before it reads the keys again."""
    token = "eyJhbGciOiJFUzI1NiIsImtpZCI6ImEifQ.e30.eHh4eA"
    began = time.monotonic()
    output, answers = run(*[request(token)] * 5, AUTH_URL=silent)
    assert [answer["statusCode"] for answer in answers] == [503] * 5
    assert "keys cannot be read: the key set" in output
    assert "127.0.0.1" not in output
    assert time.monotonic() - began < 12, "3 s in all, and the start of the process"


@pytest.mark.slow
def test_a_silent_dispatcher_does_not_delay_the_answer(silent: str) -> None:
    """R2: the answer comes five seconds before Lambda would end the invocation."""
    began = time.monotonic()
    output, (answer,) = run(request(SECRET), AWS_ENDPOINT_URL_LAMBDA=silent, REMAINING="8000")
    assert answer["statusCode"] == 503
    assert "the dispatcher could not be reached in time" in output
    assert time.monotonic() - began < 10, "3 s, and the start of the process"
