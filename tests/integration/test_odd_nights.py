"""A night among odd requests, rows, copies and settings: nothing is lost, doubled or for ever."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from threading import Event
from types import SimpleNamespace
from typing import Any, LiteralString
from uuid import UUID

import pytest
from botocore.exceptions import ReadTimeoutError
from psycopg import sql

from dispatcher.handle_request import RequestHandler
from expiry.pause import PausePage
from mentor_pause.aws.clients import with_deadline
from mentor_pause.aws.queues import WaitingRequests, WorkerQueue
from mentor_pause.database.client import Database
from mentor_pause.database.error_classification import error_from_code
from mentor_pause.domain.runs import PageOutcome
from mentor_pause.engine.page_worker import PageWorker, Scope
from mentor_pause.engine.sqs_batch import take_pages
from mentor_pause.errors import (
    ConfigurationError,
    DatabaseMisconfigured,
    DatabaseUnavailable,
    SettingsUnavailable,
)
from mentor_pause.ledger.runs import Ledger
from mentor_pause.ledger.table import Table
from mentor_pause.retry import Retry
from support.cluster import Cluster
from support.faults import POOLED, failures
from support.monitor import Monitor
from support.night import (
    DEAD_LETTERS,
    DELIVERIES,
    JOB,
    LEASES,
    Clients,
    Message,
    Night,
    open_night,
    run_id,
    sqs_record,
)
from support.roster import ORG, TODAY, Roster
from support.sync import SyncNight, open_sync, pause


@pytest.fixture
def monitor(night: Night, capsys: pytest.CaptureFixture[str]) -> Monitor:
    """The monitor of a night."""
    return Monitor(night, capsys)


@pytest.fixture
def sync(aws: Clients, roster: Roster, cluster: Cluster) -> Iterator[SyncNight]:
    """Pages of five mentors."""
    with open_sync(aws, roster, cluster, page_size=5) as found:
        yield found


def fail_with(roster: Roster, mentor: UUID, sqlstate: LiteralString) -> None:
    """Let a trigger of the adopter's own fail for one mentor."""
    roster.db.execute(
        sql.SQL(
            "create function public.odd() returns trigger language plpgsql as"
            " $$ begin raise exception 'odd' using errcode = {}; end $$"
        ).format(sqlstate)
    )
    roster.db.execute(
        sql.SQL(
            "create trigger odd before update on peer_mentors for each row"
            " when (old.id = {}) execute function public.odd()"
        ).format(mentor)
    )


def deliver_for(night: Night, minutes: int) -> None:
    """Deliver what is on the queue, once a minute."""
    for _ in range(minutes):
        for message in night.receive():
            night.deliver(message)
        night.clock.advance(60)


def let_pages_wait(night: Night, minutes: int) -> None:
    """Let the database be away for the workers; the page is put back each minute."""
    for _ in range(minutes):
        (message,) = night.receive()
        night.plan.then(*failures(3), after=2)
        night.clock.advance(60)
        night.deliver(message)
    night.plan.then()


def silence_the_database(night: Night) -> None:
    """Let each call of the database last until its deadline."""
    night.plan.due = lambda seam, what: "blocked" if seam is POOLED else "ok"  # noqa: ARG005


@pytest.mark.parametrize("day", [date(1, 1, 1), date(1899, 12, 31)])
def test_a_day_that_the_database_refuses_leaves_no_open_run(
    monitor: Monitor, roster: Roster, day: date
) -> None:
    """R3: any coordinator may ask for it over HTTP, once in 45 s."""
    night = monitor.night
    roster.add_mentors(3)
    night.fire("odd", as_of=day, trigger="manual")
    night.clock.advance(4000)
    assert monitor()["hung_runs"] in ({}, {str(run_id("odd")): True})
    assert monitor()["hung_runs"] == {}
    assert [row["status"] for row in roster.log()] == ["failed"]


