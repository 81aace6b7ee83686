"""The portal's client repeats requests, waits and logs in with care (H3, E12)."""

from dataclasses import replace

import pytest

from local.portal_tables import Fault, Portal
from mentor_pause.errors import PortalError, PortalRefused, PortalThrottled, PortalUnavailable
from mentor_pause.portal.dataverse import Dataverse
from mentor_pause.portal.requests import Requests
from support.portal import EXAMPLE, PAUSED, SECRET, Time, client, connected, settings, the_mentor


@pytest.mark.parametrize(
    ("faults", "slept"),
    [
        (["unavailable"], [2.0]),
        (["unavailable", "down"], [2.0, 4.0]),
        (["answer lost"], [2.0]),
        (["throttled", "throttled", "throttled", "throttled"], [7.0, 7.0, 7.0, 7.0]),
        (["token ended"], []),
        (["throttled", "throttled", "unavailable", "unavailable"], [7.0, 7.0, 2.0, 4.0]),
    ],
)
def test_a_transient_failure_is_tried_again(
    portal: Portal, dataverse: Dataverse, time: Time, faults: list[Fault], slept: list[float]
) -> None:
    """H3: after the exact wait of a 429; otherwise after doubling waits; at once for a 401."""
    dataverse.push(PAUSED)  # the login is behind us
    portal.retry_after, portal.faults = 7, faults
    assert dataverse.push(PAUSED) == "updated"
    assert time.slept == slept
    assert the_mentor(portal)["hlf_status"] == 100000001


def test_three_tries_are_enough(portal: Portal, dataverse: Dataverse, time: Time) -> None:
    """H3: then the portal counts as unavailable."""
    dataverse.push(PAUSED)
    portal.faults = ["unavailable", "down", "unavailable"]
    with pytest.raises(PortalUnavailable):
        dataverse.push(PAUSED)
    assert (len(time.slept), portal.faults) == (2, [])


@pytest.mark.parametrize("seconds", [300, 3600])
def test_a_wait_that_is_longer_than_the_time_left_is_reported(
    portal: Portal, dataverse: Dataverse, time: Time, seconds: int
) -> None:
    """H3: the error says how long to wait, even an hour, so that the caller saves its progress."""
    dataverse.push(PAUSED)
    portal.retry_after, portal.faults = seconds, ["throttled"]
    with pytest.raises(PortalThrottled) as raised:
        dataverse.push(PAUSED)
    assert (raised.value.seconds, time.slept) == (float(seconds), [])


def test_a_token_is_used_until_shortly_before_its_end(
    portal: Portal, dataverse: Dataverse, time: Time
) -> None:
    """The client logs in once for many requests."""
    for now in (0.0, 1000.0, 3538.0, 3540.0):
        time.now = now
        dataverse.push(PAUSED)
    logins = [path for method, path in portal.requests if method == "POST"]
    assert len(logins) == 2


@pytest.mark.parametrize(
    ("faults", "status", "requests"),
    [(["token ended", "none", "token ended"], 401, 3), (["forbidden"], 403, 1)],
)
def test_a_refused_request_is_not_repeated(
    portal: Portal,
    dataverse: Dataverse,
    time: Time,
    faults: list[Fault],
    status: int,
    requests: int,
) -> None:
    """H3: only a 401 is repeated, once, with a new token."""
    dataverse.push(PAUSED)
    portal.requests.clear()
    portal.faults = faults
    with pytest.raises(PortalError) as raised:
        dataverse.push(PAUSED)
    assert (raised.value.status, time.slept, len(portal.requests)) == (status, [], requests)


def test_a_token_is_renewed_once_per_request_and_not_once_per_try(
    portal: Portal, dataverse: Dataverse
) -> None:
    """H3: otherwise a portal that forgets every token would cause endless logins."""
    dataverse.push(PAUSED)
    portal.faults = ["token ended", "none", "unavailable", "token ended"]
    with pytest.raises(PortalRefused):
        dataverse.push(PAUSED)


def test_a_portal_that_answers_with_a_page_is_an_error_of_one_sentence(
    portal: Portal, dataverse: Dataverse
) -> None:
    """H3: the page is HTML instead of JSON."""
    dataverse.push(PAUSED)
    portal.faults = ["no JSON"]
    with pytest.raises(PortalError, match="answered with text/html instead of a JSON object"):
        list(dataverse.mentors())


def test_a_wrong_secret_is_reported_and_not_repeated(portal: Portal, time: Time) -> None:
    """E12: the error has Entra's code, and nothing of the request."""
    portal.client_secret = "another"
    with connected(portal, time) as dataverse, pytest.raises(PortalRefused) as raised:
        dataverse.push(PAUSED)
    assert str(raised.value) == "the login refused us: invalid_client (HTTP 401 AADSTS7000215)"
    assert SECRET not in repr(settings("https://x"))


def test_no_wait_begins_that_is_as_long_as_the_time_left(
    portal: Portal, dataverse: Dataverse, time: Time
) -> None:
    """H3: this limits the client's own waits, too; with no time left, it sends nothing."""
    dataverse.push(PAUSED)
    time.left = 3.0
    portal.faults = ["unavailable", "unavailable"]
    with pytest.raises(PortalUnavailable):
        dataverse.push(PAUSED)
    assert time.slept == [2.0]
    time.left, portal.faults = 0.0, []
    asked = len(portal.requests)
    with pytest.raises(PortalUnavailable, match="no time is left"):
        dataverse.push(PAUSED)
    assert len(portal.requests) == asked


def test_the_clients_own_waits_are_random() -> None:
    """Many workers must not try again at the same moment."""
    time = Time()
    fair = replace(time.timing(), jitter=lambda: 0.25)
    requests = Requests(settings("http://127.0.0.1:9"), fair)
    with pytest.raises(PortalUnavailable):
        requests.read("WhoAmI")
    requests.close()
    assert time.slept == [0.5, 1.0]


def test_a_portal_without_a_server_is_unavailable(time: Time) -> None:
    """H3: no server listens on the port."""
    with client("http://127.0.0.1:9", time, EXAMPLE) as dataverse, pytest.raises(PortalUnavailable):
        dataverse.push(PAUSED)
    assert len(time.slept) == 2


def test_a_proxy_of_the_environment_gets_no_secret(
    portal: Portal, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client ignores proxy settings of the environment."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with connected(portal, time) as dataverse:
        assert dataverse.push(PAUSED) == "updated"


@pytest.mark.parametrize(
    ("fault", "is_up"), [("none", True), ("forbidden", True), ("no JSON", True), ("down", False),
                         ("unavailable", False)],
)  # fmt: skip
def test_a_portal_that_answers_anything_is_up(
    portal: Portal, dataverse: Dataverse, fault: Fault, is_up: bool
) -> None:
    """Even with an error: the portal is not down."""
    portal.faults = ["none", fault, fault, fault]
    assert dataverse.ping() is is_up
