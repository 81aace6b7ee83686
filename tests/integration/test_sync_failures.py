"""The portal sync with failures: it creates no mentor, and the next run sends the rest (H3)."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from local.portal_tables import Fault
from mentor_pause.portal import MentorState
from portal_drift.measure import MeasureDrift
from support.cluster import Cluster
from support.faults import ProcessDied, failures
from support.night import DELIVERIES, Clients, Message, run_id
from support.portal import MENTORS
from support.portal_wrappers import Overtaken
from support.roster import ORG, YESTERDAY, Roster
from support.sync import SYNC, PortalRows, SyncNight, open_sync, pause

MONDAY = datetime(2026, 11, 2, 8, tzinfo=UTC)
BEFORE = 1
"""Requests on each page before the first mentor's: the login."""


@pytest.fixture
def night(aws: Clients, roster: Roster, cluster: Cluster) -> Iterator[SyncNight]:
    """Pages of five mentors."""
    with open_sync(aws, roster, cluster, page_size=5) as found:
        yield found


@pytest.fixture
def portal(night: SyncNight) -> PortalRows:
    """The portal's rows, as people see and edit them."""
    return PortalRows(night.portal)


@pytest.fixture
def mentors(roster: Roster, portal: PortalRows) -> list[UUID]:
    """Five mentors who are paused here, and that no sync has sent yet."""
    found = roster.add_mentors(5)
    portal.add(*found)
    pause(roster, *found)
    return found


def drift(night: SyncNight) -> int:
    """Return how many mentors differ."""
    measure = MeasureDrift(ORG, night.drift_database, night.open_portal, lambda: datetime.now(UTC))
    return len(measure(lambda: 60).differences)


def fired(night: SyncNight) -> Message:
    """Start a run of one page, and return its message."""
    night.fire()
    (message,) = night.receive()
    return message


def ids(mentors: list[UUID]) -> list[str]:
    """Return the ids as the summary has them."""
    return [str(mentor) for mentor in mentors]


def test_a_mentor_for_whom_the_portal_fails_is_an_error_and_the_others_go_on(
    night: SyncNight, mentors: list[UUID], portal: PortalRows
) -> None:
    """H3: after three tries; the next run sends the mentor."""
    night.fail("unavailable", times=3, after=BEFORE + 1)
    summary = night.sync()
    assert summary["mentor_ids_errored"] == [str(mentors[1])]
    assert portal.paused() == {str(m) for m in mentors} - {str(mentors[1])}
    (line,) = night.lines("mentor not synced")
    assert (line["mentor_id"], line["reason"]) == (str(mentors[1]), "the portal failed (HTTP 503)")
    assert drift(night) == 1
    assert night.sync("night-2")["mentor_ids_synced"] == [str(mentors[1])]
    assert drift(night) == 0


@pytest.mark.parametrize("fault", ["down", "unavailable"])
def test_while_the_portal_is_down_the_page_is_requeued_without_trying_every_mentor(
    night: SyncNight, mentors: list[UUID], portal: PortalRows, fault: Fault
) -> None:
    """H3: three tries each for two mentors and for the ping."""
    night.fail(fault, times=9, after=BEFORE + 2)
    message = fired(night)
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
    message = fired(night)
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
    message = fired(night)
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


def test_an_update_whose_answer_was_lost_is_repeated_and_changes_nothing(
    night: SyncNight, mentors: list[UUID], portal: PortalRows
) -> None:
    """H3: the update is idempotent."""
    night.fail("answer lost", "answer lost", after=BEFORE)
    assert night.sync()["mentor_ids_synced"] == ids(mentors)
    assert len(night.portal.table(MENTORS).rows) == 5
    assert drift(night) == 0


def test_a_token_that_ended_is_renewed_once(night: SyncNight, mentors: list[UUID]) -> None:
    """H3: also in the middle of a page."""
    night.fail("token ended", after=BEFORE + 2)
    assert night.sync()["mentor_ids_synced"] == ids(mentors)
    assert len(night.asked("POST")) == 2


