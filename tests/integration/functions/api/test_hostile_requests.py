"""Hostile requests get a documented, small answer with all headers, and start nothing."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from api.handle_request import HEADERS
from api.problems import MEDIA_TYPE
from support.cluster import Cluster
from support.http import Http, add_member, open_http, request_event
from support.identity import token_of
from support.night import Night
from support.roster import Roster

MARK = "Kari-Nordmann-hostile-mark"
"""Stands in every hostile part; no answer may hold more than the name of one unknown field."""

START = "/jobs/certification_expiry/runs"


@pytest.fixture
def http(night: Night, roster: Roster, cluster: Cluster) -> Iterator[Http]:
    """The HTTP entry, whose dispatcher must not be called."""
    with open_http(night, roster, cluster) as found:
        found.answer = AssertionError("the dispatcher was asked")
        yield found


@pytest.fixture
def coordinator(http: Http, roster: Roster) -> str:
    """A coordinator's token."""
    return token_of(add_member(roster, "coordinator"))


def nested(depth: int) -> str:
    """Return nested arrays as JSON."""
    return '{"as_of": ' + "[" * depth + "]" * depth + "}"


PATHS: dict[str, tuple[str, str, int]] = {
    "unknown job": ("POST", f"/jobs/{MARK}/runs", 404),
    "job of 100 kB": ("POST", f"/jobs/{MARK * 4000}/runs", 404),
    "job with a NUL": ("POST", f"/jobs/{MARK}%00/runs", 404),
    "job with a NUL, decoded": ("POST", f"/jobs/{MARK}\x00/runs", 404),
    "job with a newline": ("POST", f"/jobs/{MARK}%0A{MARK}/runs", 404),
    "job with a newline, decoded": ("POST", f"/jobs/{MARK}\n{MARK}/runs", 404),
    "job with CR LF and a header": ("POST", f"/jobs/x%0D%0ASet-Cookie:%20{MARK}/runs", 404),
    "known job and a newline": ("POST", "/jobs/certification_expiry\n/runs", 404),
    "known job and a space": ("POST", "/jobs/certification_expiry /runs", 404),
    "known job, percent-encoded": ("POST", "/jobs/certification%5Fexpiry/runs", 404),
    "known job in capitals": ("POST", "/jobs/CERTIFICATION_EXPIRY/runs", 404),
    "job with marks from right to left": ("POST", f"/jobs/\u202e{MARK}\u200f/runs", 404),
    "job with a lone surrogate": ("POST", f"/jobs/{MARK}\ud800/runs", 404),
    "job of full-width letters": ("POST", "/jobs/\uff48\uff4c\uff46_sync/runs", 404),
    "job with quotes and braces": ("POST", f"/jobs/';drop%20table--{{}}\"{MARK}/runs", 404),
    "job is empty": ("POST", "/jobs//runs", 404),
    "job is a path": ("POST", f"/jobs/../..{MARK}/runs", 404),
    "job is a script": ("POST", f"/jobs/<script>{MARK}</script>/runs", 404),
    "address unknown": ("GET", f"/{MARK}", 404),
    "address of 100 kB": ("GET", f"/{MARK * 4000}", 404),
    "address of the metadata service": ("GET", f"/http://169.254.169.254/{MARK}", 404),
    "document of the routes": ("GET", "/openapi.json", 404),
    "swagger": ("GET", "/swagger", 404),
    "run is not an id": ("GET", f"/runs/{MARK}", 422),
    "run is 100 kB": ("GET", f"/runs/{MARK * 4000}", 422),
    "run with a NUL": ("GET", f"/runs/{uuid4()}%00", 422),
    "run with a newline behind": ("GET", f"/runs/{uuid4()}\n", 404),
    "run of digits of another script": ("GET", "/runs/" + "\u0663" * 32, 422),
    "run unknown": ("GET", f"/runs/{uuid4()}", 404),
    "plan of a run that is not an id": ("GET", f"/runs/{MARK}/plan", 422),
    "plan of a run of 100 kB": ("GET", f"/runs/{MARK * 4000}/plan", 422),
    "plan of a run with a NUL": ("GET", f"/runs/{uuid4()}%00/plan", 422),
    "mentor is not an id": ("GET", f"/mentors/{MARK}/why", 422),
    "mentor with a newline behind": ("GET", f"/mentors/{uuid4()}\n/why", 404),
    "approval in another method": ("PUT", f"/runs/{uuid4()}/approval", 404),
    "method DELETE": ("DELETE", "/runs", 404),
    "method TRACE": ("TRACE", START, 404),
    "method OPTIONS": ("OPTIONS", START, 404),
    "method HEAD": ("HEAD", "/jobs", 404),
    "method of a stranger": (MARK * 100, START, 404),
    "method in small letters": ("post", f"/jobs/{MARK}/runs", 404),
    "method is empty": ("", "/jobs", 404),
}

