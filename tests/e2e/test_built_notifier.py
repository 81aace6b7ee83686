"""The built notifier answers its sample events in Lambda's own runtime, with its own layer.

The local stack's SES is the emulator's, which keeps the e-mails and publishes no events.
"""

import json
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from local.deployment import endpoint
from local.places import ROOT
from support.deployed import Deployed, rows
from support.metrics import metrics_in
from support.runtime import IS_HERE, BuiltFunction, Container

pytestmark = [
    pytest.mark.xdist_group("stack"),
    pytest.mark.skipif(not IS_HERE, reason="the layer is built for 64-bit Linux"),
]


def sample(name: str, digest: str | None = None, message: str | None = None) -> dict[str, Any]:
    """Read a sample event, and let its records be about another digest."""
    event = json.loads((ROOT / f"events/notifier_{name}.json").read_text())
    for record in event.get("Records", ()) if digest else ():
        body = json.loads(record["body"]) | {"digest": [digest], "message_id": message}
        record["body"] = json.dumps(body)
    return event


def invoke(
    deployed: Deployed, build: Path, log: Path, *events: dict[str, Any]
) -> tuple[list[Any], Container]:
    """Give events to the built notifier, one after the other; return its answers.

    It logs as much as it can, so that a test sees what it must not log (E13).
    """
    loud = {"AWS_LAMBDA_LOG_LEVEL": "DEBUG", "POWERTOOLS_LOG_LEVEL": "DEBUG"}
    environment = deployed.environment_of("Notifier") | loud
    with BuiltFunction(build, "Notifier").running(environment, log) as container:
        return [container.invoke(event) for event in events], container


@pytest.fixture
def address(owner: psycopg.Connection) -> str:
    """A mentor with this address has a message that waits; nobody else has one."""
    (mentor,) = rows(
        owner,
        "update mentor_contacts set email = 'built@example.com' where mentor_id ="
        " (select m.id from peer_mentors m join mentor_contacts k on k.mentor_id = m.id"
        " where m.status = 'paused' and k.email is not null limit 1) returning mentor_id",
    )
    owner.execute(
        "with run as (insert into peer_mentor_status_history (mentor_id, org_id, previous_status,"
        " new_status, reason, job_run_id, changed_at, changed_by_role)"
        " select id, org_id, 'active', 'paused', 'certification_expired', gen_random_uuid(), now(),"
        " 'job' from peer_mentors where id = %s returning *)"
        " insert into messages (org_id, audience, person_id, kind, mentor_ids, job_run_id)"
        " select m.org_id, 'mentor', coalesce(m.user_id, m.id), 'paused', array[m.id], job_run_id"
        " from run join peer_mentors m on m.id = run.mentor_id",
        (mentor["mentor_id"],),
    )
    return "built@example.com"


def inbox(deployed: Deployed, address: str) -> list[dict[str, Any]]:
    """Return the e-mails to an address that the emulator holds."""
    url = f"{endpoint(deployed.local.require().aws_port)}/_ministack/ses/messages"
    accounts = httpx.get(url).json()["messages"]
    return [mail for mails in accounts.values() for mail in mails if address in mail["To"]]


@pytest.mark.parametrize("name", ["after_run", "hourly"])
def test_the_built_notifier_sends_what_is_due_once(
    deployed: Deployed, owner: psycopg.Connection, build: Path, tmp_path: Path, address: str,
    name: str,
) -> None:  # fmt: skip
    """W2, W3, W5: the second invocation sends nothing, and no line holds the address."""
    before = len(inbox(deployed, address))
    event = sample(name)
    answers, container = invoke(deployed, build, tmp_path / "log", event, event)
    assert [(a["sent"], a["stopped_by"]) for a in answers] == [
        (1, "nothing_due"), (0, "nothing_due")
    ]  # fmt: skip
    assert len(inbox(deployed, address)) == before + 1
    (digest,) = rows(owner, "select state, provider_message_id from digests")
    assert digest["state"] == "sent"
    assert digest["provider_message_id"]
    assert address not in container.output()
    lines = [line for line in container.lines() if "_aws" in line]
    assert metrics_in(lines)["DigestsSent"] == [0.0]


def test_the_built_notifier_notes_what_ses_says(
    deployed: Deployed, owner: psycopg.Connection, build: Path, tmp_path: Path, address: str
) -> None:
    """W4: a bounce after a delivery counts. Events about a digest that is not known do nothing."""
    assert address
    (sent,), _ = invoke(deployed, build, tmp_path / "first", sample("hourly"))
    assert sent["sent"] == 1
    (digest,) = rows(owner, "select id::text, provider_message_id from digests")
    own = (digest["id"], digest["provider_message_id"])
    for event, state in (
        (sample("delivery"), "sent"), (sample("delivery", *own), "delivered"),
        (sample("bounce", *own), "bounced"),
    ):  # fmt: skip
        (answer,), container = invoke(deployed, build, tmp_path / state, event)
        assert answer == {"batchItemFailures": []}, container.output()
        assert rows(owner, "select state from messages") == [{"state": state}]
