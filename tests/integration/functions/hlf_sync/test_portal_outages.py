"""The portal is away, throttles, refuses the login, or answers nonsense (H3, R1)."""

from datetime import date, timedelta
from uuid import UUID

import pytest

from local.portal_tables import Fault
from support.night import DELIVERIES, run_id
from support.roster import Roster
from support.sync import BEFORE, MONDAY, SYNC, PortalRows, SyncNight, drift, ids, start_run

PAGE_SIZE = 5


@pytest.mark.parametrize("fault", ["down", "unavailable"])
def test_while_the_portal_is_down_the_page_is_requeued_without_trying_every_mentor(
    night: SyncNight, mentors: list[UUID], portal: PortalRows, fault: Fault
) -> None:
    """H3: three tries each for two mentors and for the ping."""
    night.fail(fault, times=9, after=BEFORE + 2)
    message = start_run(night)
    assert night.deliver(message)
    assert [line["again_in"] for line in night.lines("page requeued")] == [180]
    assert portal.paused() == {str(m) for m in mentors[:2]}
    night.forget()
    night.work_off()
    (summary,) = night.summaries()
    assert summary["mentor_ids_synced"] == ids(mentors)  # also those of the first delivery
    assert len(night.asked("PATCH")) == 3


def test_a_portal_that_is_down_all_night_ends_the_run_and_the_next_one_catches_up(
    night: SyncNight, mentors: list[UUID], portal: PortalRows
) -> None:
    """H3, H4, E8: every mentor is an error, and the next run sends them all."""
    night.fail("down", times=1000)
    message = start_run(night)
    for count in range(1, 6):
        assert not night.deliver(message, receive_count=count)
    assert night.deliver(message, dead=True)
    (summary,) = night.summaries()
    assert summary["mentor_ids_errored"] == ids(mentors)
    night.fail()
    assert drift(night) == 5
    assert night.sync("night-2")["mentor_ids_synced"] == ids(mentors)
    assert drift(night) == 0


def test_a_failed_page_counts_the_mentors_as_synced_that_were_sent(
    night: SyncNight, mentors: list[UUID], portal: PortalRows
) -> None:
    """E8: the database decides, not the worker's report."""
    night.fail("down", times=1000, after=BEFORE + 2)
    night.fire()
    night.work_off()
    assert [line["has_progress"] for line in night.lines("page requeued")] == [
        True, *[False] * DELIVERIES
    ]  # fmt: skip
    (summary,) = night.summaries()
    assert summary["mentor_ids_synced"] == ids(mentors[:2])
    assert summary["mentor_ids_errored"] == ids(mentors[2:])


def test_the_client_waits_out_a_short_429_and_requeues_the_page_for_a_long_one(
    night: SyncNight, mentors: list[UUID], portal: PortalRows
) -> None:
    """H3: the page keeps its progress, and waits exactly as long as the portal said."""
    message = start_run(night)
    night.portal.retry_after = 7
    night.fail("throttled", times=20, after=BEFORE + 2)
    assert night.deliver(message)
    assert set(night.time.slept) == {7.0}
    assert [line["again_in"] for line in night.lines("page requeued")] == [7]
    sent = portal.paused()
    assert 0 < len(sent) < len(mentors)
    night.portal.retry_after = 240
    night.fail("throttled", after=1)
    (message,) = night.receive()
    assert night.deliver(message)
    assert night.lines("page requeued")[-1]["again_in"] == 240
    night.fail()
    night.forget()
    night.work_off()
    assert len(night.asked("PATCH")) == len(mentors) - len(sent)
    assert night.summaries()[0]["mentor_ids_synced"] == ids(mentors)


@pytest.mark.parametrize("asked_for", [900, 3600, 86400, 10**9])
def test_a_page_that_waits_long_for_the_portal_is_neither_hung_nor_failed(
    night: SyncNight, mentors: list[UUID], asked_for: int
) -> None:
    """R1: it waits in parts that SQS can delay, and each part counts as movement of the run."""
    night.fire()
    night.portal.retry_after = asked_for
    night.fail("throttled", times=1000, after=1)
    for _ in range(9):
        (message,) = night.receive()
        assert night.deliver(message)
        night.clock.advance(900)
        run = night.ledger.find_run(run_id("night-1", SYNC))
        assert run is not None
        assert run.active_at == night.clock() - timedelta(seconds=900)
    assert night.sqs.delays == [900] * 9
    night.fail()
    night.work_off()
    assert night.summaries()[0]["mentor_ids_synced"] == ids(mentors)


def test_a_token_that_ended_is_renewed_once(night: SyncNight, mentors: list[UUID]) -> None:
    """H3: also in the middle of a page."""
    night.fail("token ended", after=BEFORE + 2)
    assert night.sync()["mentor_ids_synced"] == ids(mentors)
    assert len(night.asked("POST")) == 2


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("login page", "the login answered with text/html that holds no token; is its address"),
        ("login refused", "the login refused us: invalid_client (HTTP 401 AADSTS7000215)"),
    ],
)
def test_a_login_that_refuses_us_gets_one_request_for_the_page_and_one_for_the_reading(
    night: SyncNight, mentors: list[UUID], roster: Roster, fault: Fault, reason: str
) -> None:
    """H3: the reason has Entra's code, which an operator can look up."""
    night.fail(fault, times=1000)
    assert night.sync()["error_count"] == len(mentors)
    assert (len(night.asked("POST")), night.asked("PATCH")) == (2, [])
    assert reason in str(roster.log()[0]["error"])