def test_a_mentor_whom_the_portal_does_not_know_is_named_and_never_created(
    night: SyncNight, mentors: list[UUID], roster: Roster, portal: PortalRows
) -> None:
    """H3: the others are sent; once HLF has entered the mentor, the next run sends them too."""
    rows = night.portal.table(MENTORS).rows
    lost = next(k for k, row in rows.items() if row["hlf_mentornumber"] == str(mentors[2]))
    del rows[lost]
    summary = night.sync()
    assert summary["mentor_ids_errored"] == [str(mentors[2])]
    assert summary["synced_count"] == 4
    assert str(mentors[2]) not in portal.statuses()
    error = roster.log()[0]["error"]
    assert error.startswith("1 error: 1 ")
    assert "the portal knows no mentor with this key" in error
    assert f"such as mentor {mentors[2]}" in error
    portal.add(mentors[2])
    assert night.sync("night-2")["synced_count"] == 1
    assert drift(night) == 0


def test_an_inactive_mentor_need_not_be_in_the_portal(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """The portal does not show them, so this is not an error every night."""
    mentor = roster.add_mentor(status="inactive")
    assert night.sync()["mentor_ids_errored"] == []
    assert (drift(night), portal.statuses()) == (0, {})
    assert night.portal_database.list_states(ORG, [mentor])[0].is_synced


def test_a_key_may_have_a_quote_and_a_key_with_a_slash_is_an_error(
    night: SyncNight, mentors: list[UUID], roster: Roster, portal: PortalRows
) -> None:
    """H3: Dataverse takes no key with a slash; the error is that mentor's own."""
    for mentor, key in zip(mentors, ("O'Brien", "a/b"), strict=False):
        roster.db.execute("update peer_mentors set portal_key = %s where id = %s", (key, mentor))
        portal.add(key)
    summary = night.sync()
    assert summary["mentor_ids_errored"] == [str(mentors[1])]
    assert portal.statuses()["O'Brien"] == "paused"
    assert portal.statuses()["a/b"] == "active"


def test_a_portal_that_refuses_every_mentor_gets_five_requests(
    aws: Clients, roster: Roster, cluster: Cluster
) -> None:
    """H3: the run ends at once, and each mentor has a reason."""
    mentors = roster.add_mentors(12)
    with open_sync(aws, roster, cluster, page_size=12) as night:
        PortalRows(night.portal).add(*mentors)
        night.fail("forbidden", times=1000, after=1)
        summary = night.sync()
        assert summary["mentor_ids_errored"] == ids(mentors)
        assert len(night.asked("PATCH")) == 5
        refused = "the portal refused the request (HTTP 403 0x80040220)"
        (line,) = night.lines("run completed")
        assert [(e["reason"], e["count"]) for e in line["errors"]] == [
            (f"not sent, because the portal refused every mentor: {refused}", 7),
            (refused, 5),
        ]


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


def test_a_row_of_another_business_unit_affects_only_its_mentor(
    aws: Clients, roster: Roster, cluster: Cluster
) -> None:
    """H3: however many such rows there are, all other mentors are sent in the same night."""
    mentors = roster.add_mentors(25)
    with open_sync(aws, roster, cluster, page_size=25) as night:
        PortalRows(night.portal).add(*mentors)
        night.portal.foreign = set(ids(mentors[:12]))
        summary = night.sync()
        assert summary["mentor_ids_errored"] == ids(mentors[:12])
        assert summary["synced_count"] == 13
        (group,) = night.lines("run completed")[0]["errors"]
        assert (group["count"], group["reason"]) == (
            12, "the portal refused the request (HTTP 403 0x80048306)",
        )  # fmt: skip


@pytest.mark.parametrize("fault", ["other record", "other object"])
def test_a_404_about_another_record_does_not_count_as_a_missing_mentor(
    night: SyncNight, roster: Roster, portal: PortalRows, fault: Fault
) -> None:
    """H3: otherwise an inactive mentor would count as synced, and be shown for ever."""
    mentor = roster.add_mentor(status="inactive")
    portal.add(mentor)
    night.fail(fault)
    assert night.sync()["mentor_ids_errored"] == [str(mentor)]
    assert "although the mentor is there" in str(roster.log()[0]["error"])
    night.fail()
    assert night.sync("night-2")["mentor_ids_synced"] == [str(mentor)]
    assert portal.statuses()[str(mentor)] == "inactive"


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
    message = fired(night)
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
    message = fired(night)
    night.fail("unavailable", "none", times=5, after=BEFORE)
    assert night.deliver(message, remaining=28)
    (line,) = night.lines("page requeued")
    assert (line["again_in"], line["reason"]) == (1, "time ran short")
    assert portal.paused() == {str(m) for m in mentors[:3]}
    night.fail()
    night.work_off()
    assert night.summaries()[0]["mentor_ids_synced"] == ids(mentors)


@pytest.mark.parametrize("after", range(11))
def test_wherever_the_database_fails_the_redelivered_page_completes_the_work(
    night: SyncNight, mentors: list[UUID], portal: PortalRows, after: int
) -> None:
    """H3: at the watermark, states, marks, or completion; before the call or after it."""
    message = fired(night)
    night.sync_plan.then(*failures(3), after=after)
    assert night.deliver(message)
    assert night.sync_plan.injected == 3
    night.clock.advance(60)
    night.work_off()
    assert night.summaries()[-1]["mentor_ids_synced"] == ids(mentors)
    assert drift(night) == 0


def test_a_mark_whose_answer_was_lost_counts_for_this_run(
    night: SyncNight, mentors: list[UUID]
) -> None:
    """E9: a redelivered page reports its mentors as synced by this run."""
    message = fired(night)
    night.sync_plan.then("after", "dies after", after=4)  # the third mentor's mark
    with pytest.raises(ProcessDied):
        night.deliver(message)
    assert night.deliver(message, receive_count=2)
    assert night.summaries()[-1]["mentor_ids_synced"] == ids(mentors)


def test_a_worker_that_was_overtaken_sends_the_newer_state_again(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """H3: two workers send one mentor; the portal ends with the newest state."""
    mentor = roster.add_mentor()
    portal.add(mentor)

    def newer() -> None:
        pause(roster, mentor)
        (state,) = night.portal_database.list_states(ORG, [mentor])
        other = night.open_portal(lambda: 60)
        other.push(MentorState(state.portal_key, state.status, state.reason, state.effective_on))
        other.close()
        assert night.portal_database.mark_synced(ORG, state, run_id("another", SYNC))

    meanwhile = [newer]
    night.take_from(lambda remaining: Overtaken(night.open_portal(remaining), meanwhile))
    assert night.sync()["synced_count"] == 1
    assert portal.paused() == {str(mentor)}
    assert len(night.asked("PATCH")) == 3
    night.take_from(night.open_portal)
    assert drift(night) == 0


def test_a_mentor_whose_worker_is_overtaken_each_time_is_an_error(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """E5: after three pushes, with one log line; the next run sends the mentor."""
    mentor = roster.add_mentor(date(2100, 1, 1))
    portal.add(mentor)

    def change(status: str) -> None:
        roster.db.execute(
            "select * from update_mentor_status(%s, %s, %s, 'again')", (mentor, ORG, status)
        )
        (state,) = night.portal_database.list_states(ORG, [mentor])
        assert night.portal_database.mark_synced(ORG, state, run_id("another", SYNC))

    meanwhile = [lambda s=status: change(s) for status in ("paused", "active", "paused")]
    night.take_from(lambda remaining: Overtaken(night.open_portal(remaining), meanwhile))
    assert night.sync()["mentor_ids_errored"] == [str(mentor)]
    (line,) = night.lines("mentor not synced")
    assert line["reason"] == "other workers kept sending newer states of this mentor"


def test_a_mentor_who_is_deleted_during_the_push_is_skipped(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """The mentor is deleted in the database."""
    mentor = roster.add_mentor()
    portal.add(mentor)

    def gone() -> None:
        roster.db.execute("delete from peer_mentors")

    meanwhile = [gone]
    night.take_from(lambda remaining: Overtaken(night.open_portal(remaining), meanwhile))
    summary = night.sync()
    assert (summary["skipped_count"], summary["error_count"]) == (1, 0)


def test_mentors_whom_the_portal_cannot_update_do_not_delay_the_others(
    night: SyncNight, mentors: list[UUID], portal: PortalRows
) -> None:
    """H3: the portal answers the ping, so only these mentors are errors; in any order."""
    night.portal.failing = {str(mentor) for mentor in mentors[:2]}
    assert night.sync()["mentor_ids_errored"] == ids(mentors[:2])
    assert portal.paused() == {str(m) for m in mentors[2:]}
    night.portal.failing = {str(mentors[4])}
    assert night.sync("night-2")["mentor_ids_synced"] == ids(mentors[:2])


@pytest.mark.parametrize("fault", ["down", "unavailable"])
def test_a_portal_that_goes_down_at_the_last_mentor_gets_the_page_later(
    night: SyncNight, roster: Roster, portal: PortalRows, fault: Fault
) -> None:
    """H3: after one unanswered mentor at the end, the worker also pings the portal."""
    mentor = roster.add_mentor()
    portal.add(mentor)
    night.fail(fault, times=6, after=BEFORE)
    message = fired(night)
    assert not night.deliver(message)
    assert night.deliver(message)
    assert night.summaries()[-1]["mentor_ids_synced"] == [str(mentor)]


def test_if_the_remaining_mentors_cannot_be_counted_one_is_assumed(
    night: SyncNight, mentors: list[UUID], roster: Roster
) -> None:
    """H4: an unnecessary run is better than a missing one; the run itself completes."""
    roster.db.execute("drop function count_unsynced_since_run")
    assert night.sync()["synced_count"] == len(mentors)
    assert night.events.details[-1]["left_count"] == 1
    assert len(night.lines("unsynced mentors not counted")) == 1


def test_a_mentor_with_a_new_key_gets_the_certification_of_that_key(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """H1: earlier readings skipped the row; the sync also sends the state under the new key."""
    first = roster.add_mentor(YESTERDAY)
    portal.add(first, "HLF-7")
    portal.certify("hlf-7", date(2028, 5, 31), MONDAY)
    night.sync()
    roster.db.execute("update peer_mentors set portal_key = 'hlf-7'")
    summary = night.sync("night-2")
    assert (summary["renewed_count"], summary["mentor_ids_synced"]) == (1, [str(first)])
    assert drift(night) == 1  # the row under the old key


def test_a_failed_mark_affects_only_its_mentor(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """E5: the mentor is sent and not marked, so the next run sends them again."""
    mentors = roster.add_mentors(3)
    portal.add(*mentors)
    roster.fail_for(mentors[1], "insert on portal_sync_state", "new.mentor_id")
    summary = night.sync()
    assert summary["mentor_ids_errored"] == [str(mentors[1])]
    (line,) = night.lines("mentor not synced")
    assert (line["sqlstate"], line["reason"]) == ("P0001", "no way")
    roster.db.execute("drop trigger refuse on portal_sync_state")
    assert night.sync("night-2")["synced_count"] == 1


def test_the_log_names_mentors_only_by_id(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """E13: the log has no keys, no days, and no messages of the portal."""
    mentor = roster.add_mentor(YESTERDAY)
    roster.db.execute("update peer_mentors set portal_key = 'Kari Nordmann'")
    portal.certify("Kari Nordmann", date(2028, 5, 31), MONDAY)
    night.fail("forbidden", after=BEFORE)
    night.sync()
    night.sync("night-2")
    text = night.output.getvalue()
    assert str(mentor) in text
    for secret in ("Kari", "Nordmann", "2028", "prvWrite", "the-portals-secret"):
        assert secret not in text
