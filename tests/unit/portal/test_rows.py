"""An unreadable row of the portal is named, and affects no other row (R3)."""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import httpx
import pytest

from mentor_pause.errors import PortalError
from mentor_pause.portal import MentorState
from mentor_pause.portal.answers import error_of
from mentor_pause.portal.json_text import UNREADABLE, parse
from support.played_http import taken
from support.portal import EXAMPLE, recorded

ODD_TEXTS = {
    "half a character": "\ud800",
    "NUL": "7\x00",
    "a control character": "7\x1b[2J",
    "a control character behind ASCII": "7\x85",
    "451 characters": "7" * 451,
    "a million characters": "7" * 1_000_000,
}
NO_TEXTS = {
    "a number": 17,
    "a huge number": 10**25,
    "not a number": float("nan"),
    "infinite": float("inf"),
    "true": True,
    "false": False,
    "zero": 0,
    "a list": ["7"],
    "an empty list": [],
    "an object": {"key": "7"},
}
ODD_DAYS = {
    "no year": "0000-00-00",
    "30 February": "2026-02-30",
    "the year 10000": "10000-01-01",
    "compact": "20280531",
    "a week": "2028-W22-3",
    "a time": "2028-05-31T00:00:00Z",
    "other digits": "\uff12\uff10\uff12\uff18-05-31",
    "a negative year": "-0044-03-15",
    "infinity": "infinity",
    "spaces": " 2028-05-31",
}
ODD_MOMENTS = {
    "null": None,
    "empty": "",
    "a word": "soon",
    "no offset": "2026-11-02T08:00:00",
    "a day": "2026-11-02",
    "before the year 1": "0001-01-01T00:00:00+14:00",
    "the year 1": "0001-01-01T00:00:00Z",
    "the year 1899": "1899-12-31T23:59:59Z",
    "after the year 9999": "9999-12-31T23:59:59-14:00",
    "the year 10000": "10000-01-01T00:00:00Z",
    "compact": "20261102T080000Z",
    "24 o'clock": "2026-11-02T25:00:00Z",
}
ODD_IDS = {"null": None, "empty": "", "201 characters": "c" * 201}


def odd(column: str, *kinds: Mapping[str, object]) -> list[object]:
    """Return a parameter for each odd value of a column."""
    return [
        pytest.param(column, value, id=f"{column} {name}")
        for kind in kinds
        for name, value in kind.items()
    ]


def certification(number: int) -> dict[str, Any]:
    """Return a certification's row in the portal."""
    return {
        "hlf_certificationid": f"c-{number}",
        "hlf_mentornumber": f"HLF-{number}",
        "hlf_validuntil": "2028-05-31",
        "modifiedon": "2026-11-02T08:00:00Z",
    }


def mentor(number: int) -> dict[str, Any]:
    """Return a mentor's row in the portal."""
    columns = EXAMPLE.mentors.columns("active", "entered", date(2026, 1, 1))
    return {"hlf_mentornumber": f"HLF-{number}", "modifiedon": "2026-11-02T08:00:00Z"} | columns


def answering(content: bytes) -> Any:
    """Return the client of a portal that gives this answer."""
    return recorded(lambda _request: httpx.Response(200, content=content))


def listing(rows: list[dict[str, Any]]) -> Any:
    """Return the client of a portal that lists these rows on one page."""
    return answering(json.dumps({"value": rows}).encode())


@pytest.mark.parametrize(
    ("column", "value"),
    [
        *odd("hlf_certificationid", ODD_IDS, ODD_TEXTS, NO_TEXTS),
        *odd("hlf_mentornumber", ODD_TEXTS, NO_TEXTS),
        *odd("hlf_validuntil", ODD_DAYS, ODD_TEXTS, NO_TEXTS),
        *odd("modifiedon", ODD_MOMENTS, ODD_TEXTS, NO_TEXTS),
    ],
)
def test_of_fifty_certifications_forty_nine_are_read_and_one_is_named(
    column: str, value: object
) -> None:
    """R3: by its id, or by its place if the id is unreadable; never by the unreadable text."""
    rows = [certification(number) for number in range(50)]
    rows[24][column] = value
    (page,) = listing(rows).certifications(None)
    assert [r.id for r in page.certifications] == [f"c-{n}" for n in range(50) if n != 24]
    (named,) = page.unreadable
    assert named.name == ("row 25 of page 1" if column == "hlf_certificationid" else "c-24")
    assert str(named).isprintable()
    assert named.problem.startswith(f"{column} ")
    assert len(str(named)) < 120