BODIES: dict[str, tuple[str, int]] = {
    "4,000 unknown keys": (json.dumps({f"{MARK}-{n}": n for n in range(4000)}), 422),
    "one unknown key of 4 MB": (json.dumps({MARK * 150_000: 1}), 422),
    "ten unknown keys of quotes": (json.dumps({'"\\' * 500 + str(n): 1 for n in range(10)}), 422),
    "ten unknown keys of emoji": (json.dumps({"🦻" * 500 + str(n): 1 for n in range(10)}), 422),
    "key with a lone surrogate": ('{"\\ud800": 1}', 422),
    "key with a NUL": ('{"\\u0000": 1}', 422),
    "key with marks from right to left": ('{"\u202e\u2066": 1}', 422),
    "empty key": ('{"": 1}', 422),
    "deep, short of the limit": (nested(500), 422),
    "deep": (nested(100_000), 422),
    "day is a text of 4 MB": (json.dumps({"as_of": MARK * 150_000}), 422),
    "day is an object of 4,000": (json.dumps({"as_of": {f"{n}": n for n in range(4000)}}), 422),
    "day with a NUL": ('{"as_of": "2026-11-2\\u0000"}', 422),
    "day of digits of another script": (
        '{"as_of": "\u0662\u0660\u0662\u0666-\u0661\u0661-\u0662\u0662"}',
        422,
    ),
    "number of 5,000 digits": ('{"as_of": ' + "9" * 5000 + "}", 422),
    "number of 4,000 digits": ('{"dry_run": ' + "9" * 4000 + "}", 422),
    "infinity": ('{"dry_run": Infinity}', 422),
    "1e999": ('{"dry_run": 1e999}', 422),
    "not a number": ('{"dry_run": NaN}', 422),
    "prototype": ('{"__proto__": {"dry_run": true}, "constructor": 1}', 422),
    "reserved field": ('{"redrive_of": "' + str(uuid4()) + '", "trigger": "schedule"}', 422),
    "byte order mark": ("\ufeff{}", 422),
    "XML": (f"<?xml version='1.0'?><!DOCTYPE x [<!ENTITY y '{MARK}'>]><x>&y;</x>", 422),
    "form": (f"dry_run={MARK}", 422),
    "NUL": ("\x00", 422),
}

QUERIES: dict[str, str] = {
    "limit of 5,000 digits": "9" * 5000,
    "limit beyond 64 bits": "18446744073709551616",
    "limit negative": "-9223372036854775808",
    "limit 1e2": "1e2",
    "limit with a text": f"10;{MARK}",
    "limit with a NUL": "10\x00",
    "limit of 100 kB": MARK * 4000,
    "limit empty": "",
}

HEADER_LINES: dict[str, tuple[dict[str, list[str]], int]] = {
    "credential of 8 kB": ({"Authorization": [f"Bearer {MARK * 300}"]}, 401),
    "credential of 4 MB": ({"Authorization": [f"Bearer {MARK * 150_000}"]}, 401),
    "scheme of 4 MB": ({"Authorization": [f"{MARK * 150_000} x"]}, 401),
    "two credentials": ({"Authorization": ["Bearer x"], "authorization": ["Bearer y"]}, 401),
    "credential with a newline": ({"Authorization": [f"Bearer x\n{MARK}"]}, 401),
    "credential with a NUL": ({"Authorization": ["Bearer \x00"]}, 401),
    "credential with a lone surrogate": ({"Authorization": ["Bearer \ud800"]}, 401),
    "no values": ({"Authorization": []}, 401),
    "4,000 headers": ({f"X-{MARK}-{n}": ["x"] for n in range(4000)}, 401),
    "basic": ({"Authorization": [f"Basic {MARK}"]}, 401),
}


