"""The log's row decides about a run whose ledger items are gone (D2, D6, E1, E8)."""

from datetime import date, timedelta
from uuid import UUID

import pytest

from mentor_pause.domain.runs import Trigger
from mentor_pause.ledger.lock import Lock
from support.faults import ProcessDied, failures
from support.monitor import Monitor
from support.night import JOB, Clients, Night, run_id
from support.roster import ORG, TODAY, TOMORROW, YESTERDAY, Roster


def lose(aws: Clients, night: Night, *kinds: str) -> None:
    """Delete the ledger's items whose sort key starts with one of `kinds`; without any, all."""
    table = night.ledger.table.name
    for item in aws.dynamodb.scan(TableName=table)["Items"]:
        if item["sk"].get("S", "").startswith(kinds or ("",)):
            key = {name: item[name] for name in ("pk", "sk")}
            aws.dynamodb.delete_item(TableName=table, Key=key)


@pytest.fixture
def monitor(night: Night, capsys: pytest.CaptureFixture[str]) -> Monitor:
    """The monitor of a night."""
    return Monitor(night, capsys)


def complete(night: Night, trigger_id: str = "night-1") -> None:
    """Let a night run to its end."""
    assert night.fire(trigger_id)["status"] == "running"
    night.work_off()


@pytest.mark.parametrize("kinds", [(), ("RUN", "PAGE")], ids=["the table", "runs and pages"])
@pytest.mark.parametrize("has_waited", [False, True])
def test_a_firing_whose_ledger_items_are_gone_has_had_its_run(
    aws: Clients, night: Night, roster: Roster, kinds: tuple[str, ...], *, has_waited: bool
) -> None:
    """D2: the row does not expire. The mentors who are active now are not reported as paused."""
    (mentor,) = roster.add_mentors(1)
    complete(night)
    complete_row = roster.log()[0]
    roster.db.execute("delete from certifications")
    roster.certify(mentor, TOMORROW + timedelta(days=400))
    roster.db.execute("select update_mentor_status(%s, %s, 'active', 'back')", (mentor, ORG))
    other = roster.add_mentors(1)[0]
    lose(aws, night, *kinds)
    night.clock.advance(91 * 86400)
    if has_waited:
        night.fire("another")  # whose lock it meets
        night.work_off()
        lose(aws, night, *kinds)
    before = roster.history()
    assert night.fire("night-1")["status"] == "duplicate"
    assert night.ledger.find_run(run_id()) is None
    assert (night.receive(), roster.history()) == ([], before)
    assert roster.status(other) == ("paused" if has_waited else "active")
    rows = [row for row in roster.log() if row["job_run_id"] == run_id()]
    assert [row["status"] for row in rows] == ["completed", "duplicate"]
    assert rows[0] == complete_row
    night.clock.advance(1)
    assert night.fire("night-2")["status"] == ("completed" if has_waited else "running")


def test_a_run_that_was_begun_and_is_not_in_the_ledger_goes_on_with_its_day(
    aws: Clients, night: Night, roster: Roster
) -> None:
    """D6, E1: under its own id; the day is that of its row, though another one is asked for."""
    mentors = roster.add_mentors(4)
    night.plan.then("dies after", after=4)  # acquire, find, scope, day; then begin
    with pytest.raises(ProcessDied):
        night.fire(as_of=YESTERDAY)
    night.clock.advance(60)
    assert night.fire(as_of=TODAY)["status"] == "running"
    assert {page.as_of for page in night.pages()} == {YESTERDAY}
    lose(aws, night)
    assert night.fire(as_of=TODAY)["job_run_id"] == str(run_id())
    night.work_off()
    (row,) = roster.log()
    assert (row["status"], row["as_of"], row["paused_count"]) == ("completed", YESTERDAY, 4)
    assert {h["mentor_id"] for h in roster.history()} == set(mentors)


def test_a_person_whose_run_could_not_be_opened_has_its_row_ended(
    night: Night, roster: Roster
) -> None:
    """D4, D5: the row was begun before the ledger went away."""
    roster.add_mentors(1)
    night.plan.then(*failures(3), after=5)  # acquire, find, scope, day, begin; then open
    assert night.fire(trigger="manual")["status"] == "failed"
    (row,) = roster.log()
    assert (row["status"], row["processed_count"]) == ("failed", 0)
    assert "DynamoDB" in row["error"]