@pytest.mark.parametrize("seconds", [0, 1, 60, -5, "soon", None])
def test_a_token_of_few_seconds_needs_no_login_for_every_request(
    night: SyncNight, mentors: list[UUID], seconds: object
) -> None:
    """H3: the client uses the token until the portal refuses it."""
    night.portal.expires_in = seconds
    assert night.sync()["mentor_ids_synced"] == ids(mentors)
    assert len(night.asked("POST")) == 1


def test_a_portal_that_answers_503_with_retry_after_for_ever_ends_the_run(
    night: SyncNight, mentors: list[UUID]
) -> None:
    """H3, E8: maintenance for days is a failure, not throttling; the next run sends all mentors."""
    night.fail("unavailable for a while", times=1000, after=1)
    night.fire()
    night.work_off()
    assert night.summaries()[-1]["mentor_ids_errored"] == ids(mentors)
    assert {line["again_in"] for line in night.lines("page requeued")} == {180}


def test_the_client_waits_as_long_as_a_503_says(
    night: SyncNight, mentors: list[UUID], portal: PortalRows
) -> None:
    """H3: as for a 429."""
    night.fail("unavailable for a while", after=BEFORE + 1)
    assert night.sync()["mentor_ids_synced"] == ids(mentors)
    assert night.time.slept == [10.0]


def test_html_instead_of_json_is_one_sentence(
    night: SyncNight, mentors: list[UUID], roster: Roster
) -> None:
    """A sign-in page at the portal's address, for example; no mentor counts as synced."""
    night.fail("no JSON", times=1000, after=1)
    assert night.sync()["mentor_ids_errored"] == ids(mentors)
    (row,) = roster.log()
    assert row["error"].startswith(
        "5 errors: 5 the portal answered with text/html (HTTP 200), which Dataverse never "
        "does; is its address right?, such as mentor "
    )
    assert row["error"].endswith(
        "; certifications not read: the portal answered with text/html instead of a JSON"
        " object; is its address right?"
    )


def test_certifications_that_cannot_be_read_do_not_delay_the_pauses(
    night: SyncNight, mentors: list[UUID], roster: Roster, portal: PortalRows
) -> None:
    """H1: pauses are sent first; the next run reads the certifications."""
    portal.certify(mentors[0], date(2028, 1, 1), MONDAY)
    night.fail("unavailable", times=3, after=BEFORE + len(mentors))
    summary = night.sync()
    assert (summary["synced_count"], summary["renewed_count"]) == (5, 0)
    assert roster.log()[0]["error"] == "certifications not read: the portal failed (HTTP 503)"
    assert night.sync("night-2")["renewed_count"] == 1


def test_a_throttled_reading_does_not_delay_the_push(
    night: SyncNight, mentors: list[UUID], portal: PortalRows
) -> None:
    """H1, R1: the worker pushes before it pulls; the page is requeued for the rest."""
    night.portal.retry_after = 240
    night.fail("throttled", after=BEFORE + len(mentors))
    message = start_run(night)
    assert night.deliver(message)
    assert portal.paused() == {str(m) for m in mentors}
    assert night.lines("page requeued")[-1]["again_in"] == 240
    night.forget()
    night.work_off()
    assert night.asked("PATCH") == []
    assert night.summaries()[0]["mentor_ids_synced"] == ids(mentors)


def test_when_time_runs_short_the_rest_of_the_page_is_requeued(
    night: SyncNight, mentors: list[UUID], portal: PortalRows
) -> None:
    """H3, E10: each 503 takes two seconds; mentors who were sent are not sent again."""
    message = start_run(night)
    night.fail("unavailable", "none", times=5, after=BEFORE)
    assert night.deliver(message, remaining=28)
    (line,) = night.lines("page requeued")
    assert (line["again_in"], line["reason"]) == (1, "time ran short")
    assert portal.paused() == {str(m) for m in mentors[:3]}
    night.fail()
    night.work_off()
    assert night.summaries()[0]["mentor_ids_synced"] == ids(mentors)


@pytest.mark.parametrize("fault", ["down", "unavailable"])
def test_a_portal_that_goes_down_at_the_last_mentor_gets_the_page_later(
    night: SyncNight, roster: Roster, portal: PortalRows, fault: Fault
) -> None:
    """H3: after one unanswered mentor at the end, the worker also pings the portal."""
    mentor = roster.add_mentor()
    portal.add(mentor)
    night.fail(fault, times=6, after=BEFORE)
    message = start_run(night)
    assert not night.deliver(message)
    assert night.deliver(message)
    assert night.summaries()[-1]["mentor_ids_synced"] == [str(mentor)]