@pytest.mark.parametrize("row", [None, 7, "x", [], True])
def test_a_row_that_is_not_an_object_is_named_by_its_place(row: Any) -> None:
    """R3: in both listings."""
    certifications = [certification(1), row, certification(2)]
    (page,) = listing(certifications).certifications(None)
    assert len(page.certifications) == 2
    assert list(map(str, page.unreadable)) == ["row 2 of page 1 (it is not an object)"]
    (mentors,) = listing([mentor(1), row]).mentors()
    assert len(mentors.mentors) == 1
    assert list(map(str, mentors.unreadable)) == ["row 2 of page 1 (it is not an object)"]


@pytest.mark.parametrize(
    ("column", "value"),
    odd("hlf_mentornumber", ODD_TEXTS, NO_TEXTS, {"null": None, "empty": ""}),
)
def test_of_fifty_mentors_forty_nine_are_read_and_one_is_named(column: str, value: object) -> None:
    """R3: by its place, because the key is what cannot be read."""
    rows = [mentor(number) for number in range(50)]
    rows[24][column] = value
    (page,) = listing(rows).mentors()
    assert [m.key for m in page.mentors] == [f"HLF-{n}" for n in range(50) if n != 24]
    (named,) = page.unreadable
    assert named.name == "row 25 of page 1"


@pytest.mark.parametrize(("column", "value"), odd("hlf_status", ODD_TEXTS, NO_TEXTS))
def test_a_value_that_is_not_a_choice_is_not_a_status(column: str, value: object) -> None:
    """H5: the mentor exists in the portal, and differs."""
    (page,) = listing([mentor(1) | {column: value}]).mentors()
    assert page.mentors[0].status is None


def test_a_choice_is_a_whole_number_and_not_another_value_that_equals_it() -> None:
    """R3: `true` and 1.0 equal 1 in Python, but not in JSON."""
    portal = listing([mentor(1) | {"statecode": False}, mentor(2) | {"statecode": 0.0}, mentor(3)])
    (page,) = portal.mentors()
    due = MentorState("x", "active", "entered", date(2026, 1, 1))
    assert [portal.matches(found, due) for found in page.mentors] == [False, False, True]
    assert EXAMPLE.mentors.status_of(100000001.0) is None


@pytest.mark.parametrize(
    ("expires", "day"), [("9999-12-31", date.max), ("0001-01-01", date(1, 1, 2))]
)
def test_the_ends_of_the_calendar_are_days(expires: str, day: date) -> None:
    """R3: the day after the last one is the last one."""
    (page,) = listing([certification(1) | {"hlf_validuntil": expires}]).certifications(None)
    assert page.certifications[0].expires_on == day