def test_a_day_that_was_fixed_holds_for_the_whole_run(night: Night, roster: Roster) -> None:
    """E1: the database's clock steps back between dispatch and work."""
    mentors = roster.add_mentors(5)
    night.clock.now += timedelta(days=2000)
    ((today,),) = roster.db.execute("select private.org_today(%s)", (ORG,))
    night.fire(as_of=today)
    step_back(roster, today)
    night.work_off()
    (summary,) = night.summaries()
    assert (summary["paused_count"], summary["error_count"]) == (5, 0)
    assert {roster.status(mentor) for mentor in mentors} == {"paused"}


def step_back(roster: Roster, today: date) -> None:
    """Let the database take yesterday for today."""
    roster.db.execute(
        f"create or replace function private.org_today(p_org_id uuid) returns date language sql"
        f" stable security definer set search_path = pg_catalog, pg_temp"
        f" as $$ select date '{today - timedelta(days=1)}' $$".encode()
    )


def test_a_day_ahead_is_refused_unless_its_run_has_begun(night: Night, roster: Roster) -> None:
    """E1: neither a run that has ended, nor another's, nor another day opens a way."""
    mentor, other = roster.add_mentor(TODAY), roster.add_mentor(TODAY)
    ((today,),) = roster.db.execute("select private.org_today(%s)", (ORG,))
    ahead = today + timedelta(days=1)
    call = "select * from update_mentor_status(%s, %s, 'paused', 'certification_expired', %s, %s)"
    begin = "select * from begin_execution(%s, %s, %s, 'schedule', 'rule', 'running', %s, %s)"
    run, dry = run_id("a"), run_id("b")
    with pytest.raises(Exception, match="only a dry run may look ahead"):
        roster.db.execute(call, (mentor, ORG, run, ahead))
    with pytest.raises(Exception, match="is after today"):
        roster.db.execute(begin, (JOB, run, ORG, ahead + timedelta(days=1), False))
    roster.db.execute(begin, (JOB, dry, ORG, ahead + timedelta(days=1), True))
    with pytest.raises(Exception, match="only a dry run may look ahead"):
        roster.db.execute(call, (mentor, ORG, dry, ahead + timedelta(days=1)))
    roster.db.execute(begin, (JOB, run, ORG, ahead, False))
    with pytest.raises(Exception, match="only a dry run may look ahead"):
        roster.db.execute(call, (mentor, ORG, run, ahead + timedelta(days=1)))
    roster.db.execute(call, (mentor, ORG, run, ahead))
    assert roster.status(mentor) == "paused"
    roster.db.execute("select finish_execution(%s, 'completed', 1, 1, 0, 0)", (run,))
    with pytest.raises(Exception, match="only a dry run may look ahead"):
        roster.db.execute(call, (other, ORG, run, ahead))


def lose_open_run(aws: Clients, night: Night, roster: Roster, *kinds: str) -> list[UUID]:
    """Dispatch a run of two pages, work on one, and lose the run; return its mentors."""
    mentors = roster.add_mentors(5)
    coordinator = roster.add_coordinator(mentors=mentors)
    assert coordinator
    night.fire()
    assert night.deliver(night.receive()[0])
    lose(aws, night, *kinds)
    return mentors


def lost_row(roster: Roster) -> dict[str, object]:
    """What the row of the lost run says in the end."""
    row = next(row for row in roster.log() if row["job_run_id"] == run_id())
    assert "the ledger has lost this run" in row["error"]
    assert "mentor-pause run certification_expiry" in row["error"]
    return {name: row[name] for name in ("status", "paused_count", "error_count")}


def test_the_monitor_ends_the_row_of_a_run_that_the_ledger_has_lost(
    aws: Clients, night: Night, roster: Roster, monitor: Monitor
) -> None:
    """E8: by what the data say, and with the next command; coordinators are notified."""
    lose_open_run(aws, night, roster, "RUN", "PAGE")
    night.clock.advance(4000)
    assert monitor()["hung_runs"] == {str(run_id()): True}
    assert lost_row(roster) == {"status": "failed", "paused_count": 3, "error_count": 2}
    (notified,) = roster.rows("select mentor_ids from coordinator_notifications")
    assert len(notified["mentor_ids"]) == 3
    assert (monitor()["hung_runs"], monitor()["night_missed"]) == ({}, True)
    complete(night, "night-2")
    assert (monitor()["stale_active_mentors"], monitor()["night_missed"]) == (0, False)


def test_the_monitor_finds_a_lost_run_by_its_row(
    aws: Clients, night: Night, roster: Roster, monitor: Monitor
) -> None:
    """E8: the whole table was created anew, and no lock names the run any more."""
    lose_open_run(aws, night, roster)
    assert monitor()["hung_runs"] == {}, "its dispatcher may be about to open it"
    roster.age_log()
    assert monitor()["hung_runs"] == {str(run_id()): True}
    assert lost_row(roster) == {"status": "failed", "paused_count": 3, "error_count": 2}
    assert monitor()["hung_runs"] == {}
    assert night.fire("night-2")["status"] == "running", "the lock is free"


