"""The portal client against the stand-in, over HTTP (H2, H3)."""

from dataclasses import replace
from datetime import UTC, date, datetime

import httpx
import pytest

from local.portal import CLIENT_ID, TENANT, serving
from local.portal_tables import Fault, Portal
from mentor_pause.errors import (
    PortalError,
    PortalRefused,
    PortalThrottled,
    PortalUnavailable,
)
from mentor_pause.portal import MentorState, NoPortal
from mentor_pause.portal.dataverse import Dataverse
from mentor_pause.portal.requests import Requests
from support.portal import (
    CERTIFICATIONS,
    EXAMPLE,
    MENTORS,
    PAUSED,
    SECRET,
    Time,
    client,
    connected,
    settings,
)


def the_mentor(portal: Portal) -> dict[str, object]:
    """Return the only row of mentors."""
    (row,) = portal.table(MENTORS).rows.values()
    return row


def test_a_pause_arrives_with_reason_and_day(portal: Portal, dataverse: Dataverse) -> None:
    """H1: a second push changes nothing."""
    for _ in range(2):
        assert dataverse.push(PAUSED) == "updated"
        row = the_mentor(portal)
        assert (row["hlf_status"], row["hlf_statusreason"]) == (100000001, 100000020)
        assert (row["statecode"], row["statuscode"]) == (0, 100000010)
        assert row["hlf_statusfrom"] == "2026-11-22"


def test_a_mentor_whom_the_portal_does_not_know_is_not_created(
    portal: Portal, dataverse: Dataverse
) -> None:
    """H3: because of `If-Match: *`."""
    stranger = MentorState("9999", "paused", "on_leave", date(2026, 11, 22))
    assert dataverse.push(stranger) == "unknown"
    assert len(portal.table(MENTORS).rows) == 1


def test_without_the_condition_the_stand_in_would_create_as_dataverse_does(
    portal: Portal, dataverse: Dataverse
) -> None:
    """The test above can fail."""
    with pytest.raises(PortalError):  # 204 is not what was accepted; the row is there
        dataverse.requests.send(
            "PATCH", f"{MENTORS}(hlf_mentornumber='9999')", {}, {"hlf_status": 100000000}, (999,)
        )
    assert len(portal.table(MENTORS).rows) == 2


@pytest.mark.parametrize("key", ["O'Brien", "''", "Åse Ø.", "a b", "(1)", "1,2='x'"])
def test_a_key_reaches_the_row_that_it_names(
    portal: Portal, dataverse: Dataverse, key: str
) -> None:
    """H3: quotes, spaces and Norwegian letters."""
    row = portal.put(MENTORS, hlf_mentornumber=key, hlf_status=100000000)
    assert dataverse.push(MentorState(key, "paused", "on_leave", date(2026, 1, 1))) == "updated"
    assert row["hlf_status"] == 100000001
    assert the_first(portal)["hlf_status"] == 100000000


def the_first(portal: Portal) -> dict[str, object]:
    """Return the first row of mentors."""
    return next(iter(portal.table(MENTORS).rows.values()))


@pytest.mark.parametrize(
    "key",
    [
        "",
        "a/b",
        "a?b",
        "a%b",
        "a&b",
        "a:b",
        "a\\b",
        "a+b",
        "<a>",
        "*",
        "a#b",
        "\ud800",
        "a\x00b",
        "a\x85b",
        "k" * 451,
    ],
)
def test_the_client_refuses_a_key_that_dataverse_does_not_take(
    portal: Portal, dataverse: Dataverse, key: str
) -> None:
    """H3: the client sends no request."""
    with pytest.raises(
        PortalError, match="empty, too long or has a character that no key may have"
    ):
        dataverse.push(MentorState(key, "paused", "on_leave", date(2026, 1, 1)))
    assert portal.requests == []


def test_certifications_come_oldest_first_page_by_page(
    portal: Portal, dataverse: Dataverse
) -> None:
    """H1: the day after the last valid one is stored; rows without a day are skipped."""
    portal.page_size = 2
    for i in (3, 1, 2, 5, 4):
        portal.clock = lambda i=i: datetime(2026, 11, i, tzinfo=UTC)
        portal.put(CERTIFICATIONS, hlf_mentornumber=str(i), hlf_validuntil=f"2027-01-{i:02}")
    portal.clock = lambda: datetime(2026, 11, 6, tzinfo=UTC)
    portal.put(CERTIFICATIONS, hlf_mentornumber="9", hlf_validuntil=None)
    pages = list(dataverse.certifications(datetime(2026, 11, 2, tzinfo=UTC)))
    assert [[r.key for r in page.certifications] for page in pages] == [["2", "3"], ["4", "5"], []]
    first = pages[0].certifications[0]
    assert first.expires_on == date(2027, 1, 3)
    assert first.modified_on == datetime(2026, 11, 2, tzinfo=UTC)
    assert len(list(dataverse.certifications(None))) == 3


def test_every_mentor_of_the_portal_can_be_read(portal: Portal, dataverse: Dataverse) -> None:
    """H5: a choice that the mapping does not know is not a status."""
    portal.put(MENTORS, hlf_mentornumber="2", hlf_status=777)
    portal.put(MENTORS, hlf_mentornumber=None, hlf_status=100000000)
    found = [mentor for page in dataverse.mentors() for mentor in page.mentors]
    assert {(m.key, m.status) for m in found} == {("1017", "active"), ("2", None)}


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


def test_no_request_is_sent_while_the_portal_is_off() -> None:
    """H2: `NoPortal` takes the place of the client."""
    off = NoPortal()
    assert off.push(PAUSED) == "off"
    assert list(off.mentors()) == []
    for read in (lambda: list(off.certifications(None)), lambda: off.certification("c-1")):
        with pytest.raises(PortalUnavailable, match="the portal is switched off"):
            read()
    assert off.check()[0].problem == "the portal is switched off"


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


def test_the_stand_in_obeys_conditions_as_dataverse_does(portal: Portal) -> None:
    """FACTS: a stale ETag is 412, a missing row 404; keys are compared without regard to case."""
    with serving(portal) as url, httpx.Client(base_url=url) as http:
        form = {
            "client_id": CLIENT_ID, "client_secret": SECRET, "scope": f"{url}/.default",
            "grant_type": "client_credentials",
        }  # fmt: skip
        token = http.post(f"/{TENANT}/oauth2/v2.0/token", data=form).json()["access_token"]
        http.headers.update({
            "Authorization": f"Bearer {token}", "Accept": "application/json",
            "OData-Version": "4.0", "OData-MaxVersion": "4.0", "Prefer": "odata.maxpagesize=9",
        })  # fmt: skip
        portal.put(MENTORS, hlf_mentornumber="HLF-A", hlf_status=100000000)
        query = f"/api/data/v9.2/{MENTORS}?$select=hlf_mentornumber"
        before = {r["hlf_mentornumber"]: r["@odata.etag"] for r in http.get(query).json()["value"]}

        def patch(key: str, condition: str) -> int:
            return http.patch(
                f"/api/data/v9.2/{MENTORS}(hlf_mentornumber='{key}')",
                json={"hlf_status": 100000001},
                headers={"If-Match": condition},
            ).status_code

        assert patch("hlf-a", before["HLF-A"]) == 204
        assert patch("HLF-A", before["HLF-A"]) == 412
        assert patch("HLF-A", "*") == 204
        assert patch("missing", "*") == 404


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
