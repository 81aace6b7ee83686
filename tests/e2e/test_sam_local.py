"""The README's `sam local invoke`, typed in Docker (walk=sam-local), then every sample event."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from local.docker import find_bridge
from local.errors import StackError
from local.sam_local import SAMPLES, invoke_all
from local.samples import EVENTS
from mentor_pause.config.addresses import DOCKER_HOST
from support.deployed import Deployed
from support.documents import ROOT, Shell, walk

pytestmark = pytest.mark.xdist_group("stack")

_IMAGE = "/lambda/python:3.13-x86_64"
"""The end of the name of Lambda's own image, after the registry's host."""


@pytest.fixture
def docker() -> None:
    """Docker with SAM's base image. No test downloads an image."""
    try:
        find_bridge()
    except StackError as error:
        pytest.skip(str(error))
    listing = ["docker", "image", "ls", "--format", "{{.Repository}}:{{.Tag}}"]
    images = subprocess.run(listing, capture_output=True, text=True, check=True).stdout.split()
    if not any(image.endswith(_IMAGE) for image in images):
        pytest.skip(f"Docker has no image {_IMAGE}")


@pytest.fixture
def env_json() -> Iterator[Path]:
    """The file that the README writes. A developer's own file is restored."""
    file = ROOT / "env.json"
    before = file.read_text() if file.exists() else None
    yield file
    file.unlink(missing_ok=True)
    if before is not None:
        file.write_text(before)


@pytest.mark.usefixtures("docker", "owner")
def test_the_readmes_commands_reach_the_local_stack_from_docker(
    deployed: Deployed, env_json: Path, tmp_path: Path
) -> None:
    """O7: for every function and event source, with only these commands."""
    deployed.forget_runs()
    environ = dict(os.environ) | {"SAM_SKIP_PULL_IMAGE": "1"}
    with closing(Shell(ROOT, environ, tmp_path)) as shell:
        monitor, list_runs = (shell.type(block.text) for block in walk("sam-local"))
        token = shell.type("echo $token").out.strip()
    assert monitor.code == list_runs.code == 0, (monitor, list_runs)
    assert '"stale_active_mentors": 120' in monitor.out, monitor.err
    assert json.loads(list_runs.out)["statusCode"] == 200, list_runs.err
    assert DOCKER_HOST in env_json.read_text()
    reach = deployed.local.environment(deployed.local.require())
    outcomes = invoke_all(ROOT, {**environ, **reach}, token)
    assert {o.event: o.result for o in outcomes} == {e: r for e, (_, r) in SAMPLES.items()}
    with psycopg.connect(deployed.local.database_url()) as owner:
        changes = owner.execute("select mentor_id::text from peer_mentor_status_history").fetchall()
    page = json.loads((EVENTS / "certification_expiry_dead_page.json").read_text())["Records"][0]
    (mentor,) = json.loads(page["body"])["mentor_ids"]
    assert changes.count((mentor,)) == 1, "the page pauses its mentor once, the dead page nobody"
