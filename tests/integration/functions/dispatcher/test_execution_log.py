"""The row in the execution log decides about a run whose ledger items are lost (D2, D6, E1, E8)."""

from datetime import timedelta

import pytest

from support.aws import Clients
from support.faults import ProcessDied, failures
from support.lost_runs import complete, lose
from support.night import JOB, Night, run_id
from support.roster import ORG, TODAY, TOMORROW, YESTERDAY, Roster


@pytest.mark.parametrize("kinds", [(), ("RUN", "PAGE")], ids=["the table", "runs and pages"])
@pytest.mark.parametrize("has_waited", [False, True])
def test_a_trigger_whose_ledger_items_are_lost_is_a_duplicate(
    aws: Clients, night: Night, roster: Roster, kinds: tuple[str, ...], *, has_waited: bool
) -> None:
    """D2: rows do not expire. Mentors who are active again are not reported as paused."""
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
        night.fire("another")  # its lock is held when the first trigger comes again
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


def test_a_run_that_has_a_row_and_is_not_in_the_ledger_keeps_its_id_and_day(
    aws: Clients, night: Night, roster: Roster
) -> None:
    """D6, E1: even if the repeated request names another day."""
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


def test_the_row_of_a_manual_run_that_could_not_be_opened_is_ended(
    night: Night, roster: Roster
) -> None:
    """D4, D5: the row was written before the ledger failed."""
    roster.add_mentors(1)
    night.plan.then(*failures(3), after=5)  # acquire, find, scope, day, begin; then open
    assert night.fire(trigger="manual")["status"] == "failed"
    (row,) = roster.log()
    assert (row["status"], row["processed_count"]) == ("failed", 0)
    assert "DynamoDB" in row["error"]


def test_a_dispatcher_that_is_superseded_before_it_opens_its_run_ends_its_row(
    night: Night, roster: Roster
) -> None:
    """D4, D6: its successor found no row, because it looked before the row was written."""
    roster.add_mentors(2)
    fast = night.dispatcher(lambda: night.clock() + timedelta(minutes=2))

    def overtaken() -> None:
        assert night.fire("night-2", dispatch=fast)["status"] == "running"

    night.plan.before_call(5, overtaken)  # acquire, find, scope, day; then begin
    assert night.fire("night-1", trigger="manual")["status"] == "superseded"
    night.work_off()
    rows = {row["job_run_id"]: row["status"] for row in roster.log()}
    assert rows == {run_id("night-1"): "failed", run_id("night-2"): "completed"}


def test_a_repeated_request_continues_the_row_of_the_run_that_it_could_not_open(
    night: Night, roster: Roster
) -> None:
    """R5: a scheduled run that lost its lock runs later under its own id."""
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


def test_only_the_delivery_that_holds_the_lock_ends_the_row(night: Night, roster: Roster) -> None:
    """D6: a trigger that is delivered twice has one run."""
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


def test_a_redrive_of_a_run_with_lost_pages_is_refused(
    aws: Clients, night: Night, roster: Roster
) -> None:
    """E8: the errored mentors of a lost page are unknown. A new run asks the database instead."""
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


def test_a_trigger_whose_run_was_restored_while_paging_is_a_duplicate(
    aws: Clients, night: Night, roster: Roster
) -> None:
    """D2: the restored table has the run in progress, but the row says that it has ended."""
    (mentor,) = roster.add_mentors(1)
    complete(night)
    roster.db.execute("delete from certifications")
    roster.certify(mentor, TOMORROW + timedelta(days=400))
    roster.db.execute("select update_mentor_status(%s, %s, 'active', 'back')", (mentor, ORG))
    aws.dynamodb.update_item(
        TableName=night.ledger.table.name,
        Key={"pk": {"S": f"RUN#{run_id()}"}, "sk": {"S": "RUN"}},
        UpdateExpression="SET #status = :running REMOVE pages_total, closed_through",
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