def test_a_dispatcher_that_is_superseded_before_it_opens_its_run_ends_its_row(
    night: Night, roster: Roster
) -> None:
    """D4, D6: its successor has looked at the open runs already, when there was no row yet."""
    roster.add_mentors(2)
    fast = night.dispatcher(lambda: night.clock() + timedelta(minutes=2))

    def overtaken() -> None:
        assert night.fire("night-2", dispatch=fast)["status"] == "running"

    night.plan.before_call(5, overtaken)  # acquire, find, scope, day; then begin
    assert night.fire("night-1", trigger="manual")["status"] == "superseded"
    night.work_off()
    rows = {row["job_run_id"]: row["status"] for row in roster.log()}
    assert rows == {run_id("night-1"): "failed", run_id("night-2"): "completed"}


def test_a_request_that_comes_again_goes_on_with_the_row_of_the_run_it_could_not_open(
    night: Night, roster: Roster
) -> None:
    """R5: a scheduled run that lost its lock is made up for under its own id."""
    roster.add_mentors(2)
    fast = night.dispatcher(lambda: night.clock() + timedelta(minutes=2))

    def overtaken() -> None:
        assert night.fire("night-2", dispatch=fast)["status"] == "running"

    night.plan.before_call(5, overtaken)  # acquire, find, scope, day; then begin
    assert night.fire("night-1")["status"] == "superseded"
    night.work_off()
    (message,) = night.waiting()
    assert night.deliver_waiting(message)
    night.work_off()
    rows = {row["job_run_id"]: row["status"] for row in roster.log()}
    assert rows == {run_id("night-1"): "completed", run_id("night-2"): "completed"}


def test_a_row_is_left_to_the_delivery_that_has_the_lock(night: Night, roster: Roster) -> None:
    """D6: the same trigger, delivered twice, is one run."""
    roster.add_mentors(2)
    fast = night.dispatcher(lambda: night.clock() + timedelta(minutes=2))

    def overtaken() -> None:
        night.plan.then("dies before", after=5)
        with pytest.raises(ProcessDied):
            night.fire(dispatch=fast)

    night.plan.before_call(6, overtaken)  # acquire, find, scope, day, begin; then open
    assert night.fire()["status"] == "superseded"
    assert [row["status"] for row in roster.log()] == ["running"]
    night.clock.advance(300)
    assert night.fire()["status"] == "running"
    night.work_off()
    assert [row["status"] for row in roster.log()] == ["completed"]


def test_a_living_run_is_not_taken_for_a_lost_one(
    night: Night, roster: Roster, monitor: Monitor
) -> None:
    """E8: the ledger knows it, however long it takes."""
    roster.add_mentors(5)
    night.fire()
    roster.age_log()
    trigger = Trigger(JOB, ORG, "schedule", "night-1", "rule")
    night.ledger.locks.release(trigger)  # as its completion does before its end
    assert monitor()["hung_runs"] == {}
    night.work_off()
    assert night.summaries()[0]["paused_count"] == 5


def test_the_next_dispatcher_ends_the_row_of_a_lost_run(
    aws: Clients, night: Night, roster: Roster
) -> None:
    """E8: and pauses the mentors who are left."""
    mentors = lose_open_run(aws, night, roster, "RUN", "PAGE")
    night.clock.advance(4000)
    complete(night, "night-2")
    assert lost_row(roster) == {"status": "failed", "paused_count": 3, "error_count": 2}
    assert {roster.status(mentor) for mentor in mentors} == {"paused"}


def test_a_lost_run_that_did_nothing_may_begin_again(
    aws: Clients, night: Night, roster: Roster, monitor: Monitor
) -> None:
    """D6: its trigger may come again after the monitor has ended its row."""
    roster.add_mentors(2)
    night.fire()
    lose(aws, night)
    night.receive()
    roster.age_log()
    assert monitor()["hung_runs"] == {str(run_id()): True}
    assert lost_row(roster) == {"status": "failed", "paused_count": None, "error_count": None}
    complete(night)
    assert [row["status"] for row in roster.log()] == ["completed"]


def test_a_run_that_has_lost_a_page_ends_and_says_which(
    aws: Clients, night: Night, roster: Roster, monitor: Monitor
) -> None:
    """E8: nobody can close a page that the ledger does not have."""
    lose_open_run(aws, night, roster, "PAGE#2")
    night.clock.advance(4000)
    assert monitor()["hung_runs"] == {str(run_id()): True}
    (row,) = roster.log()
    assert (row["status"], row["paused_count"]) == ("failed", 3)
    assert "the ledger has lost pages: 2" in row["error"]


