"""The stand-in portal fails when a test or a person asks it to (H3)."""

import time
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx
import pytest
from click.testing import CliRunner

from cli.local import fault
from local import portal_server
from local.portal_tables import Fault, Portal
from support.stand_in import THE_MENTOR, Reader, code


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


def test_the_stand_in_may_accept_few_requests_in_any_eight_seconds(
    portal: Portal, reader: Reader
) -> None:
    """As Dataverse accepts 6,000 in five minutes. The login has no part in this limit."""
    now = [datetime(2026, 11, 2, tzinfo=UTC)]
    portal.clock = lambda: now[0]
    portal.manners.add("few requests")

    def send() -> tuple[int, str | None]:
        answer = reader.patch()
        return answer.status_code, answer.headers.get("Retry-After")

    assert [send() for _ in range(30)] == [(204, None)] * 30
    now[0] += timedelta(seconds=5)
    assert [send() for _ in range(31)] == [(204, None)] * 30 + [(429, "3")]
    assert reader.log_in().status_code == 200
    now[0] += timedelta(seconds=3)
    assert [send() for _ in range(31)] == [(204, None)] * 30 + [(429, "5")]
    portal.manners.clear()
    assert send() == (204, None)


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
