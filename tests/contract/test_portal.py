"""The portal client against the stand-in, over HTTP (H2, H3)."""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone

import httpx
import pytest

from local.portal import CLIENT_ID, TENANT, Fault, Portal, serving
from mentor_pause.errors import (
    PortalError,
    PortalRefused,
    PortalThrottled,
    PortalUnavailable,
)
from mentor_pause.portal import MentorState, NoPortal
from mentor_pause.portal.answers import error_of, login_error_of, seconds_to_wait, token_of
from mentor_pause.portal.dataverse import Dataverse
from mentor_pause.portal.requests import Requests
from support.deployed import COMMAND
from support.portal import (
    CERTIFICATIONS,
    EXAMPLE,
    MAPPING,
    MENTORS,
    SECRET,
    Time,
    client,
    connected,
    example_portal,
    recorded,
    settings,
)

PAUSED = MentorState("1017", "paused", "certification_expired", date(2026, 11, 22))


@pytest.fixture
def portal() -> Portal:
    """The example's portal, with one active mentor."""
    made = example_portal()
    made.put(MENTORS, hlf_mentornumber="1017", hlf_status=100000000)
    return made


@pytest.fixture
def time() -> Time:
    """50 seconds until the runtime kills the invocation."""
    return Time()


@pytest.fixture
def dataverse(portal: Portal, time: Time) -> Iterator[Dataverse]:
    """The real client."""
    with connected(portal, time) as found:
        yield found


def the_mentor(portal: Portal) -> dict[str, object]:
    """The one row of mentors."""
    (row,) = portal.table(MENTORS).rows.values()
    return row


def test_a_pause_arrives_with_reason_and_day(portal: Portal, dataverse: Dataverse) -> None:
    """H1: and doing it again changes nothing."""
    for _ in range(2):
        assert dataverse.push(PAUSED) == "updated"
        row = the_mentor(portal)
        assert (row["hlf_status"], row["hlf_statusreason"]) == (100000001, 100000020)
        assert (row["statecode"], row["statuscode"]) == (0, 100000010)
        assert row["hlf_statusfrom"] == "2026-11-22"


def test_a_mentor_whom_the_portal_does_not_know_is_not_created(
    portal: Portal, dataverse: Dataverse
) -> None:
    """H3: `If-Match: *`."""
    stranger = MentorState("9999", "paused", "on_leave", date(2026, 11, 22))
    assert dataverse.push(stranger) == "unknown"
    assert len(portal.table(MENTORS).rows) == 1


