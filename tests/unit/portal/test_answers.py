"""How the client reads the portal's answers (H3)."""

from datetime import date

import httpx
import pytest

from mentor_pause.errors import PortalError, PortalRefused, PortalThrottled, PortalUnavailable
from mentor_pause.portal.answers import error_of, seconds_to_wait
from support.played_http import taken
from support.portal import PAUSED, recorded


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
    """H3: the client always waits at least a second, or the portal would throttle it further."""
    assert seconds_to_wait(taken(httpx.Response(429, headers=headers))) == seconds


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, PortalError), (401, PortalRefused), (403, PortalError), (408, PortalUnavailable),
        (412, PortalError),
        (429, PortalThrottled), (500, PortalUnavailable), (501, PortalError),
        (503, PortalUnavailable), (302, PortalError),
    ],
)  # fmt: skip
def test_a_status_has_its_class(status: int, error: type[Exception]) -> None:
    """H3: a 501 is permanent, and a redirection is not followed."""
    assert type(error_of(taken(httpx.Response(status, text="<html>")))) is error
    body = {"error": {"code": "0x1", "message": "Kari"}}
    raised = error_of(taken(httpx.Response(status, json=body)))
    assert "Kari" not in str(raised)


def test_a_transient_failure_with_a_retry_after_asks_the_client_to_wait() -> None:
    """H3: for every transient status; a permanent failure with the header does not."""
    for status in (408, 429, 500, 503, 504):
        found = error_of(taken(httpx.Response(status, headers={"Retry-After": "10"})))
        assert type(found) is PortalThrottled
        assert found.seconds == 10
    assert type(error_of(taken(httpx.Response(501, headers={"Retry-After": "10"})))) is PortalError


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(404, text="<h1>Web Site not found</h1>"),
        httpx.Response(404),
        httpx.Response(404, json={"error": {"code": "", "message": "No segment"}}),
        httpx.Response(404, json={"error": {"code": "0x80060888", "message": "No segment"}}),
    ],
)
def test_a_wrong_address_does_not_look_like_a_missing_mentor(
    answer: httpx.Response,
) -> None:
    """H3: otherwise a wrong host would make every mentor unknown."""
    with pytest.raises(PortalError):
        recorded(lambda _request: answer).push(PAUSED)


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
def test_an_unreadable_certification_does_not_stop_the_others(
    columns: dict[str, object], read: date | None
) -> None:
    """H3: the page names it, so that a person looks at it; a date with a time is not a day."""
    usual = {"hlf_certificationid": "1", "hlf_mentornumber": "7", "hlf_validuntil": "2027-06-30",
             "modifiedon": "2026-11-22T10:00:00.1234567Z"}  # fmt: skip
    rows = [usual | columns, usual | {"hlf_certificationid": "2"}]
    (page,) = recorded(lambda _r: httpx.Response(200, json={"value": rows})).certifications(None)
    assert [r.id for r in page.certifications] == (["2"] if read is None else ["1", "2"])
    assert [row.name for row in page.unreadable] == (["1"] if read is None else [])
    if read is not None:
        assert page.certifications[0].expires_on == read


@pytest.mark.parametrize("value", [None, {}, "x"])
def test_an_answer_without_rows_is_an_error_of_one_sentence(value: object) -> None:
    """The error says that the list of rows is missing."""
    dataverse = recorded(lambda _request: httpx.Response(200, json={"value": value, "x": 1}))
    with pytest.raises(PortalError, match="the portal's answer has"):
        list(dataverse.mentors())
