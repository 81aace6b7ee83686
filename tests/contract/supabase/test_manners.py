"""Tests and developers make the stand-in for a Supabase project fail, and change its limits."""

import json

import httpx
import pytest

from local.supabase_project import Project
from support.supabase import Sent, ask, call, refusal, token, verify


def put(client: httpx.Client, what: str, body: object) -> httpx.Response:
    """Change what the project does next."""
    return client.put(f"/stand-in/{what}", json=body)


def test_a_fault_is_for_one_request_to_its_address(client: httpx.Client) -> None:
    """The next request is answered as ever. The requests are noted, faults or not."""
    fault = {"kind": "error", "path": "/auth/v1/otp"}
    assert put(client, "faults", [fault, fault]).status_code == 200
    assert refusal(verify(client, "1")) == (403, "otp_expired")
    assert [refusal(ask(client)) for _ in range(2)] == [(500, "unexpected_failure")] * 2
    assert ask(client).status_code == 200
    asked = client.get("/stand-in/requests").json()
    assert asked == ["/auth/v1/verify", *["/auth/v1/otp"] * 3]


@pytest.mark.parametrize(
    ("kind", "auth", "rest"),
    [
        ("error", 500, 500), ("throttled", 429, 429), ("unavailable", 503, 503),
        ("no JSON", 200, 200), ("none", 422, 401),
    ],
)  # fmt: skip
def test_each_fault_of_each_side(client: httpx.Client, kind: str, auth: int, rest: int) -> None:
    """A fault without a path is for any request."""
    put(client, "faults", [{"kind": kind}, {"kind": kind}])
    signing_in, calling = ask(client, email="nobody@example.org"), call(client, "list_my_messages")
    assert (signing_in.status_code, calling.status_code) == (auth, rest)
    is_html = {answer.text.startswith("<html>") for answer in (signing_in, calling)}
    assert is_html == {kind in ("unavailable", "no JSON")}


@pytest.mark.parametrize(
    ("kind", "error"), [("down", httpx.RemoteProtocolError), ("silent", httpx.ReadTimeout)]
)
def test_a_request_without_an_answer(
    client: httpx.Client, kind: str, error: type[httpx.HTTPError]
) -> None:
    """Closed at once, or never answered; the next request is."""
    put(client, "faults", [{"kind": kind}])
    client.timeout = httpx.Timeout(0.2)
    with pytest.raises(error):
        ask(client)
    client.timeout = httpx.Timeout(10)
    assert ask(client).status_code == 200


def test_shorter_lives_and_other_limits(client: httpx.Client, project: Project) -> None:
    """A token that lasts no second is good for 30 s more at REST, and its person signs in again."""
    values = {"token_seconds": 0, "seconds_between_codes": 0, "verify_limit": 1, "otp_limit": 2}
    assert put(client, "settings", values).status_code == 200
    assert [ask(client).status_code for _ in range(2)] == [200, 200]
    assert refusal(ask(client)) == (429, "over_request_rate_limit")
    assert isinstance(project.auth.sender, Sent)
    signed_in = verify(client, project.auth.sender.codes[-1]).json()
    assert signed_in["expires_in"] == 0
    assert refusal(verify(client, "1")) == (429, "over_request_rate_limit")
    assert put(client, "settings", values).status_code == 200, "the limits count from now"
    assert ask(client).status_code == 200


@pytest.mark.parametrize(
    ("what", "body", "status", "said"),
    [
        ("settings", {"token_minutes": 1}, 400, "the settings are token_seconds, code_seconds,"),
        ("settings", {"token_seconds": "1"}, 400, "each is a whole number"),
        ("settings", [], 400, "the settings are"),
        ("faults", [{"kind": "sleepy"}], 400, "each fault has a kind: none, error, throttled,"),
        ("faults", {"kind": "error"}, 400, "each fault has a kind"),
        ("anything", {}, 404, ""),
    ],
)  # fmt: skip
def test_changes_that_it_does_not_know(
    client: httpx.Client, project: Project, what: str, body: object, status: int, said: str
) -> None:
    """The answer lists what there is, and nothing has changed."""
    answer = put(client, what, body)
    assert (answer.status_code, said in json.dumps(answer.json())) == (status, True)
    assert call(client, "list_my_messages", token=token(project.key)).status_code == 200