def test_without_the_condition_the_stand_in_would_create_as_dataverse_does(
    portal: Portal, dataverse: Dataverse
) -> None:
    """The test above can fail."""
    with pytest.raises(PortalError):  # 204 is not what was accepted; the row is there
        dataverse._requests.send(
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
    """The row that was there before."""
    return next(iter(portal.table(MENTORS).rows.values()))


@pytest.mark.parametrize(
    "key", ["", "a/b", "a?b", "a%b", "a&b", "a:b", "a\\b", "a+b", "<a>", "*", "a#b", "\ud800"]
)
def test_a_key_that_dataverse_cannot_be_asked_for_is_refused_here(
    portal: Portal, dataverse: Dataverse, key: str
) -> None:
    """H3: before anything is sent."""
    with pytest.raises(PortalError, match="key is empty or has a character no key may have"):
        dataverse.push(MentorState(key, "paused", "on_leave", date(2026, 1, 1)))
    assert portal.requests == []


def test_renewals_come_oldest_first_page_by_page(portal: Portal, dataverse: Dataverse) -> None:
    """H1: the first day without is a day after the last one with; rows without a day are left."""
    portal.page_size = 2
    for i in (3, 1, 2, 5, 4):
        portal.clock = lambda i=i: datetime(2026, 11, i, tzinfo=UTC)
        portal.put(CERTIFICATIONS, hlf_mentornumber=str(i), hlf_validuntil=f"2027-01-{i:02}")
    portal.clock = lambda: datetime(2026, 11, 6, tzinfo=UTC)
    portal.put(CERTIFICATIONS, hlf_mentornumber="9", hlf_validuntil=None)
    pages = list(dataverse.renewals(datetime(2026, 11, 2, tzinfo=UTC)))
    assert [[r.key for r in page.renewals] for page in pages] == [["2", "3"], ["4", "5"], []]
    first = pages[0].renewals[0]
    assert first.expires_on == date(2027, 1, 3)
    assert first.modified_on == datetime(2026, 11, 2, tzinfo=UTC)
    assert [page.until for page in pages] == [
        datetime(2026, 11, 3, tzinfo=UTC), datetime(2026, 11, 5, tzinfo=UTC), None,
    ]  # fmt: skip
    assert len(list(dataverse.renewals(None))) == 3


def test_every_mentor_of_the_portal_can_be_read(portal: Portal, dataverse: Dataverse) -> None:
    """H5: a choice that the mapping does not know is no status."""
    portal.put(MENTORS, hlf_mentornumber="2", hlf_status=777)
    portal.put(MENTORS, hlf_mentornumber=None, hlf_status=100000000)
    found = [mentor for page in dataverse.mentors() for mentor in page]
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
def test_what_passes_is_tried_again(
    portal: Portal, dataverse: Dataverse, time: Time, faults: list[Fault], slept: list[float]
) -> None:
    """H3: 429 to the second; else doubling waits; a token that ended is renewed at once."""
    dataverse.push(PAUSED)  # the login is behind us
    portal.retry_after, portal.faults = 7, faults
    assert dataverse.push(PAUSED) == "updated"
    assert time.slept == slept
    assert the_mentor(portal)["hlf_status"] == 100000001


def test_three_tries_are_enough(portal: Portal, dataverse: Dataverse, time: Time) -> None:
    """H3: then it is for later."""
    dataverse.push(PAUSED)
    portal.faults = ["unavailable", "down", "unavailable"]
    with pytest.raises(PortalUnavailable):
        dataverse.push(PAUSED)
    assert (len(time.slept), portal.faults) == (2, [])


def test_a_wait_that_is_longer_than_the_time_left_is_told(
    portal: Portal, dataverse: Dataverse, time: Time
) -> None:
    """H3: the caller saves its progress, and knows for how long to stay away."""
    dataverse.push(PAUSED)
    portal.retry_after, portal.faults = 300, ["throttled"]
    with pytest.raises(PortalThrottled) as raised:
        dataverse.push(PAUSED)
    assert (raised.value.seconds, time.slept) == (300.0, [])


def test_a_token_is_used_until_shortly_before_its_end(
    portal: Portal, dataverse: Dataverse, time: Time
) -> None:
    """One login for many requests."""
    for now in (0.0, 1000.0, 3538.0, 3540.0):
        time.now = now
        dataverse.push(PAUSED)
    logins = [path for method, path in portal.requests if method == "POST"]
    assert len(logins) == 2


@pytest.mark.parametrize(
    ("faults", "status", "requests"),
    [(["token ended", "none", "token ended"], 401, 3), (["forbidden"], 403, 1)],
)
def test_a_refusal_is_not_argued_with(
    portal: Portal,
    dataverse: Dataverse,
    time: Time,
    faults: list[Fault],
    status: int,
    requests: int,
) -> None:
    """H3: after one new token, or at once; 401 of the token that was just made is the end."""
    dataverse.push(PAUSED)
    portal.requests.clear()
    portal.faults = faults
    with pytest.raises(PortalRefused) as raised:
        dataverse.push(PAUSED)
    assert (raised.value.status, time.slept, len(portal.requests)) == (status, [], requests)


def test_a_token_is_renewed_once_per_request_and_not_once_per_try(
    portal: Portal, dataverse: Dataverse
) -> None:
    """H3: a portal that forgets every token is not logged in to for ever."""
    dataverse.push(PAUSED)
    portal.faults = ["token ended", "none", "unavailable", "token ended"]
    with pytest.raises(PortalRefused):
        dataverse.push(PAUSED)


def test_a_redirection_is_not_followed() -> None:
    """The token stays with the portal."""
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url.host))
        return httpx.Response(302, headers={"Location": "https://evil.example/x"})

    with pytest.raises(PortalError, match="HTTP 302"):
        recorded(answer).push(PAUSED)
    assert asked == ["hlf.crm4.example"]


