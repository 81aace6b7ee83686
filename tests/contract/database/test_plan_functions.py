"""The database client reads plans, approvals and stories alike over every transport (G1 to G7)."""

from datetime import UTC, timedelta
from uuid import UUID, uuid4

import pytest

from mentor_pause.database.client import Database
from mentor_pause.database.plan_results import BrakeFigures, PlannedMentor
from mentor_pause.domain.runs import RunRequest
from mentor_pause.errors import Conflict, DatabaseError, Forbidden, NotFound
from support.brake import Brake
from support.database_client import pause
from support.roster import ORG, TODAY, YESTERDAY, Roster

APPROVER = "command line, kari"
NOTE = "Checked with HLF: the dates are right"


@pytest.fixture
def mentors(roster: Roster) -> list[UUID]:
    """Three expired mentors in id order: the last was warned, and the brake holds the others."""
    found = roster.add_mentors(3)
    Brake(roster).warn(found[2:])
    Brake(roster).set("hold", 0, 0)
    return found


def make_plan(database: Database, trigger_id: str = "t-1", by: str = "somebody") -> UUID:
    """Begin a run and make its whole plan; return the run's id."""
    request = RunRequest("certification_expiry", ORG, "manual", trigger_id, by)
    database.begin_execution(request, "running", as_of=TODAY)
    assert database.make_plan(request.job_run_id, 100).is_whole
    return request.job_run_id


def hash_of(database: Database, job_run_id: UUID) -> str:
    """Return the hash of a run's plan."""
    plan = database.get_plan(ORG, job_run_id)
    assert plan is not None
    return plan.plan_hash


def test_a_plan_is_made_in_batches(database: Database, mentors: list[UUID]) -> None:
    """G1: the counts and the hash come with the last batch."""
    request = RunRequest("certification_expiry", ORG, "manual", "t-1", "somebody")
    database.begin_execution(request, "running", as_of=TODAY)
    states = [database.make_plan(request.job_run_id, 2) for _ in range(2)]
    assert [(state.is_whole, state.planned_count) for state in states] == [(False, None), (True, 3)]
    assert (states[1].unforeseen_count, states[1].held_count) == (2, 2)
    assert states[1].plan_hash == hash_of(database, request.job_run_id)
    assert len(mentors) == 3
    with pytest.raises(NotFound):
        database.make_plan(uuid4(), 2)


def test_the_plan_as_it_would_be_now_is_that_of_the_run(
    database: Database, mentors: list[UUID]
) -> None:
    """G1: mentors in id order, and the same hash."""
    found = database.plan_certification_expiry(ORG, TODAY)
    held = {"version": 1, "expires_on": YESTERDAY, "action": "hold", "why": "never_warned"}
    assert found == [
        PlannedMentor.model_validate({"mentor_id": mentors[0], **held}),
        PlannedMentor.model_validate({"mentor_id": mentors[1], **held}),
        PlannedMentor.model_validate(
            {"mentor_id": mentors[2], **held, "action": "pause", "why": "forewarned"}
        ),
    ]
    summary = database.summarise_plan(ORG, TODAY)
    plan = database.get_plan(ORG, make_plan(database))
    assert plan is not None
    names = type(summary).model_fields
    assert {name: getattr(plan, name) for name in names} == summary.model_dump()
    assert (summary.brake_percent, summary.active_count, summary.brake_acts) == (0.0, 3, True)


def test_a_plan_is_typed(operator: Database, roster: Roster, mentors: list[UUID]) -> None:
    """G1, G4: moments are in UTC; until somebody approves it, the approval is None."""
    job_run_id = make_plan(operator)
    plan = operator.get_plan(ORG, job_run_id)
    assert plan is not None
    assert (plan.as_of, plan.dry_run, plan.is_newest) == (TODAY, False, True)
    assert (plan.approved_by, plan.approved_at, plan.approval_note) == (None, None, None)
    assert plan.made_at.tzinfo is UTC
    assert operator.get_plan(ORG, uuid4()) is None
    roster.db.execute(
        "insert into mentor_contacts (mentor_id, display_name) values (%s, 'Åse')", (mentors[0],)
    )
    first = operator.list_plan(ORG, job_run_id, None, None, 2)
    rest = operator.list_plan(ORG, job_run_id, None, first[-1].mentor_id, 2)
    assert [entry.mentor_id for entry in (*first, *rest)] == mentors
    assert [entry.display_name for entry in (*first, *rest)] == ["Åse", None, None]
    coordinator = roster.add_coordinator(mentors=mentors[1:2])
    mine = operator.list_plan(ORG, job_run_id, coordinator, None, 2)
    assert [entry.mentor_id for entry in mine] == mentors[1:2]