def test_what_a_night_costs_does_not_grow_with_refused_requests(
    night: Night, roster: Roster
) -> None:
    """R5: 20 requests here; 5,000 of them fill the dispatcher's 300 s."""
    roster.add_mentors(3)
    for number in range(20):
        night.fire(f"odd-{number}", as_of=date(1, 1, 1), trigger="manual")
        night.clock.advance(60)
    before = night.wire_calls("begin_execution")
    assert night.fire()["status"] == "running"
    assert night.wire_calls("begin_execution") - before <= 3


@pytest.mark.parametrize("sqlstate", ["42883", "42P01", "42703", "0A000"])
def test_one_row_whose_trigger_fails_costs_one_row(
    night: Night, roster: Roster, sqlstate: LiteralString
) -> None:
    """R1, R3, E8: the others are paused, and the run ends."""
    mentors = roster.add_mentors(3)
    fail_with(roster, mentors[0], sqlstate)
    night.fire()
    deliver_for(night, 20)
    assert [roster.status(m) for m in mentors[1:]] == ["paused", "paused"]
    assert [row["status"] for row in roster.log()] == ["completed"]


def test_a_run_by_hand_about_fewer_mentors_does_not_end_a_night_that_waits(
    night: Night, roster: Roster
) -> None:
    """R5: the night's request comes back, is a duplicate, and nobody was paused."""
    mentors = roster.add_mentors(7)
    # acquire, find, scope, open, get, begin; list + plan; then three tries to list
    night.plan.then(*failures(3), after=8)
    assert night.fire()["status"] == "waiting"
    night.plan.then()
    night.clock.advance(50)
    night.fire("by-hand", as_of=TODAY - timedelta(days=700), trigger="manual")
    night.work_off()
    for _ in range(30):
        night.clock.advance(60)
        for request in night.waiting():
            night.deliver_waiting(request)
        night.work_off()
    assert {roster.status(m) for m in mentors} == {"paused"}


def test_a_night_waits_for_its_configuration(night: Night, roster: Roster) -> None:
    """R3, R5: as it waits for a wrong password (DatabaseMisconfigured)."""
    mentors = roster.add_mentors(3)

    def broken() -> Any:
        raise ConfigurationError("the secret x cannot be read: ResourceNotFoundException")

    RequestHandler(
        broken, lambda: night.database, lambda: WaitingRequests(night.sqs, night.waiting_url),  # pyright: ignore[reportArgumentType]
        lambda: ORG, night.clock, night.logger,
    )({"job_name": JOB, "trigger": "schedule", "trigger_id": "night-1"}, "i")  # fmt: skip
    night.clock.advance(1800)
    for request in night.waiting():
        night.deliver_waiting(request)
    night.work_off()
    assert {roster.status(m) for m in mentors} == {"paused"}


class SlowRows:
    """A database whose time limit ends the calls for some mentors; each costs 8 s."""

    def __init__(self, night: Night, slow: list[UUID]) -> None:
        retry = Retry(attempts=2, on=DatabaseUnavailable, sleep=lambda _seconds: None)
        self._database, self._slow = Database(night.transport, retry), slow
        self.left = 60.0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    def pause_expired(self, mentor_id: UUID, *args: Any, **options: Any) -> Any:
        """See `Database.pause_expired`."""
        if mentor_id in self._slow:
            self.left -= 8
            raise DatabaseUnavailable("the database's time limit ended the call", "57014")
        return self._database.pause_expired(mentor_id, *args, **options)


def test_who_stands_behind_four_slow_rows_is_paused(
    aws: Clients, roster: Roster, cluster: Cluster
) -> None:
    """R1: every mentor who can be paused is paused before anybody has a second turn."""
    with open_night(aws, roster, cluster, page_size=10) as night:
        mentors = roster.add_mentors(10)
        database: Any = SlowRows(night, mentors[:4])
        night.consume = night.consumer(PausePage(database, night.logger))
        night.fire()
        _deliver_all(night, lambda: database.left, lambda: setattr(database, "left", 60.0))
        (summary,) = night.summaries()
        assert summary["mentor_ids_paused"] == [str(m) for m in mentors[4:]]