def test_a_portal_that_answers_with_a_page_is_told_in_a_sentence(
    portal: Portal, dataverse: Dataverse
) -> None:
    """H3: HTML instead of JSON."""
    dataverse.push(PAUSED)
    portal.faults = ["no JSON"]
    with pytest.raises(PortalError, match="answered with text/html where a JSON object was due"):
        list(dataverse.mentors())


def test_a_wrong_secret_is_told_without_repeating_it(portal: Portal, time: Time) -> None:
    """E12: Entra's error code, and nothing of what was sent."""
    portal.client_secret = "another"
    with connected(portal, time) as dataverse, pytest.raises(PortalRefused) as raised:
        dataverse.push(PAUSED)
    assert str(raised.value) == "the login refused us: invalid_client (HTTP 401)"
    assert SECRET not in repr(settings("https://x"))


def test_the_requests_are_those_of_the_documentation() -> None:
    """Method, address, headers and body of an update by alternate key, and of a query."""
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return (
            httpx.Response(204)
            if request.method == "PATCH"
            else httpx.Response(200, json={"value": []})
        )

    dataverse = recorded(answer)
    dataverse.push(MentorState("O'B", "paused", "on_leave", date(2026, 11, 22)))
    list(dataverse.renewals(datetime(2026, 11, 21, 2, 0, tzinfo=UTC)))
    patch, query = seen
    root = "https://hlf.crm4.example/api/data/v9.2"
    assert (patch.method, str(patch.url)) == (
        "PATCH", f"{root}/hlf_likepersons(hlf_mentornumber='O''B')",
    )  # fmt: skip
    assert patch.headers.items() >= {
        "accept": "application/json", "odata-version": "4.0", "odata-maxversion": "4.0",
        "if-match": "*", "content-type": "application/json", "authorization": "Bearer a-token",
    }.items()  # fmt: skip
    assert json.loads(patch.content) == {
        "hlf_status": 100000001, "statecode": 0, "statuscode": 100000010,
        "hlf_statusreason": 100000021, "hlf_statusfrom": "2026-11-22",
    }  # fmt: skip
    assert str(query.url) == (
        f"{root}/hlf_certifications?$select=hlf_certificationid,hlf_mentornumber,hlf_validuntil,"
        "modifiedon&$filter=modifiedon%20ge%202026-11-21T02:00:00Z&$orderby=modifiedon%20asc"
    )
    assert query.headers["prefer"] == "odata.maxpagesize=1000"
    assert "if-match" not in query.headers


def test_a_portal_that_is_as_the_mapping_says_passes_the_preflight(dataverse: Dataverse) -> None:
    """And nothing was changed by looking."""
    findings = dataverse.check()
    assert [f for f in findings if f.problem] == []
    assert {f.what.split()[0] for f in findings} == {
        "credentials", "table", "column", "alternate", "choices", "states", "privilege",
    }  # fmt: skip


def test_the_preflight_says_what_hlf_has_to_change(portal: Portal, dataverse: Dataverse) -> None:
    """One sentence each."""
    mentors, certifications = portal.tables
    mentors.key = None
    mentors.columns.remove("hlf_statusfrom")
    mentors.choices["hlf_status"].remove(100000001)
    mentors.states.remove((1, 2))
    certifications.entity_set = "hlf_renamed"
    portal.privileges.remove("prvWritehlf_likeperson")
    assert {f.what: f.problem for f in dataverse.check() if f.problem} == {
        "alternate key hlf_likeperson.hlf_mentornumber": (
            "HLF has to define an alternate key on this column alone"
        ),
        "column hlf_likeperson.hlf_statusfrom": "the table has no such column",
        "states of hlf_likeperson": "the table has no status code 2 in state 1",
        "choices of hlf_likeperson.hlf_status": "the column has no choice with the value 100000001",
        "table hlf_certifications": "the portal has no table of that name (entity set)",
        "privilege prvWritehlf_likeperson": (
            "HLF has to give it to a role of our application user"
        ),
    }
    assert {method for method, _ in portal.requests} == {"GET", "POST"}


