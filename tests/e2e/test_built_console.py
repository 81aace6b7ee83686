"""The console that `sam build` makes answers its sample events in Lambda's own runtime."""

import json
from pathlib import Path
from typing import Any

import psycopg
import pytest

from local.places import ROOT
from support.deployed import Deployed, rows
from support.runtime import IS_HERE, BuiltFunction

pytestmark = [
    pytest.mark.xdist_group("stack"),
    pytest.mark.skipif(not IS_HERE, reason="the layer is built for 64-bit Linux"),
]
COOKIE = "__Host-session=PUT-A-TOKEN-HERE"


def test_the_built_console_shows_its_pages(
    deployed: Deployed, owner: psycopg.Connection, build: Path, tmp_path: Path
) -> None:
    """The page for signing in to everybody, and Tonight to a person with a session."""
    (member,) = rows(owner, "select user_id from org_members where role = 'admin'")
    token = deployed.local.token(member["user_id"])
    tonight = sample("console_tonight")
    assert COOKIE in tonight.replace(" ", "")
    environment = deployed.environment_of("Console")
    log = tmp_path / "console.log"
    with BuiltFunction(build, "Console").running(environment, log) as container:
        sign_in = container.invoke(json.loads(sample("console_sign_in")))
        assert (sign_in["statusCode"], content_type(sign_in)) == (200, "text/html; charset=utf-8")
        without = container.invoke(json.loads(tonight.replace(COOKIE, "")))
        assert without["statusCode"] == 303, container.output()
        page = container.invoke(json.loads(tonight.replace("PUT-A-TOKEN-HERE", token)))
        assert page["statusCode"] == 200, container.output()
        assert token not in container.output()


def sample(name: str) -> str:
    """Return the text of a sample event."""
    return (ROOT / f"events/{name}.json").read_text()


def content_type(answer: dict[str, Any]) -> str:
    """Return the type of an answer, wherever it has its headers."""
    headers = answer.get("headers") or {
        name: values[0] for name, values in answer["multiValueHeaders"].items()
    }
    return headers["Content-Type"]
