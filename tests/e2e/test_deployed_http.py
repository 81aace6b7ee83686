"""The deployed template: runs by HTTP, behind API Gateway (D3, O3)."""

import json
import subprocess
from pathlib import Path
from uuid import UUID

import httpx
import psycopg
import pytest

from api.handle_request import HEADERS
from api.problems import MEDIA_TYPE
from local.template import ROOT
from support import identity
from support.deployed import Deployed, mentor_pause, rows

pytestmark = pytest.mark.xdist_group("stack")

SCHEMATHESIS = ROOT / ".tools/schemathesis/bin/schemathesis"
START = "/jobs/certification_expiry/runs"


def credential(who: str) -> str:
    """The credential that the command line gives to developers."""
    return mentor_pause("local", "token", who).stdout.strip()


@pytest.mark.parametrize("who", ["coordinator", "admin", "machine"])
def test_a_member_starts_a_run_and_follows_it(
    deployed: Deployed, owner: psycopg.Connection, who: str
) -> None:
    """O3: 202, and `Location` leads to the run. Its row names the member."""
    answer = deployed.api("POST", START, credential(who), json={})
    assert answer.status_code == 202
    place = str(answer.request.url.join(answer.headers["Location"]))
    deployed.finish(answer.json()["job_run_id"])
    found = httpx.get(place, headers={"Authorization": f"Bearer {credential(who)}"}).json()
    assert (found["status"], found["paused_count"], found["trigger"]) == (
        "completed",
        150,
        "manual",
    )
    assert found["triggered_by"].split()[0] == ("machine" if who == "machine" else "user")
    ids = found["mentor_ids_applied"]
    assert ids is None if who == "coordinator" else len(ids) == 150


def test_callers_without_membership_or_token_start_nothing(
    deployed: Deployed, owner: psycopg.Connection
) -> None:
    """O3, D3: 403 with a row, and 401 without."""
    assert deployed.api("POST", START, None, json={}).status_code == 401
    assert rows(owner, "select from scheduler_execution_log") == []
    assert deployed.api("POST", START, credential("stranger"), json={}).status_code == 403
    (row,) = rows(owner, "select * from scheduler_execution_log")
    assert (row["status"], row["job_name"]) == ("refused", "certification_expiry")
    assert UUID(row["triggered_by"].removeprefix("user "))


def test_every_wrong_token_is_refused_and_starts_nothing(
    deployed: Deployed, owner: psycopg.Connection
) -> None:
    """D3: also tokens for the address of the stack's real project."""
    issuer = deployed.stack.lambdas().get_function_configuration(
        FunctionName=deployed.stack.outputs["ApiFunctionName"]
    )["Environment"]["Variables"]["AUTH_URL"]  # pyright: ignore[reportTypedDictNotRequiredAccess]
    wrong = identity.wrong_tokens() | {
        "another key, this project": identity.token_of(iss=issuer),
        "legacy secret, this project": identity.legacy_token(iss=issuer),
        "alg none, this project": identity.unsigned(
            {"alg": "none"}, identity.claims_of(iss=issuer)
        ),
    }
    for what, token in wrong.items():
        try:
            answer = deployed.api("POST", START, token, json={})
        except httpx.LocalProtocolError:
            continue  # HTTP itself has no such header
        assert answer.status_code in (400, 401, 431), what
    assert rows(owner, "select from scheduler_execution_log") == []
    text = json.dumps(deployed.logs.filter_log_events(
        logGroupName=deployed.stack.outputs["ApiLogGroup"]
    )["events"])  # fmt: skip
    assert [what for what, token in wrong.items() if len(token) > 30 and token[:500] in text] == []


@pytest.mark.parametrize(
    ("method", "path", "who", "status"),
    [
        ("GET", "/jobs", "admin", 200),
        ("GET", "/jobs", None, 401),
        ("GET", "/runs", "stranger", 403),
        ("POST", "/jobs/nonsense/runs", "coordinator", 404),
        ("GET", "/runs?limit=0", "admin", 422),
    ],
)
def test_every_answer_has_its_headers(
    deployed: Deployed, method: str, path: str, who: str | None, status: int
) -> None:
    """S4: API Gateway removes none. The template's tests check its own answers."""
    answer = deployed.api(method, path, credential(who) if who else None)
    assert answer.status_code == status
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
    if status != 200:
        assert answer.headers["Content-Type"] == MEDIA_TYPE
        assert answer.json().keys() >= {"type", "title", "status", "detail"}
        assert answer.json()["status"] == status


def test_the_openapi_document_describes_every_answer(
    deployed: Deployed, owner: psycopg.Connection, tmp_path: Path
) -> None:
    """O3: no request gets a 5xx or an undocumented answer.

    One check of schemathesis is left out: that every valid request is accepted. A later day is
    valid in the document, but only for dry runs. Its warnings are off: an invented id belongs to no
    mentor, so `why` refuses every one of them.
    """
    done = subprocess.run(
        [
            SCHEMATHESIS, "run", ROOT / "docs/openapi.json", "--url",
            deployed.stack.outputs["ApiUrl"], "--header",
            f"Authorization: Bearer {credential('admin')}", "--seed", "7", "--max-examples", "10",
            "--max-time", "25", "--request-timeout", "30", "--no-color",
            "--exclude-checks", "positive_data_acceptance", "--warnings", "off",
        ],
        capture_output=True, text=True, check=False, cwd=tmp_path, timeout=170,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-5000:]
    assert "No issues found" in done.stdout


def test_the_document_is_that_of_the_routes() -> None:
    """`make schema` generates it."""
    from local.openapi import document  # noqa: PLC0415 - it imports the whole entry

    assert (ROOT / "docs/openapi.json").read_text() == document()