def test_the_preflight_stops_where_the_credentials_do_not_do(portal: Portal, time: Time) -> None:
    """What comes after would only repeat it."""
    portal.client_secret = "another"
    with connected(portal, time) as dataverse:
        (finding,) = dataverse.check()
    assert (finding.what, finding.problem) == (
        "credentials", "the login refused us: invalid_client (HTTP 401)",
    )  # fmt: skip


def test_nobody_is_asked_while_the_portal_is_off() -> None:
    """H2: the no-op client."""
    off = NoPortal()
    assert off.push(PAUSED) == "off"
    assert (list(off.renewals(None)), list(off.mentors())) == ([], [])
    assert off.check()[0].problem == "the portal is switched off"


def test_a_key_whose_index_is_not_ready_and_a_shallow_privilege_are_told(
    portal: Portal, dataverse: Dataverse
) -> None:
    """What is there by name is not always good for use."""
    portal.key_index, portal.depth = "Pending", "Basic"
    problems = {f.what.split()[0]: f.problem for f in dataverse.check() if f.problem}
    assert problems == {
        "alternate": "the key's index is not active yet",
        "privilege": "it reaches only rows that we own (Basic)",
    }


def test_no_wait_begins_that_is_as_long_as_the_time_left(
    portal: Portal, dataverse: Dataverse, time: Time
) -> None:
    """H3: also of our own waits; and with no time left nothing is sent."""
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


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "0"}, 1.0),
        ({"Retry-After": "-5"}, 1.0),
        ({"Retry-After": "nan"}, 5.0),
        ({"Retry-After": "soon"}, 5.0),
        ({}, 5.0),
        (
            {
                "Retry-After": "Sun, 22 Nov 2026 10:00:30 GMT",
                "Date": "Sun, 22 Nov 2026 10:00:00 GMT",
            },
            30.0,
        ),
        ({"Retry-After": "Sun, 22 Nov 2026 10:00:30 GMT"}, 5.0),
    ],
)
def test_how_long_to_wait_is_read_with_care(headers: dict[str, str], seconds: float) -> None:
    """H3: never not at all, which would use up the portal's patience."""
    assert seconds_to_wait(httpx.Response(429, headers=headers)) == seconds


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, PortalError), (403, PortalRefused), (408, PortalUnavailable), (412, PortalError),
        (429, PortalThrottled), (500, PortalUnavailable), (501, PortalError),
        (503, PortalUnavailable), (302, PortalError),
    ],
)  # fmt: skip
def test_a_status_has_its_class(status: int, error: type[Exception]) -> None:
    """H3: 501 never passes, a redirection is not followed."""
    assert type(error_of(httpx.Response(status, text="<html>"))) is error
    told = error_of(httpx.Response(status, json={"error": {"code": "0x1", "message": "Kari"}}))
    assert "Kari" not in str(told)


def test_a_missing_privilege_is_a_refusal_whatever_the_status() -> None:
    """By Dataverse's code."""
    body = {"error": {"code": "0x80040220", "message": "x"}}
    assert type(error_of(httpx.Response(400, json=body))) is PortalRefused


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (401, {"error": "invalid_client"}, PortalRefused),
        (400, {"error": "temporarily_unavailable"}, PortalUnavailable),
        (400, {"error": {"secret": "the-portals-secret"}}, PortalRefused),
        (429, {}, PortalThrottled),
        (503, {}, PortalUnavailable),
    ],
)
def test_a_login_that_fails_has_its_class(
    status: int, body: dict[str, object], error: type[Exception]
) -> None:
    """H3: by `error` alone; what is not known is not repeated."""
    found = login_error_of(httpx.Response(status, json=body))
    assert type(found) is error
    assert "secret" not in str(found)


