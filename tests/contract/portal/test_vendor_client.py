"""Our update by alternate key, compared with the vendor's own Python client (H2)."""

import json
import subprocess
from datetime import date
from typing import Any

import httpx
import pytest

from local.places import ROOT
from mentor_pause.portal import MentorState
from support.portal import EXAMPLE, MENTORS, recorded

ODATA = ("accept", "content-type", "odata-version", "odata-maxversion", "authorization")


def vendors_requests(key: str, record: dict[str, object]) -> list[dict[str, Any]]:
    """Return the requests of the vendor's client: an upsert by key, and an update by id."""
    asked = {
        "table": "hlf_likeperson", "entity_set": MENTORS, "column": EXAMPLE.mentors.key,
        "key": key, "record": record,
    }  # fmt: skip
    done = subprocess.run(
        [ROOT / ".tools/portal-sdk/bin/python", ROOT / "tests/oracles/dataverse_sdk.py"],
        input=json.dumps(asked), capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    return json.loads(done.stdout)


@pytest.mark.parametrize("key", ["1017", "O'Brien", "Åse Ø. (2)"])
def test_our_update_is_the_vendors_upsert_with_the_vendors_condition_of_an_update(key: str) -> None:
    """Same address, headers and body; the condition keeps Dataverse from creating a row."""
    ours: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        ours.append(request)
        return httpx.Response(204)

    recorded(answer).push(MentorState(key, "paused", "on_leave", date(2026, 11, 22)))
    (sent,) = ours
    upsert, update = vendors_requests(key, json.loads(sent.content))
    headers = {name.lower(): value for name, value in upsert["headers"].items()}
    assert (sent.method, str(sent.url)) == (upsert["method"], upsert["url"])
    assert json.loads(sent.content) == upsert["body"]
    assert {name: sent.headers[name] for name in ODATA} == {name: headers[name] for name in ODATA}
    assert "If-Match" not in upsert["headers"]
    assert sent.headers["If-Match"] == update["headers"]["If-Match"] == "*"