def _deliver_all(night: Night, left: Callable[[], float], begin: Callable[[], object]) -> None:
    waiting: list[tuple[Message, int]] = [(m, 1) for m in night.receive()]
    while waiting:
        message, times = waiting.pop()
        begin()
        done = night.deliver(message, dead=times > DELIVERIES, remaining=left, receive_count=times)
        waiting += [] if done else [(message, times + 1)]
        waiting += [(m, 1) for m in night.receive()]


@pytest.mark.parametrize(
    "error",
    [
        SettingsUnavailable("the secret x cannot be read: ThrottlingException"),
        ConfigurationError("the secret x cannot be read: AccessDeniedException"),
    ],
)
def test_a_worker_without_its_secret_makes_nobody_an_error(
    night: Night, roster: Roster, error: Exception
) -> None:
    """R3: what is wrong with the system is no error of a mentor."""
    mentors = roster.add_mentors(3)
    night.fire()
    (message,) = night.receive()

    def broken() -> PageWorker:
        raise error

    for count in range(1, DELIVERIES + 1):
        if _is_done(night, message, night.queue_url.rpartition("/")[2], count, broken):
            break
    else:
        _is_done(night, message, DEAD_LETTERS, 1, lambda: night.consume)
    night.work_off()
    (summary,) = night.summaries()
    assert summary["mentor_ids_paused"] == [str(m) for m in mentors]


def _is_done(
    night: Night, message: Message, queue: str, count: int, consumer: Callable[[], PageWorker]
) -> bool:
    context: Any = SimpleNamespace(get_remaining_time_in_millis=lambda: 60_000)
    event = {"Records": [sqs_record(message, queue, count)]}
    worker = WorkerQueue(night.sqs, night.queue_url, f"https://sqs/{DEAD_LETTERS}")  # pyright: ignore[reportArgumentType]
    answer = take_pages(event, context, consumer, lambda: worker, night.logger)
    return not answer["batchItemFailures"]


def test_copies_of_a_page_do_not_multiply(night: Night, roster: Roster) -> None:
    """R5: two copies after one round, 64 after six; each goes on while the page waits."""
    roster.add_mentors(3)
    night.fire()
    send, sent = night.sqs.send_message, [0]

    def answer_late(DelaySeconds: int = 0, **request: Any) -> None:
        send(DelaySeconds=DelaySeconds, **request)
        sent[0] += 1
        if sent[0] % 2:
            raise ReadTimeoutError(endpoint_url="sqs")

    night.sqs.send_message = answer_late
    night.plan.due = lambda seam, what: "before" if seam is POOLED else "ok"  # noqa: ARG005
    messages = night.receive()
    for _ in range(6):
        for message in messages:
            night.deliver(message)
        messages = night.receive()
    assert len(messages) <= 2


def test_a_hung_dry_run_is_ended_by_the_monitor(monitor: Monitor, roster: Roster) -> None:
    """O2, E8: its row says running until somebody asks for another dry run."""
    roster.add_mentors(3)
    night = monitor.night
    night.fire("dry", dry_run=True, trigger="manual")
    night.receive()  # and its worker vanishes
    for _ in range(24):
        night.clock.advance(3600)
        monitor()
    assert [row["status"] for row in roster.log()] == ["failed"]


@pytest.mark.parametrize("has_monitor_looked", [False, True])
def test_a_run_whose_pages_wait_keeps_its_lock(
    monitor: Monitor, roster: Roster, *, has_monitor_looked: bool
) -> None:
    """D6: no second run beside it."""
    roster.add_mentors(3)
    night = monitor.night
    night.fire()
    let_pages_wait(night, 60)
    if has_monitor_looked:
        monitor()
    assert night.fire("by-hand", trigger="manual")["status"] == "refused"


def test_a_run_whose_pages_wait_is_not_called_hung(monitor: Monitor, roster: Roster) -> None:
    """R1."""
    roster.add_mentors(3)
    monitor.night.fire()
    let_pages_wait(monitor.night, 60)
    assert monitor()["hung_runs"] == {}