def test_an_approval_is_returned_again(
    operator: Database, roster: Roster, mentors: list[UUID]
) -> None:
    """G4: with the mentors who have changed since."""
    job_run_id = make_plan(operator)
    roster.certify(mentors[0], TODAY + timedelta(days=400))
    first = operator.approve_plan(job_run_id, hash_of(operator, job_run_id), NOTE, APPROVER)
    again = operator.approve_plan(job_run_id, hash_of(operator, job_run_id), "other", "somebody 2")
    assert first == again
    assert (first.approved_by, first.note, first.held_count) == (APPROVER, NOTE, 2)
    assert (first.changed_count, first.mentor_ids_changed) == (1, mentors[:1])
    assert first.approved_at.tzinfo is UTC
    plan = operator.get_plan(ORG, job_run_id)
    assert plan is not None
    assert (plan.approved_by, plan.approved_at, plan.approval_note) == (
        APPROVER, first.approved_at, NOTE,
    )  # fmt: skip


def test_a_refused_approval_says_why(operator: Database, mentors: list[UUID]) -> None:
    """G4: the class, the hint and the detail do not depend on the transport."""
    old, new = make_plan(operator), make_plan(operator, "t-2", by=APPROVER)
    plan_hash = hash_of(operator, new)
    wrong = "0" * 64
    attempts: list[tuple[type[DatabaseError], str | None, tuple[UUID, str, str, str]]] = [
        (NotFound, "run_not_found", (uuid4(), plan_hash, NOTE, APPROVER)),
        (Forbidden, "own_run", (new, plan_hash, NOTE, APPROVER)),
        (Conflict, "plan_changed", (old, wrong, NOTE, APPROVER)),
        (DatabaseError, None, (old, plan_hash, " ", APPROVER)),
    ]
    for kind, hint, arguments in attempts:
        with pytest.raises(kind) as failure:
            operator.approve_plan(*arguments)
        assert failure.value.hint == hint
    with pytest.raises(Conflict) as conflict:
        operator.approve_plan(old, wrong, NOTE, APPROVER)
    detail = str(conflict.value.detail)
    assert f"the newest plan is of run {new}" in detail
    assert plan_hash in detail
    assert len(mentors) == 3


def test_a_plan_that_holds_nobody_is_not_approved(operator: Database, roster: Roster) -> None:
    """G4."""
    roster.add_mentors(1)
    job_run_id = make_plan(operator)
    with pytest.raises(Conflict) as failure:
        operator.approve_plan(job_run_id, hash_of(operator, job_run_id), NOTE, APPROVER)
    assert failure.value.hint == "nothing_held"


def test_a_story_is_one_object(operator: Database, roster: Roster, mentors: list[UUID]) -> None:
    """G6: days and moments are texts."""
    job_run_id = make_plan(operator)
    assert pause(operator, mentors[2], job_run_id) == "changed"
    story = operator.explain_mentor(mentors[2], ORG)
    assert (story["mentor_id"], story["answer"]) == (str(mentors[2]), "paused_by_run")
    assert story["last_change"]["run"]["job_run_id"] == str(job_run_id)
    assert story["rule"]["expires_on"] == str(YESTERDAY)
    assert story["plan"]["action"] == "pause"
    assert operator.explain_mentor(mentors[0], ORG)["answer"] == "held"
    coordinator = roster.add_coordinator(mentors=mentors[:1])
    assert operator.explain_mentor(mentors[0], ORG, coordinator)["status"] == "active"
    with pytest.raises(NotFound):
        operator.explain_mentor(mentors[1], ORG, coordinator)
    with pytest.raises(NotFound):
        operator.explain_mentor(uuid4(), ORG)


def test_the_brakes_figures_are_counts_with_their_run(
    operator: Database, mentors: list[UUID]
) -> None:
    """G2, G3: before any plan nobody is held."""
    assert operator.get_brake_figures(ORG, TODAY) == BrakeFigures(
        held_count=0, held_by=None, held_since=None, plan_hash=None, is_approved=False,
        unforeseen_count=0, unforeseen_by=None,
    )  # fmt: skip
    job_run_id = make_plan(operator)
    found = operator.get_brake_figures(ORG, TODAY)
    assert (found.held_count, found.held_by, found.is_approved) == (2, job_run_id, False)
    assert found.plan_hash == hash_of(operator, job_run_id)
    operator.approve_plan(job_run_id, hash_of(operator, job_run_id), NOTE, APPROVER)
    assert operator.get_brake_figures(ORG, TODAY).is_approved
    assert len(mentors) == 3


def test_missed_nights_are_days(database: Database, roster: Roster) -> None:
    """G7: between the first completed night and today, newest first."""
    assert database.list_missed_nights(ORG, TODAY) == []
    for days in (4, 2):
        roster.db.execute(
            "insert into scheduler_execution_log (job_name, job_run_id, org_id, trigger,"
            " triggered_by, as_of, status, finished_at) values ('certification_expiry',"
            " gen_random_uuid(), %s, 'schedule', 'schedule', %s, 'completed', now())",
            (ORG, TODAY - timedelta(days=days)),
        )
    assert database.list_missed_nights(ORG, TODAY) == [
        TODAY, TODAY - timedelta(days=1), TODAY - timedelta(days=3),
    ]  # fmt: skip
