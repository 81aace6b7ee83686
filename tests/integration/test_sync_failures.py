"""The portal sync when things go wrong: nobody is lost, nobody is created, the next run has all."""

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
from support.portal_doors import Overtaken
from support.roster import ORG, YESTERDAY, Roster
from support.sync import SYNC, PortalRows, SyncNight, open_sync, pause

MONDAY = datetime(2026, 11, 2, 8, tzinfo=UTC)
BEFORE = 1
"""Requests before the first mentor's, on each page: the login."""


@pytest.fixture
def night(aws: Clients, roster: Roster, cluster: Cluster) -> Iterator[SyncNight]:
    """Pages of five mentors."""
    with open_sync(aws, roster, cluster, page_size=5) as found:
        yield found


@pytest.fixture
def portal(night: SyncNight) -> PortalRows:
    """What people see and do in the portal."""
    return PortalRows(night.portal)


@pytest.fixture
def mentors(roster: Roster, portal: PortalRows) -> list[UUID]:
    """Five mentors of whom the portal was told nothing, all paused here."""
    found = roster.add_mentors(5)
    portal.add(*found)
    pause(roster, *found)
    return found


def drift(night: SyncNight) -> int:
    """How many differ, as the measurement sees it."""
    measure = MeasureDrift(
        ORG, night.doors, night.open_portal, night.retry, lambda: datetime.now(UTC)
    )
    return len(measure(lambda: 60).differences)


def fired(night: SyncNight) -> Message:
    """Fire, and return the one page's message."""
    night.fire()
    (message,) = night.receive()
    return message


def ids(mentors: list[UUID]) -> list[str]:
    """As the summary has them."""
    return [str(mentor) for mentor in mentors]


def test_a_mentor_for_whom_the_portal_fails_is_an_error_and_the_others_go_on(
    night: SyncNight, mentors: list[UUID], portal: PortalRows
) -> None:
    """H3: three tries; the next run converges."""
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
def test_a_portal_that_is_down_gets_its_page_later_and_is_not_asked_for_every_mentor(
    night: SyncNight, mentors: list[UUID], portal: PortalRows, fault: Fault
) -> None:
    """H3: three tries each for two mentors and for the question whether it is there at all."""
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
    """H3, H4, E8: all are errors, by name; nobody is lost."""
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


def test_a_page_that_is_given_up_counts_those_as_synced_whom_the_portal_was_told_of(
    night: SyncNight, mentors: list[UUID], portal: PortalRows
) -> None:
    """E8: by the data, whatever the worker could say."""
    night.fail("down", times=1000, after=BEFORE + 2)
    night.fire()
    night.work_off()
    assert [line["has_progress"] for line in night.lines("page requeued")] == [
        True, *[False] * DELIVERIES
    ]  # fmt: skip
    (summary,) = night.summaries()
    assert summary["mentor_ids_synced"] == ids(mentors[:2])
    assert summary["mentor_ids_errored"] == ids(mentors[2:])


def test_a_short_429_is_waited_for_to_the_second_and_a_long_one_hands_the_page_back(
    night: SyncNight, mentors: list[UUID], portal: PortalRows
) -> None:
    """H3: with the progress saved, and for just as long as the portal said."""
    message = fired(night)
    night.portal.retry_after = 7
    night.fail("throttled", times=20, after=BEFORE + 2)
    assert night.deliver(message)
    assert set(night.time.slept) == {7.0}
    assert [line["again_in"] for line in night.lines("page requeued")] == [7]
    told = portal.paused()
    assert 0 < len(told) < len(mentors)
    night.portal.retry_after = 240
    night.fail("throttled", after=1)
    (message,) = night.receive()
    assert night.deliver(message)
    assert night.lines("page requeued")[-1]["again_in"] == 240
    night.fail()
    night.forget()
    night.work_off()
    assert len(night.asked("PATCH")) == len(mentors) - len(told)
    assert night.summaries()[0]["mentor_ids_synced"] == ids(mentors)


@pytest.mark.parametrize("asked_for", [900, 3600, 86400, 10**9])
def test_a_page_that_the_portal_makes_wait_for_long_is_neither_hung_nor_failed(
    night: SyncNight, mentors: list[UUID], asked_for: int
) -> None:
    """R1: it waits in parts that SQS can keep, and its run moves each time."""
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


def test_a_write_that_landed_though_its_answer_was_lost_is_repeated_and_changes_nothing(
    night: SyncNight, mentors: list[UUID], portal: PortalRows
) -> None:
    """H3: idempotent."""
    night.fail("answer lost", "answer lost", after=BEFORE)
    assert night.sync()["mentor_ids_synced"] == ids(mentors)
    assert len(night.portal.table(MENTORS).rows) == 5
    assert drift(night) == 0