def test_a_sync_whose_settings_cannot_be_read_ends_some_time(
    sync: SyncNight, roster: Roster, capsys: pytest.CaptureFixture[str]
) -> None:
    """H3, E8: a KMS key that is disabled, for one; after a day of deliveries it is still open."""
    pause(roster, *roster.add_mentors(5))

    def broken(_remaining: object) -> Any:
        raise SettingsUnavailable("the parameter x cannot be read: KMSDisabledException")

    sync.take_from(broken)
    sync.fire()
    hung = Monitor(sync, capsys)
    for _ in range(24):
        deliver_for(sync, 60)
        hung()
    assert [row["status"] for row in roster.log()] != ["running"]


_TABLE_FAULTS: dict[str, tuple[LiteralString, LiteralString]] = {
    "55000, no replica identity": (
        (
            "alter table peer_mentors replica identity nothing; create publication p for table"
            " peer_mentors"
        ),
        "drop publication p",
    ),
    "2200H, the sequence is at its end": (
        (
            "alter table peer_mentor_status_history alter column id set maxvalue 2;"
            " select nextval(pg_get_serial_sequence('peer_mentor_status_history', 'id'))"
            " from generate_series(1, 2)"
        ),
        "alter table peer_mentor_status_history alter column id set no maxvalue",
    ),
}


@pytest.mark.parametrize("fault", _TABLE_FAULTS)
def test_what_is_wrong_with_the_table_is_no_error_of_a_mentor(
    night: Night, roster: Roster, fault: str
) -> None:
    """R3."""
    begin, end = _TABLE_FAULTS[fault]
    roster.add_mentors(3)
    for statement in begin.split(";"):
        roster.db.execute(statement)  # pyright: ignore[reportArgumentType, reportCallIssue]
    night.fire()
    deliver_for(night, 3)
    roster.db.execute(end)
    night.work_off()
    assert night.summaries()[0]["error_count"] == 0


def test_a_missing_right_is_the_systems_fault_in_any_language() -> None:
    """R3, R4: lc_messages is a setting of the server, the database or the role."""
    error = error_from_code("42501", "keine Berechtigung für Funktion update_mentor_status")
    assert isinstance(error, DatabaseMisconfigured)


def test_a_worker_whose_ledger_and_queue_are_frozen_answers_before_it_is_killed(
    night: Night, roster: Roster
) -> None:
    """R2: no invocation ends by Lambda's time-out. The deadline of a call is 1 s here, not 6."""
    roster.add_mentors(3)
    night.fire()
    (message,) = night.receive()
    frozen: Any = with_deadline(_Frozen(), 1.0)
    ledger = Ledger(Table(frozen, "ledger"), LEASES)
    queue = WorkerQueue(frozen, night.queue_url, f"https://sqs/{DEAD_LETTERS}")
    work: Any = None
    consume = replace(night.engine, ledger=ledger).worker(Scope(JOB, ORG), work, queue)
    ends_at = time.monotonic() + 1.5
    with pytest.raises(Exception, match="DynamoDB"):
        consume(night.record(message), lambda: ends_at - time.monotonic())
    assert time.monotonic() < ends_at


class _Frozen:
    def __getattr__(self, name: str) -> Any:
        def wait(**_request: object) -> None:
            Event().wait(30)

        return wait


def test_the_monitor_ends_within_its_time_while_the_database_is_silent(
    monitor: Monitor, roster: Roster
) -> None:
    """R2: Lambda kills it after 120 s, with its lock held and no line written."""
    roster.add_mentors(3)
    night = monitor.night
    names = ("a", "b", "c")
    for name in names:
        night.fire(name, trigger="manual")
        night.clock.advance(2699)
        for other in names:
            night.ledger.record_requeue(run_id(other), None)
        night.clock.advance(2)
    night.clock.advance(4000)
    silence_the_database(night)
    began = night.clock()
    monitor()
    assert night.clock() - began < timedelta(seconds=120)


