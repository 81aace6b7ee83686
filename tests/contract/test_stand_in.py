"""The stand-in portal behaves as Dataverse does where that is hard for a client (H3)."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from cli.local import fault
from local import portal_server
from local.portal import CLIENT_ID, TENANT, serving
from local.portal_tables import Fault, Portal, Row
from support.portal import CERTIFICATIONS, MENTORS, SECRET

ID = "hlf_certificationid"
LISTING = f"{CERTIFICATIONS}?$select={ID},hlf_validuntil,modifiedon,statecode"
BY_CHANGE = f"{LISTING}&$orderby=modifiedon asc,{ID} asc"
PAUSE = {"hlf_status": 100000001}
THE_MENTOR = f"{MENTORS}(hlf_mentornumber='1017')"


class Reader:
    """Sends requests to the stand-in as a client does, and returns the raw answers."""

    def __init__(self, url: str) -> None:
        """`url` is the address of the stand-in."""
        self.url = url
        self.http = httpx.Client(timeout=10)
        self.log_in()

    def log_in(self) -> httpx.Response:
        """Log in, and return the answer."""
        form = {
            "client_id": CLIENT_ID, "client_secret": SECRET, "scope": f"{self.url}/.default",
            "grant_type": "client_credentials",
        }  # fmt: skip
        answer = self.http.post(f"{self.url}/{TENANT}/oauth2/v2.0/token", data=form)
        if "application/json" in answer.headers["Content-Type"] and answer.is_success:
            token = answer.json()["access_token"]
            self.http.headers.update({
                "Authorization": f"Bearer {token}", "Accept": "application/json",
                "OData-Version": "4.0", "OData-MaxVersion": "4.0", "Prefer": "odata.maxpagesize=4",
            })  # fmt: skip
        return answer

    def get(self, link: str) -> httpx.Response:
        """GET an address, relative or as the portal gave it."""
        return self.http.get(
            link if link.startswith("http") else f"{self.url}/api/data/v9.2/{link}"
        )

    def patch(self, link: str = THE_MENTOR, body: Row = PAUSE) -> httpx.Response:
        """Change an existing row."""
        return self.http.patch(
            f"{self.url}/api/data/v9.2/{link}", json=body, headers={"If-Match": "*"}
        )

    def pages(self, link: str, meanwhile: Callable[[], object] = lambda: None) -> list[list[Any]]:
        """Return the days of each page of a listing; call `meanwhile` after the first page."""
        found: list[list[Any]] = []
        while link:
            body = self.get(link).json()
            found.append([row["hlf_validuntil"] for row in body["value"]])
            link = body.get("@odata.nextLink", "")
            if len(found) == 1:
                meanwhile()
        return found


@pytest.fixture
def reader(portal: Portal) -> Iterator[Reader]:
    """A reader that has logged in."""
    with serving(portal) as url:
        found = Reader(url)
        yield found
        found.http.close()


def certify(portal: Portal, days: int) -> list[str]:
    """Add certifications, changed one after the other, and return their ids."""
    ids: list[str] = []
    for day in range(1, days + 1):
        portal.clock = lambda day=day: datetime(2026, 11, day, tzinfo=UTC)
        row = portal.put(CERTIFICATIONS, hlf_mentornumber="1", hlf_validuntil=f"2027-01-{day:02}")
        ids.append(row[ID])
    return ids


def days(*numbers: int) -> list[str]:
    """Return the days of certifications."""
    return [f"2027-01-{number:02}" for number in numbers]


def code(answer: httpx.Response) -> tuple[int, str]:
    """Return status and Dataverse's code."""
    return answer.status_code, answer.json()["error"]["code"]


def test_a_next_link_must_come_back_unchanged(portal: Portal, reader: Reader) -> None:
    """It holds no offset, and the stand-in refuses the link with other escapes."""
    certify(portal, 6)
    link = reader.get(BY_CHANGE).json()["@odata.nextLink"]
    assert "$skiptoken=%3Ccookie%20pagenumber=%222%22" in link
    assert len(reader.get(link).json()["value"]) == 2
    for other in (link.replace("%3C", "%3c"), link.replace("%2522", "%22"), f"{link}%20"):
        assert code(reader.get(other)) == (400, "0x80060888")


def test_pages_may_be_smaller_than_asked_for_and_empty(portal: Portal, reader: Reader) -> None:
    """An empty page with a next link is not the end."""
    portal.manners.add("small pages")
    certify(portal, 7)
    assert [len(page) for page in reader.pages(BY_CHANGE)] == [2, 1, 0, 2, 1, 0, 1]