def test_a_token_that_ended_is_renewed_once(night: SyncNight, mentors: list[UUID]) -> None:
    """H3: in the middle of a page."""
    night.fail("token ended", after=BEFORE + 2)
    assert night.sync()["mentor_ids_synced"] == ids(mentors)
    assert len(night.asked("POST")) == 2


def test_a_mentor_whom_the_portal_does_not_know_is_named_and_never_created(
    night: SyncNight, mentors: list[UUID], roster: Roster, portal: PortalRows
) -> None:
    """H3: the others go on; once HLF has entered them, the next run converges."""
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
    """Nobody is shown there; it is no error night after night."""
    mentor = roster.add_mentor(status="inactive")
    assert night.sync()["mentor_ids_errored"] == []
    assert (drift(night), portal.statuses()) == (0, {})
    assert night.doors.list_states(ORG, [mentor])[0].is_synced


def test_a_key_with_a_quote_and_one_that_no_portal_can_be_asked_for(
    night: SyncNight, mentors: list[UUID], roster: Roster, portal: PortalRows
) -> None:
    """H3: the one is told, the other is its mentor's error."""
    for mentor, key in zip(mentors, ("O'Brien", "a/b"), strict=False):
        roster.db.execute("update peer_mentors set portal_key = %s where id = %s", (key, mentor))
        portal.add(key)
    summary = night.sync()
    assert summary["mentor_ids_errored"] == [str(mentors[1])]
    assert portal.statuses()["O'Brien"] == "paused"
    assert portal.statuses()["a/b"] == "active"


def test_a_portal_that_refuses_everybody_is_asked_for_five_mentors(
    aws: Clients, roster: Roster, cluster: Cluster
) -> None:
    """H3: the run ends at once, and each mentor has the reason."""
    mentors = roster.add_mentors(12)
    with open_sync(aws, roster, cluster, page_size=12) as night:
        PortalRows(night.portal).add(*mentors)
        night.fail("forbidden", times=1000, after=1)
        summary = night.sync()
        assert summary["mentor_ids_errored"] == ids(mentors)
        assert len(night.asked("PATCH")) == 5
        refused = "the portal's answer is no (HTTP 403 0x80040220)"
        (line,) = night.lines("run completed")
        assert [(e["reason"], e["count"]) for e in line["errors"]] == [
            (f"not asked, since the portal refused everybody: {refused}", 7),
            (refused, 5),
        ]


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("login page", "the login answered with text/html that holds no token; is its address"),
        ("login refused", "the login refused us: invalid_client (HTTP 401 AADSTS7000215)"),
    ],
)
def test_a_login_that_refuses_us_is_asked_once_for_the_page_and_once_for_the_reading(
    night: SyncNight, mentors: list[UUID], roster: Roster, fault: Fault, reason: str
) -> None:
    """H3: with Entra's code, by which an operator finds out what to do."""
    night.fail(fault, times=1000)
    assert night.sync()["error_count"] == len(mentors)
    assert (len(night.asked("POST")), night.asked("PATCH")) == (2, [])
    assert reason in str(roster.log()[0]["error"])


@pytest.mark.parametrize("seconds", [0, 1, 60, -5, "soon", None])
def test_a_token_of_few_seconds_needs_no_login_for_every_request(
    night: SyncNight, mentors: list[UUID], seconds: object
) -> None:
    """H3: it is used until the portal refuses it."""
    night.portal.expires_in = seconds
    assert night.sync()["mentor_ids_synced"] == ids(mentors)
    assert len(night.asked("POST")) == 1


def test_a_row_of_another_business_unit_is_one_mentors_trouble(
    aws: Clients, roster: Roster, cluster: Cluster
) -> None:
    """H3: of any number; all others are told in the same night, in whatever order they come."""
    mentors = roster.add_mentors(25)
    with open_sync(aws, roster, cluster, page_size=25) as night:
        PortalRows(night.portal).add(*mentors)
        night.portal.foreign = set(ids(mentors[:12]))
        summary = night.sync()
        assert summary["mentor_ids_errored"] == ids(mentors[:12])
        assert summary["synced_count"] == 13
        (group,) = night.lines("run completed")[0]["errors"]
        assert (group["count"], group["reason"]) == (
            12, "the portal's answer is no (HTTP 403 0x80048306)",
        )  # fmt: skip


@pytest.mark.parametrize("fault", ["other record", "other object"])
def test_a_404_about_another_record_is_not_taken_for_a_mentor_who_is_gone(
    night: SyncNight, roster: Roster, portal: PortalRows, fault: Fault
) -> None:
    """H3: an inactive mentor would count as told, and be shown for ever."""
    mentor = roster.add_mentor(status="inactive")
    portal.add(mentor)
    night.fail(fault)
    assert night.sync()["mentor_ids_errored"] == [str(mentor)]
    assert "although the mentor is there" in str(roster.log()[0]["error"])
    night.fail()
    assert night.sync("night-2")["mentor_ids_synced"] == [str(mentor)]
    assert portal.statuses()[str(mentor)] == "inactive"


