"""A redrive runs the errored mentors of a run again, in a new run that names the first."""

from uuid import UUID, uuid4

import pytest

from mentor_pause.database.client import Database
from mentor_pause.domain.messages import DispatchRequest
from mentor_pause.domain.runs import Run, Trigger
from mentor_pause.ledger.lock import Lock
from support.faults import ProcessDied
from support.night import JOB, Night, run_id
from support.roster import ORG, TODAY, TOMORROW, YESTERDAY, Roster


def redrive(night: Night, first: UUID, trigger_id: str = "again", **more: object) -> dict[str, str]:
    """Request a redrive, as the command line does."""
    asked = {"job_name": JOB, "trigger_id": trigger_id, "redrive_of": str(first)}
    return night.handle(asked | more)


def fail_pages(night: Night, *pages: int) -> None:
    """Process the pages of a run, but let these end in the dead-letter queue."""
    for number, message in enumerate(night.receive(), 1):
        assert night.deliver(message, dead=number in pages)


def test_only_errored_mentors_are_run_again(night: Night, roster: Roster) -> None:
    """Each run has a row. The redrive's row names the first run, and the redrive keeps its day."""
    mentors = roster.add_mentors(8)
    night.fire(as_of=YESTERDAY)
    fail_pages(night, 2)
    roster.add_mentors(3)
    answer = redrive(night, run_id())
    night.work_off()
    _, summary = night.summaries()
    assert summary["mentor_ids_paused"] == [str(m) for m in mentors[3:6]]
    assert summary["processed_count"] == 3
    first, second = roster.log()
    assert (second["redrive_of"], first["redrive_of"]) == (run_id(), None)
    assert (str(second["job_run_id"]), second["as_of"]) == (answer["job_run_id"], YESTERDAY)
    assert night.lines("run completed")[1]["redrive_of"] == str(run_id())
    assert night.events.details[1]["redrive_of"] == str(run_id())
    assert len(roster.history()) == 8
    assert first["error_count"] == 3, "what was said of the first run stays said"


def test_a_mentor_who_was_renewed_meanwhile_is_skipped(night: Night, roster: Roster) -> None:
    """E4: a redrive decides under the row lock, like any run."""
    (mentor,) = roster.add_mentors(1)
    night.fire()
    fail_pages(night, 1)
    redrive(night, run_id())
    roster.certify(mentor, TOMORROW)
    night.work_off()
    assert night.summaries()[1]["skipped_count"] == 1
    assert roster.history() == []


def test_a_mentor_who_was_paused_though_the_answer_was_lost_is_not_redriven(
    night: Night, roster: Roster
) -> None:
    """E8: the page failed, but the database knows that this mentor was paused."""
    paused, active = roster.add_mentors(2)
    night.fire()
    night.database.pause_expired(paused, ORG, run_id(), TODAY)
    fail_pages(night, 1)
    redrive(night, run_id())
    night.work_off()
    first, second = night.summaries()
    assert (first["mentor_ids_paused"], first["mentor_ids_errored"]) == (
        [str(paused)],
        [str(active)],
    )
    assert (second["processed_count"], second["mentor_ids_paused"]) == (1, [str(active)])


def test_a_mentor_who_was_paused_after_the_run_had_ended_is_not_redriven(
    night: Night, roster: Roster
) -> None:
    """The run's pages have an error, but the redrive reads the history, which has the pause."""
    late, active = roster.add_mentors(2)
    night.fire()
    fail_pages(night, 1)
    night.database.pause_expired(late, ORG, run_id(), TODAY)
    redrive(night, run_id())
    night.work_off()
    assert night.summaries()[1]["mentor_ids_paused"] == [str(active)]
    assert night.summaries()[1]["processed_count"] == 1


