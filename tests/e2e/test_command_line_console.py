"""The console of the local stack: whom the command line names can sign in to it (C3)."""

import json

import pytest

from local.deployment import ORG_ID, supabase_url
from local.mail import read_mails
from support.deployed import Deployed, mentor_pause
from support.supabase import ask, call, visitor

pytestmark = pytest.mark.xdist_group("stack")


@pytest.mark.parametrize("who", ["admin", "coordinator", "mentor"])
def test_the_person_that_it_names_signs_in(deployed: Deployed, who: str) -> None:
    """With the code of the e-mail that the stack has sent to them."""
    told = json.loads(mentor_pause("local", "console", "--as", who, "--json").stdout)
    state = deployed.local.require()
    assert told["address"] == state.outputs["ConsoleUrl"]
    assert told["address"].endswith("/console")
    with visitor(supabase_url(state)) as client:
        assert ask(client, email=told["email"]).status_code == 200
        newest = [mail for mail in read_mails(state.aws_port) if mail.to == (told["email"],)][-1]
        code = newest.subject.rpartition(" ")[2]
        assert code in newest.text
        typed = {"type": "email", "email": told["email"], "token": code}
        token = client.post("/auth/v1/verify", json=typed).json()["access_token"]
        found = call(client, "get_my_access", {"p_org_id": str(ORG_ID)}, token).json()
    assert (found["role"] or "mentor") == who
    assert (found["mentor_id"] is not None) == (who == "mentor")


def test_it_says_what_to_do_next(deployed: Deployed) -> None:
    """For people: the address, whom to sign in as, and how to read the code."""
    shown = mentor_pause("local", "console", "--as", "coordinator")
    assert (shown.returncode, shown.stderr) == (0, "")
    lines = shown.stdout.splitlines()
    assert lines[0] == f"Open {deployed.local.require().outputs['ConsoleUrl']}"
    assert "@example.com" in lines[1]
    assert lines[2] == "Read the code with: mentor-pause local mail"