@pytest.mark.parametrize(("by_cookie", "rest"), [(False, days(6, 1)), (True, days(5, 6, 1))])
def test_a_row_that_changes_moves_to_the_end(
    portal: Portal, reader: Reader, by_cookie: bool, rest: list[str]
) -> None:
    """By cookie, the row is read again; by number, the reader misses another row."""
    if by_cookie:
        portal.manners.add("pages by cookie")
    ids = certify(portal, 6)

    def move() -> None:
        portal.clock = lambda: datetime(2026, 12, 1, tzinfo=UTC)
        portal.change(CERTIFICATIONS, ids[0])

    assert reader.pages(BY_CHANGE, move) == [days(1, 2, 3, 4), rest]


def test_a_save_may_become_visible_late(portal: Portal, reader: Reader) -> None:
    """Its `modifiedon` is the moment when the save began."""
    certify(portal, 2)
    portal.manners.add("late saves")
    portal.late_requests = 2
    portal.clock = lambda: datetime(2026, 11, 1, tzinfo=UTC)
    portal.put(CERTIFICATIONS, hlf_mentornumber="1", hlf_validuntil="2027-01-09")
    seen = [reader.pages(LISTING) for _ in range(3)]
    assert [len(pages[0]) for pages in seen] == [2, 2, 3]
    assert (
        len(reader.get(f"{LISTING}&$filter=modifiedon ge 2026-11-02T00:00:00Z").json()["value"])
        == 1
    )


def test_rows_can_be_deactivated_and_deleted(portal: Portal, reader: Reader) -> None:
    """A deactivated row stays with `statecode` 1; a deleted row is gone."""
    ids = certify(portal, 3)
    portal.deactivate(CERTIFICATIONS, ids[0])
    portal.delete(CERTIFICATIONS, ids[1])
    rows = reader.get(BY_CHANGE).json()["value"]
    assert {row[ID]: row["statecode"] for row in rows} == {ids[0]: 1, ids[2]: 0}
    active = reader.get(f"{LISTING}&$filter=statecode eq 0").json()["value"]
    assert [row[ID] for row in active] == [ids[2]]
    single = reader.get(f"{CERTIFICATIONS}({ids[0]})?$select=statecode,statuscode").json()
    assert (single["statecode"], single["statuscode"]) == (1, 2)
    assert code(reader.get(f"{CERTIFICATIONS}({ids[1]})?$select=statecode")) == (404, "0x80040217")


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("modifiedon ge 2026-11-02T00:00:00Z and statecode eq 0", [2, 3]),
        (f"modifiedon gt 2026-11-02T00:00:00Z and {ID} ne null", [3]),
        ("hlf_mentornumber eq '1'", [1, 2, 3]),
        ("hlf_mentornumber eq null", []),
        ("hlf_validuntil eq 2027-01-02", [2]),
    ],
)
def test_listings_can_be_filtered(
    portal: Portal, reader: Reader, condition: str, found: list[int]
) -> None:
    """With the operators that the client uses."""
    certify(portal, 3)
    assert reader.pages(f"{BY_CHANGE}&$filter={condition}") == [days(*found)]


def test_answers_may_be_compressed(portal: Portal, reader: Reader) -> None:
    """For a reader that accepts gzip."""
    certify(portal, 2)
    portal.manners.add("gzip")
    answer = reader.get(BY_CHANGE)
    assert answer.headers["Content-Encoding"] == "gzip"
    assert len(answer.json()["value"]) == 2
    reader.http.headers["Accept-Encoding"] = "identity"
    assert "Content-Encoding" not in reader.get(BY_CHANGE).headers


def test_rows_of_another_business_unit_are_out_of_reach(portal: Portal, reader: Reader) -> None:
    """No listing shows them, and reading or changing them is refused."""
    ids = certify(portal, 2)
    portal.foreign = {"1017", ids[0]}
    assert reader.pages(BY_CHANGE) == [days(2)]
    for answer in (
        reader.get(f"{CERTIFICATIONS}({ids[0]})?$select=statecode"),
        reader.get(f"{THE_MENTOR}?$select=statecode"),
        reader.patch(),
    ):
        assert code(answer) == (403, "0x80048306")


def test_secured_columns_read_as_nothing_and_cannot_be_changed(
    portal: Portal, reader: Reader
) -> None:
    """Unless a profile grants it."""
    portal.switch("secured columns", on=True, of=["hlf_status"])
    assert reader.get(f"{THE_MENTOR}?$select=hlf_status").json()["hlf_status"] is None
    assert code(reader.patch()) == (403, "0x8004f508")
    portal.tables[0].columns["hlf_status"].granted = {"read", "update"}
    assert reader.patch().status_code == 204
    assert reader.get(f"{THE_MENTOR}?$select=hlf_status").json()["hlf_status"] == 100000001


