"""How a function in a container finds the local stack (O7)."""

import json
import os
from dataclasses import replace
from ipaddress import IPv4Interface
from pathlib import Path

import httpx
import psycopg
import pytest

from cli.stacks import function_environments
from local.errors import StackError
from local.processes import LOOPBACK
from local.state import write_state
from mentor_pause.config import (
    API_ROLE,
    NOTIFIER_ROLE,
    PORTAL_ROLE,
    HttpSettings,
    PooledDatabase,
    load_database,
    load_portal,
)
from mentor_pause.config.addresses import DOCKER_HOST
from support.deployed import Deployed, mentor_pause

pytestmark = [
    pytest.mark.xdist_group("stack"),
    pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning"),
]

ROLES = {
    "mentor-pause/portal-sync/docker": PORTAL_ROLE,
    "mentor-pause/api/docker": API_ROLE,
    "mentor-pause/notifier/docker": NOTIFIER_ROLE,
}


@pytest.fixture
def desktop(deployed: Deployed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A script that answers as Docker Desktop. The stack does not serve containers yet."""
    program = tmp_path / "docker"
    program.write_text('#!/bin/sh\necho "Docker Desktop"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    state = deployed.local.require()
    write_state(deployed.local.folder, replace(state, is_open_to_docker=False, forwarder=None))


@pytest.mark.usefixtures("desktop")
def test_functions_in_containers_get_addresses_that_they_reach(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stack was up already. The file holds no credential; the secrets are copies."""
    with pytest.raises(StackError, match="let them: mentor-pause local up --docker"):
        deployed.local.require_docker()
    before = deployed.local.require()
    assert mentor_pause("local", "up", "--docker").returncode == 0
    assert deployed.local.require_docker() == replace(before, is_open_to_docker=True)
    text = mentor_pause("local", "env", "--sam").stdout
    assert LOOPBACK not in text
    monkeypatch.setenv("AWS_SAM_LOCAL", "true")  # as in a container of SAM
    deployed_ones = function_environments(deployed.stack)
    for function, environment in json.loads(text).items():
        assert environment.keys() == {*deployed_ones[function], "AWS_ENDPOINT_URL"}
        assert environment["AWS_ENDPOINT_URL"] == f"http://{DOCKER_HOST}:{before.aws_port}"
        if function == "Console":  # it has no credential
            assert DOCKER_HOST in environment["SUPABASE_URL"]
            assert "SUPABASE_SECRET_ID" not in environment
            continue
        database = load_database(deployed.stack.read_secret, environment)
        assert isinstance(database, PooledDatabase)
        assert f"@{DOCKER_HOST}:" in database.url.get_secret_value()
        secret = environment["SUPABASE_SECRET_ID"]
        assert database.role == ROLES.get(secret, "mentor_pause_job"), function
        if "PORTAL_SECRET_ID" in environment:
            portal = load_portal(environment["PORTAL_SECRET_ID"], deployed.stack.read_secret)
            assert DOCKER_HOST in portal.portal_url
            assert DOCKER_HOST in portal.portal_login_url
        if function == "Api":
            assert DOCKER_HOST in HttpSettings.load(environment).auth_url


def test_each_part_of_the_stack_answers_on_the_bridge(deployed: Deployed) -> None:
    """127.0.0.2 stands for it. A forwarder is started again if it died or the bridge moved."""
    bridge, local = IPv4Interface("127.0.0.2/8"), deployed.local
    before = replace(local.require(), is_open_to_docker=False, forwarder=None)
    try:
        state = local.open_to_docker(before, bridge, lambda _text: None)
        for port, path in (
            (state.aws_port, "_ministack/health"),
            (state.portal_port, "stand-in/rows"),
            (state.supabase_port, "auth/v1/.well-known/jwks.json"),
        ):
            assert httpx.get(f"http://{bridge.ip}:{port}/{path}", timeout=30).is_success
        with psycopg.connect(local.database_url().replace(LOOPBACK, str(bridge.ip))) as connection:
            assert connection.execute("select 1").fetchone() == (1,)
        assert state.forwarder
        state.forwarder.stop()
        with pytest.raises(StackError, match="containers cannot reach the local stack"):
            local.require_docker()
        again = local.open_to_docker(state, bridge, lambda _text: None)
        assert again.forwarder not in (None, state.forwarder)
        assert local.require_docker() == again
        moved = local.open_to_docker(again, IPv4Interface("127.0.0.3/8"), lambda _text: None)
        assert again.forwarder
        assert again.forwarder.find() is None
        assert httpx.get(f"http://127.0.0.3:{moved.aws_port}/_ministack/health").is_success
        assert local.open_to_docker(moved, IPv4Interface("127.0.0.3/8"), print) == moved
    finally:
        if (forwarder := local.require().forwarder) is not None:
            forwarder.stop()
        write_state(local.folder, before)