def test_the_reason_of_an_error_survives_the_next_invocation(night: Night, roster: Roster) -> None:
    """R3: no error without its reason in the row."""
    mentors = roster.add_mentors(2)
    night.fire()
    night.ledger.pages.save_progress(
        run_id(), 1, PageOutcome(errored=(mentors[0],), note="HTTP 400")
    )
    night.ledger.pages.save_progress(run_id(), 1, PageOutcome(applied=(mentors[1],)))
    page = night.ledger.pages.find(run_id(), 1)
    assert page is not None
    assert page.processed.note == "HTTP 400"


@pytest.mark.parametrize("since", ["2026-03-01T00:00:00", "9999-01-01T00:00:00Z"])
def test_no_event_says_since_when_it_waits(night: Night, roster: Roster, since: str) -> None:
    """D4, D5: TypeError leaves the handler; or it comes again for ever, and has no row."""
    roster.add_mentors(3)
    night.fire("other", trigger="manual")
    event: Any = {
        "job_name": JOB, "trigger": "schedule", "trigger_id": "x", "waiting_since": since
    }  # fmt: skip
    night.handle(event)
    assert len(roster.log()) == 2


def test_a_dry_run_and_a_real_run_of_one_trigger_are_two_runs(night: Night, roster: Roster) -> None:
    """R5: dry runs hold nothing that a real run needs; needs lambda:InvokeFunction."""
    mentors = roster.add_mentors(3)
    night.fire("t", dry_run=True)
    night.work_off()
    night.fire("t")
    night.work_off()
    assert {roster.status(m) for m in mentors} == {"paused"}


def test_a_second_copy_of_a_request_that_failed_is_a_duplicate(
    night: Night, roster: Roster
) -> None:
    """It comes back each minute for 23 hours, and may start what was answered as failed."""
    roster.add_mentors(3)
    roster.db.execute("update organisations set slug = 'other'")
    assert night.fire()["status"] == "failed"
    event = {
        "job_name": JOB, "trigger": "schedule", "trigger_id": "night-1",
        "waiting_since": "2026-03-01T02:00:00Z",
    }  # fmt: skip
    night.clock.advance(60)
    assert night.handle(event)["status"] == "duplicate"


def test_a_failed_page_whose_run_another_completes_stays_in_the_dead_letter_queue(
    night: Night, roster: Roster
) -> None:
    """E8: a worker may send to its own queue alone."""
    roster.add_mentors(3)
    night.fire()
    (message,) = night.receive()
    assert night.ledger.claim_completion(run_id(), "another")
    assert not night.deliver(message, dead=True)
    assert (night.sqs.delays, night.sqs.handed_back) == ([], [60])


def test_an_old_copy_of_a_page_does_not_fail_it_under_a_fresh_one(
    night: Night, roster: Roster
) -> None:
    """R1: both are alive after a crash between send_again and the acknowledgement."""
    mentors = roster.add_mentors(3)
    night.fire()
    (message,) = night.receive()
    left = iter([60.0, 60.0, 60.0])
    night.consume(night.record(message), lambda: next(left, 5.0))  # one settled; a fresh copy
    night.deliver(message, dead=True)
    night.work_off()
    assert night.summaries()[0]["mentor_ids_paused"] == [str(m) for m in mentors]


def test_a_run_whose_coordinators_cannot_be_notified_ends_some_time(
    monitor: Monitor, roster: Roster
) -> None:
    """E8: 57014 counts as waiting; the row says running, and there is no summary line."""
    night = monitor.night
    mentor, *_ = roster.add_mentors(3)
    roster.add_coordinator(chapters=[roster.chapter_id])
    fail_with(roster, mentor, "57014")
    roster.db.execute("drop trigger odd on peer_mentors")
    roster.db.execute(
        "create trigger odd before insert on coordinator_notifications for each row"
        " execute function public.odd()"
    )
    night.fire()
    for _ in range(6):
        deliver_for(night, 60)
        monitor()
    assert [row["status"] for row in roster.log()] == ["completed"]