@pytest.mark.parametrize(
    ("kind", "status", "due", "waits"),
    [
        ("throttled", 429, "0x80072322", "7"),
        ("throttled by time", 429, "0x80072321", "7"),
        ("throttled by concurrency", 429, "0x80072326", "7"),
        ("throttled without a time", 429, "0x80072322", None),
        ("throttled for long", 429, "0x80072322", "300"),
        ("unavailable", 503, "", None),
        ("unavailable for a while", 503, "", "10"),
        ("other business unit", 403, "0x80048306", None),
        ("other record", 404, "0x80060891", None),
        ("other object", 404, "0x80040217", None),
    ],
)
def test_a_fault_refuses_one_request(
    portal: Portal, reader: Reader, kind: Fault, status: int, due: str, waits: str | None
) -> None:
    """The row exists all the time, and the fault does not change it."""
    portal.retry_after, portal.faults = 7, [kind]
    answer = reader.patch()
    assert (*code(answer), answer.headers.get("Retry-After")) == (status, due, waits)
    assert reader.get(f"{THE_MENTOR}?$select=hlf_status").json()["hlf_status"] == 100000000
    assert reader.patch().status_code == 204


def test_a_wait_may_be_a_date(portal: Portal, reader: Reader) -> None:
    """By the server's own clock."""
    portal.retry_after, portal.faults = 60, ["throttled until a date"]
    headers = reader.patch().headers
    wait = parsedate_to_datetime(headers["Retry-After"]) - parsedate_to_datetime(headers["Date"])
    assert timedelta(seconds=58) < wait < timedelta(seconds=62)


@pytest.mark.parametrize(
    ("kind", "status", "error"),
    [
        ("login throttled", 429, "AADSTS90055"),
        ("login unavailable", 503, "AADSTS90033"),
        ("login refused", 401, "AADSTS7000215"),
    ],
)
def test_a_fault_of_the_login_waits_for_a_login(
    portal: Portal, reader: Reader, kind: Fault, status: int, error: str
) -> None:
    """It does not affect other requests."""
    portal.faults = [kind, "forbidden"]
    assert reader.patch().status_code == 403
    answer = reader.log_in()
    assert answer.status_code == status
    assert answer.json()["error_description"].startswith(f"{error}: ")
    assert reader.log_in().json()["expires_in"] == 3599


def test_the_login_may_answer_with_a_page_and_tokens_may_be_short(
    portal: Portal, reader: Reader
) -> None:
    """HTML with status 200; a token may have any life, even none."""
    portal.faults = ["login page"]
    page = reader.log_in()
    assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html")
    portal.expires_in = 0
    assert reader.log_in().json()["expires_in"] == 0
    portal.manners.add("short tokens")
    assert reader.log_in().json()["expires_in"] == 30


def test_an_answer_may_drip(portal: Portal, reader: Reader) -> None:
    """It sends a byte now and then, from the status line on."""
    portal.drip_seconds, portal.faults = 0.005, ["drip"]
    before = time.monotonic()
    assert reader.get("WhoAmI").json()["UserId"]
    assert time.monotonic() - before > 200 * portal.drip_seconds
    portal.drip_seconds, portal.faults = 60.0, ["drip"]
    with pytest.raises(httpx.ReadTimeout):
        reader.http.get(f"{reader.url}/api/data/v9.2/WhoAmI", timeout=0.2)


def test_the_stand_ins_own_addresses_control_faults_and_manners(
    portal: Portal, reader: Reader
) -> None:
    """`mentor-pause local fault` uses these addresses."""
    port = httpx.URL(reader.url).port or 0
    portal_server.switch_on(port, ["forbidden", "forbidden"])
    assert reader.patch().status_code == 403
    portal_server.switch_on(port, [])
    portal_server.switch_manner(port, "gzip", on=True)
    portal_server.switch_manner(port, "foreign rows", on=True, of=["1017"])
    portal_server.switch_manner(port, "secured columns", on=True, of=["hlf_status"])
    assert (portal.manners, portal.foreign) == (
        {"gzip", "foreign rows", "secured columns"}, {"1017"}
    )  # fmt: skip
    assert portal.tables[0].columns["hlf_status"].secured
    for manner in list(portal.manners):
        portal_server.switch_manner(port, manner, on=False)
    assert reader.patch().status_code == 204
    assert (portal.manners, portal.foreign) == (set(), set())


@pytest.mark.parametrize(
    "arguments",
    [
        ("throttled", "--on"), ("throttled", "--of", "1017"), ("gzip",), ("gzip", "--times", "2"),
        ("gzip", "--on", "--of", "1017"), ("foreign rows", "--on"),
    ],
)  # fmt: skip
def test_a_fault_has_times_and_a_manner_an_end(arguments: tuple[str, ...]) -> None:
    """The command refuses other combinations before it looks for a stack."""
    done = CliRunner().invoke(fault, arguments)
    assert (done.exit_code, done.output.count("Error: ")) == (2, 1)