@pytest.mark.parametrize(
    ("moment", "read"),
    [
        ("2026-11-02T08:00:00Z", datetime(2026, 11, 2, 8, tzinfo=UTC)),
        ("2026-11-02T09:00:00.1234567+01:00", datetime(2026, 11, 2, 8, 0, 0, 123456, tzinfo=UTC)),
        ("1900-01-01T00:00:00Z", datetime(1900, 1, 1, tzinfo=UTC)),
        ("9999-12-31T23:59:59Z", datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_a_moment_is_read_in_utc(moment: str, read: datetime) -> None:
    """H1: a moment may have any offset."""
    (page,) = listing([certification(1) | {"modifiedon": moment}]).certifications(None)
    assert page.certifications[0].modified_on == read


ONE_ROW = json.dumps(certification(7)).encode()
DEEP = 100_000


@pytest.mark.parametrize(
    "row",
    [
        ONE_ROW.replace(b'"HLF-7"', b'"HLF-\xff7"'),
        ONE_ROW.replace(b'"HLF-7"', b'"HLF-\xed\xa0\x807"'),
        ONE_ROW.replace(b'"HLF-7"', b'"HLF-\x007"'),
        ONE_ROW.replace(b'"HLF-7"', b'"HLF-\n7"'),
        ONE_ROW.replace(b'"HLF-7"', b"1e400"),
        ONE_ROW.replace(b'"HLF-7"', b"-1e400"),
        ONE_ROW.replace(b'"HLF-7"', b"NaN"),
        ONE_ROW.replace(b'"HLF-7"', b"9" * 5000),
        ONE_ROW.replace(b'"HLF-7"', b"[" * DEEP + b"]" * DEEP),
        ONE_ROW.replace(b'"HLF-7"', b'{"a":' * DEEP + b'"]]"' + b"}" * DEEP),
        ONE_ROW.replace(b'"HLF-7"', b'"HLF-7", "hlf_mentornumber": "HLF-8"'),
    ],
    ids=[
        "a byte that is not UTF-8", "a surrogate in UTF-8", "a raw NUL", "a raw line feed",
        "1e400", "-1e400", "NaN", "5,000 digits", "nested lists", "nested objects", "twice",
    ],
)  # fmt: skip
def test_a_value_that_python_cannot_read_affects_only_its_row(row: bytes) -> None:
    """R3: Python's own reader would reject the whole answer."""
    others = [json.dumps(certification(number)).encode() for number in (1, 2)]
    content = b'{"value": [%b, %b, %b]}' % (others[0], row, others[1])
    (page,) = answering(content).certifications(None)
    assert [r.id for r in page.certifications] == ["c-1", "c-2"]
    assert [r.name for r in page.unreadable] == ["c-7"]


def test_a_value_that_is_nested_too_deeply_is_cut_out() -> None:
    """R3: at any place in the answer; brackets within texts do not count."""
    deep = "[" * DEEP + "]" * DEEP
    text = f'{{"a": "[{{", "b": {deep}, "c": [1, {deep}, "]\\"}}"], "d": 4}}'
    found = parse(text.encode())
    assert isinstance(found, dict)
    assert (found["a"], found["d"]) == ("[{", 4)
    assert (found["c"][0], found["c"][2]) == (1, ']"}')


def test_a_name_that_an_object_has_twice_is_unreadable() -> None:
    """R3: also in the object around the rows; the answer then has no rows."""
    assert parse(b'{"a": 1, "a": 1, "b": 2}') == {"a": UNREADABLE, "b": 2}
    with pytest.raises(PortalError, match="no list of rows"):
        list(answering(b'{"value": [], "value": []}').mentors())


@pytest.mark.parametrize("content", [b"", b"{", b'{"value": [', b"\x00", b"[" * DEEP, b"<html>"])
def test_an_answer_that_is_not_json_is_an_error_of_one_sentence(content: bytes) -> None:
    """H3: also if deeply nested JSON is cut off."""
    with pytest.raises(PortalError, match="instead of a JSON object"):
        list(answering(content).mentors())


@pytest.mark.parametrize("code", ["Kari Nordmann", "0x8004", ["x"], {"a": 1}, 503, "0x\x00", None])
def test_an_error_keeps_only_a_code_of_dataverses_shape(code: object) -> None:
    """E13: any other text may name a person."""
    body = {"error": {"code": code, "message": "\x1b[2J\ud800" + "x" * 1000}}
    error = error_of(taken(httpx.Response(400, content=json.dumps(body).encode())))
    assert isinstance(error, PortalError)
    assert error.code == ("0x8004" if code == "0x8004" else "")
    assert error.vendor_message.isprintable()
    assert len(error.vendor_message) <= 500


def test_the_client_asks_for_a_mentor_by_key_and_accepts_that_there_is_none() -> None:
    """H5: Dataverse's code decides; with any other 404 the address is wrong."""
    assert answering(json.dumps(mentor(7)).encode()).mentor("HLF-7").status == "active"
    gone = httpx.Response(404, json={"error": {"code": "0x80060891", "message": "x"}})
    assert recorded(lambda _request: gone).mentor("HLF-7") is None
    with pytest.raises(PortalError):
        recorded(lambda _request: httpx.Response(404)).mentor("HLF-7")
    with pytest.raises(PortalError, match="row cannot be read: hlf_mentornumber is not text"):
        answering(json.dumps(mentor(7) | {"hlf_mentornumber": 7}).encode()).mentor("HLF-7")