@pytest.mark.parametrize(
    ("body", "token"),
    [
        ({"access_token": "t", "expires_in": 3599}, ("t", 3599.0)),
        ({"access_token": "t", "expires_in": "3599"}, ("t", 3599.0)),
        ({"access_token": "t"}, ("t", 300.0)),
        ({"access_token": "t", "expires_in": "nan"}, ("t", 300.0)),
        ({"access_token": "t", "expires_in": -1}, ("t", 300.0)),
        ({"access_token": ""}, None),
        ({"access_token": "\u00e6"}, None),
        ({"access_token": 5}, None),
    ],
)
def test_a_token_is_one_that_can_be_sent(
    body: dict[str, object], token: tuple[str, float] | None
) -> None:
    """With a careful end where none is told."""
    if token is not None:
        assert token_of(httpx.Response(200, json=body)) == token
        return
    with pytest.raises(PortalError, match="no token"):
        token_of(httpx.Response(200, json=body))


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(404, text="<h1>Web Site not found</h1>"),
        httpx.Response(404),
        httpx.Response(404, json={"error": {"code": "", "message": "No segment"}}),
        httpx.Response(404, json={"error": {"code": "0x80060888", "message": "No segment"}}),
    ],
)
def test_an_address_that_leads_nowhere_is_not_a_mentor_who_is_not_there(
    answer: httpx.Response,
) -> None:
    """H3: or a wrong host would make every mentor unknown."""
    with pytest.raises(PortalError):
        recorded(lambda _request: answer).push(PAUSED)


@pytest.mark.parametrize(
    ("link", "sentence"),
    [
        ("https://evil.example/x", "leads to another host"),
        ("http://hlf.crm4.example/api/data/v9.2/x", "leads to another host"),
        ("//evil.example/x", "leads to another host"),
        ("https://[x/", "leads to another host"),
        ("/next\x01", "is no address"),
        ("", "leads nowhere"),
        (5, "leads nowhere"),
        ("https://hlf.crm4.example/api/data/v9.2/again", "leads nowhere"),
    ],
)
def test_a_link_that_leads_elsewhere_or_nowhere_is_not_followed(
    link: object, sentence: str
) -> None:
    """The token goes to the portal alone; a link to itself is followed once."""
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(f"{request.url.scheme}://{request.url.host}")
        return httpx.Response(200, json={"value": [], "@odata.nextLink": link})

    with pytest.raises(PortalError, match=sentence):
        list(recorded(answer).mentors())
    assert set(asked) == {"https://hlf.crm4.example"}
    assert len(asked) <= 2


def test_the_same_host_may_be_written_otherwise() -> None:
    """Capitals and the usual port are the same host."""
    links: list[object] = ["https://HLF.crm4.example:443/api/data/v9.2/next", None]

    def answer(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"value": [], "@odata.nextLink": links.pop(0)})

    assert list(recorded(answer).mentors()) == [[], []]


@pytest.mark.parametrize(
    ("columns", "read"),
    [
        ({"hlf_validuntil": "9999-12-31"}, date.max),
        ({"hlf_validuntil": "2027-01-30"}, date(2027, 1, 31)),
        ({"hlf_validuntil": "2027-01-30T23:00:00Z"}, None),
        ({"hlf_validuntil": "31.01.2027"}, None),
        ({"hlf_validuntil": 20270131}, None),
        ({"modifiedon": None}, None),
        ({"modifiedon": "2026-11-22T10:00:00"}, None),
    ],
)
def test_one_odd_certification_does_not_hold_up_the_others(
    columns: dict[str, object], read: date | None
) -> None:
    """H3: it is named, for a person to look at; a date with a time is no day."""
    usual = {"hlf_certificationid": "1", "hlf_mentornumber": "7", "hlf_validuntil": "2027-06-30",
             "modifiedon": "2026-11-22T10:00:00.1234567Z"}  # fmt: skip
    rows = [usual | columns, usual | {"hlf_certificationid": "2"}]
    (page,) = recorded(lambda _r: httpx.Response(200, json={"value": rows})).renewals(None)
    assert [r.id for r in page.renewals] == (["2"] if read is None else ["1", "2"])
    assert page.unreadable == (("1",) if read is None else ())
    if read is not None:
        assert page.renewals[0].expires_on == read