def test_a_redrive_of_a_run_whose_pages_are_gone_is_refused(
    aws: Clients, night: Night, roster: Roster
) -> None:
    """E8: who errored on a page that is gone nobody knows; a fresh run asks the database."""
    roster.add_mentors(5)
    night.fire()
    for message in night.receive():
        assert night.deliver(message, dead=True)
    lose(aws, night, "PAGE#1")
    event = {"job_name": JOB, "trigger": "manual", "redrive_of": str(run_id())}
    answer = night.handle(event | {"trigger_id": "again"})
    assert (answer["status"], answer["error_source"]) == ("failed", "client")
    assert "had 2 pages, and the ledger does not have these any more: 1;" in answer["error"]
    assert "mentor-pause run certification_expiry" in answer["error"]
    assert night.receive() == []


def test_a_lock_that_a_wrong_clock_leased_for_a_day_is_free(night: Night, roster: Roster) -> None:
    """D6: no lease lasts for so long; the claim of a completion likewise."""
    roster.add_mentors(1)
    tomorrow = night.clock() + timedelta(days=1)
    trigger = Trigger(JOB, ORG, "schedule", "night-1", "rule")
    assert isinstance(night.ledger_at(lambda: tomorrow).locks.acquire(trigger, "x", 45), Lock)
    assert night.fire("night-2")["status"] == "running"
    run = run_id("night-2")
    assert night.ledger_at(lambda: tomorrow).claim_completion(run, "a")
    assert night.ledger.claim_completion(run, "b")
    assert not night.ledger.claim_completion(run, "a")


def test_a_lease_of_a_clock_an_hour_ahead_is_kept(night: Night, roster: Roster) -> None:
    """D6: where DynamoDB does not tell the time, clocks may differ by an hour."""
    roster.add_mentors(1)
    ahead = night.dispatcher(lambda: night.clock() + timedelta(hours=1))
    assert night.fire("night-1", dispatch=ahead)["status"] == "running"
    assert night.fire("night-2")["status"] == "refused"


def test_a_firing_whose_run_was_restored_in_mid_paging_has_had_its_run(
    aws: Clients, night: Night, roster: Roster
) -> None:
    """D2: the table is as it was while pages were planned; the row says that the run is over."""
    (mentor,) = roster.add_mentors(1)
    complete(night)
    roster.db.execute("delete from certifications")
    roster.certify(mentor, TOMORROW + timedelta(days=400))
    roster.db.execute("select update_mentor_status(%s, %s, 'active', 'back')", (mentor, ORG))
    aws.dynamodb.update_item(
        TableName=night.ledger.table.name,
        Key={"pk": {"S": f"RUN#{run_id()}"}, "sk": {"S": "RUN"}},
        UpdateExpression="SET #status = :running REMOVE pages_total, closed_pages",
        ExpressionAttributeNames={"#status": "status"},
        ExpressionAttributeValues={":running": {"S": "running"}},
    )
    lose(aws, night, "LOCK")
    events = len(night.events.details)
    assert night.fire("night-1")["status"] == "duplicate"
    assert (night.receive(), len(night.events.details)) == ([], events)
    run = night.ledger.find_run(run_id())
    assert run is not None
    assert run.status == "completed"


def test_a_lost_run_costs_another_run_of_its_job_no_patience(
    aws: Clients, night: Night, roster: Roster, monitor: Monitor
) -> None:
    """O2: the monitor ends the lost one; a dispatcher that died a moment ago is resumed."""
    mentors = roster.add_mentors(4)
    night.plan.then("dies after", after=4)  # acquire, find, scope, day; then begin
    with pytest.raises(ProcessDied):
        night.fire("lost")
    lose(aws, night)
    roster.db.execute(
        "alter table scheduler_execution_log disable trigger user;"
        "update scheduler_execution_log set started_at = started_at - interval '2 hours';"
        "alter table scheduler_execution_log enable trigger user"
    )
    night.plan.then("dies after", after=8)  # in mid-paging
    with pytest.raises(ProcessDied):
        night.fire("night-1")
    night.clock.advance(night.ledger.leases.dispatch + 5)
    assert monitor()["hung_runs"] == {str(run_id("lost")): True}
    night.clock.advance(60)
    assert night.fire("night-1")["status"] == "running"
    night.work_off()
    assert night.summaries()[-1]["mentor_ids_paused"] == [str(m) for m in mentors]