def test_a_run_that_cannot_be_redriven_is_refused_with_one_sentence(
    night: Night, roster: Roster
) -> None:
    """D4: the refusal leaves a failed row."""
    roster.add_mentors(2)
    night.fire()
    unknown = UUID(int=7)
    for first, sentence, more in (
        (unknown, f"the ledger has no run {unknown}; it keeps runs for 90 days", {}),
        (run_id(), f"run {run_id()} is still in progress", {}),
        (run_id(), f"run {run_id()} is of {JOB}, not hlf_sync", {"job_name": "hlf_sync"}),
    ):
        answer = redrive(night, first, f"again {first} {more}", **more)
        assert (answer["status"], answer["error"], answer["error_source"]) == (
            "failed",
            sentence,
            "client",
        )
    fail_pages(night, 1)
    answer = redrive(night, run_id(), "another day", as_of=TOMORROW.isoformat())
    assert answer["error"] == f"a redrive keeps the day of its run: {TODAY}"
    assert [row["status"] for row in roster.log()] == ["completed", *["failed"] * 4]
    assert [row["redrive_of"] for row in roster.log()] == [None, unknown, *[run_id()] * 3]


def test_a_run_of_another_organisation_is_not_redriven(night: Night, roster: Roster) -> None:
    """D8: the refusal does not reveal that the run exists."""
    roster.add_mentors(1)
    theirs = Trigger(JOB, uuid4(), "manual", "theirs", "somebody")
    lock = night.ledger.locks.acquire(theirs, "holder", 45)
    assert isinstance(lock, Lock)
    night.ledger.open_run(lock, TODAY)
    night.ledger.end_run(theirs.job_run_id, "completed")
    answer = redrive(night, theirs.job_run_id)
    assert (answer["status"], answer["error_source"]) == ("failed", "client")
    assert answer["error"].startswith("the ledger has no run")


def test_each_page_lists_the_mentors_of_the_runs_organisation(night: Night, roster: Roster) -> None:
    """D8: the database gets the organisation's id with each page."""
    asked: list[UUID] = []

    class Recording(Database):
        def list_mentors(self, run: Run, after: UUID | None, limit: int) -> list[UUID]:
            asked.append(run.trigger.org_id)
            return super().list_mentors(run, after, limit)

    roster.add_mentors(4)
    night.database = Recording(night.transport)
    night.fire(dispatch=night.dispatcher(night.clock))
    assert set(asked) == {ORG}


def test_a_redrive_of_a_dry_run_is_a_dry_run(night: Night, roster: Roster) -> None:
    """A request that changes nothing must not become one that does."""
    roster.add_mentors(2)
    night.fire(dry_run=True)
    fail_pages(night, 1)
    redrive(night, run_id(dry_run=True))
    night.work_off()
    assert night.summaries()[1]["paused_count"] == 2
    assert [row["dry_run"] for row in roster.log()] == [True, True]
    assert roster.history() == []


def test_a_redrive_that_is_delivered_again_is_one_run_wherever_its_dispatcher_died(
    night: Night, roster: Roster
) -> None:
    """D7: it resumes from the cursor, and processes each mentor once."""
    mentors = roster.add_mentors(4)
    night.fire(dry_run=True)
    fail_pages(night, 1, 2)
    crashes = 0
    for number in range(24):
        night.plan.then("dies after", after=number)
        try:
            redrive(night, run_id(dry_run=True), f"again-{number}")
        except ProcessDied:
            crashes += 1
            night.plan.then()
            night.clock.advance(46)
            redrive(night, run_id(dry_run=True), f"again-{number}")
        night.plan.then()
        night.work_off()
        again = run_id(f"again-{number}", dry_run=True)
        row = next(r for r in roster.log() if r["job_run_id"] == again)
        assert (row["status"], row["processed_count"]) == ("completed", len(mentors)), number
    assert 15 < crashes < 24  # the last ones are later than the last call


@pytest.mark.parametrize("value", ["x", 7])
def test_an_invalid_run_id_is_refused_by_the_name_of_its_field(night: Night, value: object) -> None:
    """By its field."""
    answer = night.handle({"job_name": JOB, "redrive_of": value})
    assert answer["error"].startswith("not a valid DispatchRequest: redrive_of: ")
    assert "redrive_of" in DispatchRequest.model_fields