@pytest.mark.parametrize("value", [None, {}, [1], "x"])
def test_rows_that_are_none_are_told(value: object) -> None:
    """One sentence instead of a stack trace."""
    dataverse = recorded(lambda _request: httpx.Response(200, json={"value": value, "x": 1}))
    with pytest.raises(PortalError, match="the portal's answer has"):
        list(dataverse.mentors())


def test_a_moment_is_asked_for_in_utc() -> None:
    """Whatever zone it is given in."""
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(200, json={"value": []})

    oslo = datetime(2026, 11, 22, 3, 0, tzinfo=timezone(timedelta(hours=1)))
    list(recorded(answer).renewals(oslo))
    assert "modifiedon%20ge%202026-11-22T02:00:00Z" in asked[0]


def test_an_answer_that_cannot_be_unpacked_is_none() -> None:
    """Whatever the network made of it: tried three times, then for later."""

    def answer(_request: httpx.Request) -> httpx.Response:
        raise httpx.DecodingError("broken gzip")

    with pytest.raises(PortalUnavailable, match="DecodingError"):
        recorded(answer).push(PAUSED)


def test_our_waits_are_drawn_by_lot() -> None:
    """So that many workers do not come back at the same moment."""
    time = Time()
    fair = replace(time.timing(), jitter=lambda: 0.25)
    requests = Requests(settings("http://127.0.0.1:9"), fair)
    with pytest.raises(PortalUnavailable):
        requests.read("WhoAmI")
    requests.close()
    assert time.slept == [0.5, 1.0]


def test_a_portal_that_is_not_there_is_unavailable(time: Time) -> None:
    """H3: nobody listens."""
    with client("http://127.0.0.1:9", time, EXAMPLE) as dataverse, pytest.raises(PortalUnavailable):
        dataverse.push(PAUSED)
    assert len(time.slept) == 2


def command(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the command line's preflight with the example's mapping."""
    return subprocess.run(
        [COMMAND, "portal", "check", "--mapping", str(MAPPING), *arguments],
        capture_output=True, text=True, check=False, timeout=60,
        env={"PATH": "/usr/bin:/bin", "HOME": "/", **environ},
    )  # fmt: skip


def environment(url: str) -> dict[str, str]:
    """The variables that name a portal at `url`."""
    return {
        "PORTAL_URL": url, "PORTAL_LOGIN_URL": url, "PORTAL_TENANT": TENANT,
        "PORTAL_CLIENT_ID": CLIENT_ID, "PORTAL_CLIENT_SECRET": SECRET,
    }  # fmt: skip


def test_the_command_tells_what_hlf_has_to_change(portal: Portal) -> None:
    """Exit code 0 if nothing, 1 if something; JSON for machines."""
    with serving(portal) as url:
        fine = command("--json", **environment(url))
        portal.tables[0].key = None
        lacking = command(**environment(url))
    assert fine.returncode == 0
    assert {"what": "credentials", "problem": None} in json.loads(fine.stdout)
    assert (lacking.returncode, lacking.stdout) == (1, "")
    assert "HLF has to define an alternate key on this column alone" in lacking.stderr


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        ({}, "PORTAL_URL is not set; PORTAL_TENANT is not set"),
        (environment("http://hlf.example"), "PORTAL_URL: String should match pattern"),
        (environment("https://user:password@hlf.example"), "PORTAL_URL: String should match"),
    ],
)
def test_the_command_needs_its_settings(environ: dict[str, str], sentence: str) -> None:
    """Exit code 2; a secret goes over TLS, and into no address."""
    done = command(**environ)
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in " ".join(done.stderr.split())
    assert SECRET not in done.stderr