def test_a_portal_that_fails_for_ever_and_says_when_to_come_again_ends_the_run(
    night: SyncNight, mentors: list[UUID]
) -> None:
    """H3, E8: maintenance for days is no throttle; the next run has everybody."""
    night.fail("unavailable for a while", times=1000, after=1)
    night.fire()
    night.work_off()
    assert night.summaries()[-1]["mentor_ids_errored"] == ids(mentors)
    assert {line["again_in"] for line in night.lines("page requeued")} == {180}


def test_a_503_that_says_for_how_long_is_obeyed(
    night: SyncNight, mentors: list[UUID], portal: PortalRows
) -> None:
    """H3: as a 429 is."""
    night.fail("unavailable for a while", after=BEFORE + 1)
    assert night.sync()["mentor_ids_synced"] == ids(mentors)
    assert night.time.slept == [10.0]


def test_html_instead_of_json_is_one_sentence(
    night: SyncNight, mentors: list[UUID], roster: Roster
) -> None:
    """Such as a sign-in page at the portal's address; nobody counts as told."""
    night.fail("no JSON", times=1000, after=1)
    assert night.sync()["mentor_ids_errored"] == ids(mentors)
    (row,) = roster.log()
    assert row["error"].startswith(
        "5 errors: 5 the portal answered with text/html (HTTP 200), as no portal does; "
        "is its address right?, such as mentor "
    )
    assert row["error"].endswith(
        "; certifications not read: the portal answered with text/html where a JSON object was"
        " due; is its address right?"
    )


def test_certifications_that_cannot_be_read_keep_nobody_from_being_paused_there(
    night: SyncNight, mentors: list[UUID], roster: Roster, portal: PortalRows
) -> None:
    """H1: who is paused comes first; the certifications come with the next run."""
    portal.certify(mentors[0], date(2028, 1, 1), MONDAY)
    night.fail("unavailable", times=3, after=BEFORE + len(mentors))
    summary = night.sync()
    assert (summary["synced_count"], summary["renewed_count"]) == (5, 0)
    assert roster.log()[0]["error"] == "certifications not read: the portal failed (HTTP 503)"
    assert night.sync("night-2")["renewed_count"] == 1


def test_a_throttled_reading_costs_nobody_their_turn(
    night: SyncNight, mentors: list[UUID], portal: PortalRows
) -> None:
    """H1, R1: pushing does not wait for pulling; the page comes again for the rest."""
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


def test_short_of_time_the_rest_of_the_page_is_handed_back(
    night: SyncNight, mentors: list[UUID], portal: PortalRows
) -> None:
    """H3, E10: two seconds are gone at each 503; what was told is not told again."""
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
def test_wherever_the_database_is_lost_the_redelivered_page_makes_it_good(
    night: SyncNight, mentors: list[UUID], portal: PortalRows, after: int
) -> None:
    """H3: watermark, states, marks, completion; before the call and after it."""
    message = fired(night)
    night.sync_plan.then(*failures(3), after=after)
    assert night.deliver(message)
    assert night.sync_plan.injected == 3
    night.clock.advance(60)
    night.work_off()
    assert night.summaries()[-1]["mentor_ids_synced"] == ids(mentors)
    assert drift(night) == 0


def test_a_mark_that_landed_though_its_answer_was_lost_counts_for_this_run(
    night: SyncNight, mentors: list[UUID]
) -> None:
    """E9: a redelivered page reports its mentors as synced by this run."""
    message = fired(night)
    night.sync_plan.then("after", "dies after", after=4)  # the third mentor's mark
    with pytest.raises(ProcessDied):
        night.deliver(message)
    assert night.deliver(message, receive_count=2)
    assert night.summaries()[-1]["mentor_ids_synced"] == ids(mentors)


