"""The stand-in portal behaves as Dataverse does where that is hard for a client (H3)."""

from datetime import UTC, datetime

import pytest

from local.portal_tables import Portal
from support.portal import CERTIFICATIONS
from support.stand_in import THE_MENTOR, Reader, code

ID = "hlf_certificationid"
LISTING = f"{CERTIFICATIONS}?$select={ID},hlf_validuntil,modifiedon,statecode"
BY_CHANGE = f"{LISTING}&$orderby=modifiedon asc,{ID} asc"


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
