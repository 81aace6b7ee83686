"""The requests that the portal's client sends, and where it sends them (H2, H3)."""

import json
from datetime import UTC, date, datetime, timedelta, timezone
from uuid import UUID

import httpx
import pytest

from mentor_pause.errors import PortalError
from mentor_pause.portal import MentorState, PortalMentorPage
from mentor_pause.portal.requests import naming_run
from support.portal import PAUSED, recorded


def test_a_redirection_is_not_followed() -> None:
    """The token goes only to the portal."""
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url.host))
        return httpx.Response(302, headers={"Location": "https://evil.example/x"})

    with pytest.raises(PortalError, match="HTTP 302"):
        recorded(answer).push(PAUSED)
    assert asked == ["hlf.crm4.example"]


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
    list(dataverse.certifications(datetime(2026, 11, 21, 2, 0, tzinfo=UTC)))
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
        "modifiedon,statecode&$filter=modifiedon%20ge%202026-11-21T02:00:00Z&$orderby=modifiedon%20asc,hlf_certificationid%20asc"
    )
    assert query.headers["prefer"] == "odata.maxpagesize=1000"
    assert {"if-match", "content-type"}.isdisjoint(query.headers)
    assert query.content == b""


@pytest.mark.parametrize(
    ("link", "sentence"),
    [
        ("https://evil.example/x", "leads to another host"),
        ("http://hlf.crm4.example/api/data/v9.2/x", "leads to another host"),
        ("//evil.example/x", "leads to another host"),
        ("https://[x/", "is not an address"),
        ("/next\x01", "is not an address"),
        ("", "leads nowhere"),
        (5, "leads nowhere"),
        ("https://hlf.crm4.example/api/data/v9.2/again", "leads nowhere"),
    ],
)
def test_a_link_to_another_host_or_to_no_page_is_not_followed(link: object, sentence: str) -> None:
    """The token goes only to the portal; a link to its own page is followed once."""
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(f"{request.url.scheme}://{request.url.host}")
        return httpx.Response(200, json={"value": [], "@odata.nextLink": link})

    with pytest.raises(PortalError, match=sentence):
        list(recorded(answer).mentors())
    assert set(asked) == {"https://hlf.crm4.example"}
    assert len(asked) <= 2


def test_a_host_may_be_written_in_another_way() -> None:
    """Capitals and the usual port are the same host."""
    links: list[object] = ["https://HLF.crm4.example:443/api/data/v9.2/next", None]

    def answer(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"value": [], "@odata.nextLink": links.pop(0)})

    assert list(recorded(answer).mentors()) == [PortalMentorPage((), ())] * 2


def test_a_link_is_sent_as_the_portal_gave_it() -> None:
    """A cookie of paging may hold any character; only those that no address may hold change."""
    printable = "".join(map(chr, range(0x21, 0x7F))).replace("#", "")
    links: list[object] = [
        f"https://hlf.crm4.example/api/data/v9.2/m?$skiptoken={printable} x",
        None,
    ]
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.raw_path.decode())
        return httpx.Response(200, json={"value": [], "@odata.nextLink": links.pop(0)})

    list(recorded(answer).mentors())
    escaped = printable
    for character in '"<>`{}':
        escaped = escaped.replace(character, f"%{ord(character):02X}")
    assert asked[1] == f"/api/data/v9.2/m?$skiptoken={escaped}%20x"


def test_a_request_names_the_run_that_it_serves() -> None:
    """O1: and after the run's work, no run."""
    seen: list[str | None] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers.get("x-ms-correlation-id"))
        return httpx.Response(204)

    outer, inner = UUID(int=1), UUID(int=2)
    dataverse = recorded(answer)
    with naming_run(outer):
        with naming_run(inner):
            dataverse.push(PAUSED)
        dataverse.push(PAUSED)
    dataverse.push(PAUSED)
    assert seen == [str(inner), str(outer), None]


def test_the_filter_has_its_moment_in_utc() -> None:
    """The caller may pass a moment of any zone."""
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(200, json={"value": []})

    oslo = datetime(2026, 11, 22, 3, 0, tzinfo=timezone(timedelta(hours=1)))
    list(recorded(answer).certifications(oslo))
    assert "modifiedon%20ge%202026-11-22T02:00:00Z" in asked[0]