def _check(http: Http, event: dict[str, Any], status: int) -> None:
    found = http.handler(event, None)  # pyright: ignore[reportArgumentType]
    assert found["statusCode"] == status, found["body"][:300]
    assert found["headers"].items() >= (HEADERS | {"Content-Type": MEDIA_TYPE}).items()
    assert len(json.dumps(found).encode()) < 2000 + len(json.dumps(HEADERS))
    body = found["body"].encode()
    assert len(body) < 2000
    problem = json.loads(body)
    assert problem.keys() - {"errors"} == {"type", "title", "status", "detail"}
    assert (problem["status"], len(problem["detail"]) < 100) == (status, True)
    errors = problem.get("errors", [])
    assert len(errors) <= 10
    assert all(len(error["field"] + error["detail"]) < 200 for error in errors)
    assert body.isascii()
    assert body.count(MARK.encode()) == 0
    lines = http.night.output.getvalue()
    assert len(lines) < 4000
    assert MARK * 3 not in lines
    assert "not answered" not in lines


def _as(credential: str, method: str, path: str, body: str | None = None) -> dict[str, Any]:
    return request_event(method, path, {"Authorization": f"Bearer {credential}"}, body)


@pytest.mark.parametrize("name", sorted(PATHS))
def test_a_hostile_path_or_method(http: Http, roster: Roster, coordinator: str, name: str) -> None:
    """R5: a request for an unknown job leaves a row without the caller's text."""
    method, path, status = PATHS[name]
    _check(http, _as(coordinator, method, path), status)
    wanted = [row for row in roster.log() if row["job_name"] != "certification_expiry"]
    assert MARK not in str(wanted)
    starts = method.upper() == "POST" and path.startswith("/jobs/") and path.count("/") == 3
    assert len(wanted) == (1 if starts else 0), wanted


@pytest.mark.parametrize("name", sorted(BODIES))
def test_a_hostile_body(http: Http, roster: Roster, coordinator: str, name: str) -> None:
    """R5: at most ten short reasons, no row and no run."""
    body, status = BODIES[name]
    _check(http, _as(coordinator, "POST", START, body), status)
    assert roster.log() == []


@pytest.mark.parametrize("name", sorted(QUERIES))
def test_a_hostile_query(http: Http, coordinator: str, name: str) -> None:
    """R5: the limit is a number from 1 to 100."""
    query = {"limit": QUERIES[name]}
    headers = {"Authorization": f"Bearer {coordinator}"}
    _check(http, request_event("GET", "/runs", headers, query=query), 422)


@pytest.mark.parametrize("name", sorted(HEADER_LINES))
def test_hostile_headers(http: Http, roster: Roster, name: str) -> None:
    """D3: always 401 without a credential, and no row."""
    lines, status = HEADER_LINES[name]
    event = request_event("POST", START, {}) | {"multiValueHeaders": lines, "headers": None}
    _check(http, event, status)
    assert roster.log() == []


@pytest.mark.parametrize("limits", [["1", "100000"], ["100000", "1"], []])
def test_several_limits(http: Http, coordinator: str, limits: list[str]) -> None:
    """The one that counts is within the bounds, or the request is refused."""
    event = _as(coordinator, "GET", "/runs")
    event |= {
        "queryStringParameters": {"limit": limits[-1]} if limits else {},
        "multiValueQueryStringParameters": {"limit": limits},
    }
    assert http.send(event).status in (200, 422)


def test_a_stranger_leaves_at_most_one_row_a_minute(http: Http, roster: Roster) -> None:
    """R5: rows cannot be deleted, so no caller may fill the table."""
    stranger = token_of(uuid4())
    for number in range(20):
        assert http.ask("POST", f"/jobs/{MARK}{number}/runs", stranger).status == 403
    (row,) = roster.log()
    assert (row["job_name"], row["status"]) == ("unknown", "refused")