def test_who_comes_late_with_something_older_tells_the_newer_again(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """H3: two workers at one mentor; the portal ends with the last state, not the last word."""
    mentor = roster.add_mentor()
    portal.add(mentor)

    def newer() -> None:
        pause(roster, mentor)
        (state,) = night.doors.list_states(ORG, [mentor])
        with_it = night.open_portal(lambda: 60)
        with_it.push(MentorState(state.portal_key, state.status, state.reason, state.effective_on))
        with_it.close()
        assert night.doors.mark_synced(ORG, state, run_id("another", SYNC))

    meanwhile = [newer]
    night.take_from(lambda remaining: Overtaken(night.open_portal(remaining), meanwhile))
    assert night.sync()["synced_count"] == 1
    assert portal.paused() == {str(mentor)}
    assert len(night.asked("PATCH")) == 3
    night.take_from(night.open_portal)
    assert drift(night) == 0


def test_who_is_overtaken_each_time_is_an_error_with_a_reason(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """E5: three turns, and one line; the next run has them."""
    mentor = roster.add_mentor(date(2100, 1, 1))
    portal.add(mentor)

    def change(status: str) -> None:
        roster.db.execute(
            "select * from update_mentor_status(%s, %s, %s, 'again')", (mentor, ORG, status)
        )
        (state,) = night.doors.list_states(ORG, [mentor])
        assert night.doors.mark_synced(ORG, state, run_id("another", SYNC))

    meanwhile = [lambda s=status: change(s) for status in ("paused", "active", "paused")]
    night.take_from(lambda remaining: Overtaken(night.open_portal(remaining), meanwhile))
    assert night.sync()["mentor_ids_errored"] == [str(mentor)]
    (line,) = night.lines("mentor not synced")
    assert line["reason"] == "others keep telling the portal of this mentor"


def test_who_is_gone_when_they_are_looked_at_again_is_skipped(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """Deleted here in the middle of it."""
    mentor = roster.add_mentor()
    portal.add(mentor)

    def gone() -> None:
        roster.db.execute("delete from peer_mentors")

    meanwhile = [gone]
    night.take_from(lambda remaining: Overtaken(night.open_portal(remaining), meanwhile))
    summary = night.sync()
    assert (summary["skipped_count"], summary["error_count"]) == (1, 0)


def test_those_whom_the_portal_cannot_take_keep_nobody_else_waiting(
    night: SyncNight, mentors: list[UUID], portal: PortalRows
) -> None:
    """H3: it is there, so it is theirs alone; in whatever order they come."""
    night.portal.failing = {str(mentor) for mentor in mentors[:2]}
    assert night.sync()["mentor_ids_errored"] == ids(mentors[:2])
    assert portal.paused() == {str(m) for m in mentors[2:]}
    night.portal.failing = {str(mentors[4])}
    assert night.sync("night-2")["mentor_ids_synced"] == ids(mentors[:2])


@pytest.mark.parametrize("fault", ["down", "unavailable"])
def test_a_portal_that_goes_down_for_the_last_mentor_gets_them_later(
    night: SyncNight, roster: Roster, portal: PortalRows, fault: Fault
) -> None:
    """H3: one mentor's silence at the end is the portal's, too, if it does not answer at all."""
    mentor = roster.add_mentor()
    portal.add(mentor)
    night.fail(fault, times=6, after=BEFORE)
    message = fired(night)
    assert not night.deliver(message)
    assert night.deliver(message)
    assert night.summaries()[-1]["mentor_ids_synced"] == [str(mentor)]


def test_who_is_left_counts_as_somebody_where_they_cannot_be_counted(
    night: SyncNight, mentors: list[UUID], roster: Roster
) -> None:
    """H4: one run too many is better than one too few; the run ends all the same."""
    roster.db.execute("drop function count_unsynced_since_run")
    assert night.sync()["synced_count"] == len(mentors)
    assert night.events.details[-1]["left_count"] == 1
    assert len(night.lines("unsynced mentors not counted")) == 1


def test_a_mentor_who_comes_or_gets_another_key_gets_their_old_certification(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """H1: it was passed over while nobody here had that key; and the new key is told."""
    first = roster.add_mentor(YESTERDAY)
    portal.add(first, "HLF-7")
    portal.certify("hlf-7", date(2028, 5, 31), MONDAY)
    night.sync()
    roster.db.execute("update peer_mentors set portal_key = 'hlf-7'")
    summary = night.sync("night-2")
    assert (summary["renewed_count"], summary["mentor_ids_synced"]) == (1, [str(first)])
    assert drift(night) == 1  # the row under the old key, which is nobody's any more


def test_one_mentors_trouble_with_the_database_is_theirs_alone(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """E5: told, and not noted: the next run tells them again."""
    mentors = roster.add_mentors(3)
    portal.add(*mentors)
    roster.fail_for(mentors[1], "insert on portal_sync_state", "new.mentor_id")
    summary = night.sync()
    assert summary["mentor_ids_errored"] == [str(mentors[1])]
    (line,) = night.lines("mentor not synced")
    assert (line["sqlstate"], line["reason"]) == ("P0001", "no way")
    roster.db.execute("drop trigger refuse on portal_sync_state")
    assert night.sync("night-2")["synced_count"] == 1


def test_the_log_names_nobody_but_by_id(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """E13: neither keys nor days nor the portal's own words."""
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
