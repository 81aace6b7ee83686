"""The approval of a held plan, and the run that releases it (G4)."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID, uuid4

import psycopg
import pytest

from support.brake import Brake
from support.roster import TODAY, TOMORROW, Roster
from support.transitions import by_hand, change


class Held(Brake):
    """A night in mode hold that holds 11 mentors."""

    def __init__(self, roster: Roster) -> None:
        """Make the plan."""
        super().__init__(roster)
        self.set("hold")
        self.mentors = roster.add_mentors(11)
        self.run = self.begin()
        self.hash: str = self.plan(self.run)["plan_hash"]

    def refusal(self, call: Callable[[], object]) -> tuple[str | None, str | None]:
        """Return SQLSTATE and hint of a call that the database refuses."""
        with pytest.raises(psycopg.Error) as refused:
            call()
        return refused.value.sqlstate, refused.value.diag.message_hint


@pytest.fixture
def held(roster: Roster) -> Held:
    """The night."""
    return Held(roster)


def test_an_approved_plan_is_released_by_the_run_that_names_it(held: Held, roster: Roster) -> None:
    """G4: the row and the history name the plan, who approved it, when and why."""
    approved = held.approve(held.run, held.hash, by="user x", note="  the dates are right ")
    assert (approved["held_count"], approved["changed_count"]) == (11, 0)
    release = held.begin(releases=held.run, by="command line, eva")
    assert held.listed(release) == held.mentors
    for mentor in held.mentors:
        assert change(roster.db, mentor, p_job_run_id=release)["outcome"] == "changed"
    row = roster.log()[-1]
    assert (row["plan_of"], row["plan_hash"], row["approved_by"], row["approval_note"]) == (
        held.run, held.hash, "user x", "the dates are right",
    )  # fmt: skip
    assert row["approved_at"] == approved["approved_at"]
    assert {
        (h["job_run_id"], h["plan_hash"], h["approved_by"], h["approved_at"], h["approval_note"])
        for h in roster.history()
    } == {(release, held.hash, "user x", approved["approved_at"], "the dates are right")}


def test_without_an_approval_no_run_releases_a_plan(held: Held) -> None:
    """G4: nothing is approved by itself."""
    assert held.refusal(lambda: held.begin(releases=held.run)) == ("PT409", "not_approved")


@pytest.mark.parametrize("change_by", ["renewed", "moved", "paused by hand"])
def test_a_mentor_who_changed_is_reported_and_not_paused(
    held: Held, roster: Roster, change_by: str
) -> None:
    """G4: before the approval the answer names them; after it the run leaves them alone."""
    first, second, *_ = held.mentors

    def alter(mentor: UUID) -> None:
        match change_by:
            case "renewed":
                roster.certify(mentor, TOMORROW)
            case "moved":
                roster.db.execute(
                    "update certifications set expires_on = expires_on - 3 where mentor_id = %s",
                    (mentor,),
                )
            case _:
                by_hand(roster.db, mentor, "paused")

    alter(first)
    approved = held.approve(held.run, held.hash)
    assert (approved["changed_count"], approved["mentor_ids_changed"]) == (1, [first])
    release = held.begin(releases=held.run)
    alter(second)
    outcomes = {
        change(roster.db, mentor, p_job_run_id=release)["outcome"] for mentor in (first, second)
    }
    assert outcomes <= {"changed_since", "not_expired", "not_active"}
    assert {row["job_run_id"] for row in roster.history()} <= {None}


def test_an_old_hash_is_refused_with_what_changed(held: Held, roster: Roster) -> None:
    """G4: the answer names the newest plan."""
    roster.certify(held.mentors[0], TOMORROW)
    roster.add_mentor()
    newer = held.begin()
    new_hash = held.plan(newer)["plan_hash"]
    with pytest.raises(psycopg.Error) as refused:
        held.approve(newer, held.hash)
    detail = refused.value.diag.message_detail or ""
    assert refused.value.diag.message_hint == "plan_changed"
    assert str(newer) in detail
    assert new_hash in detail
    assert "1 are new, 1 are not held any more, and 0 have another version or date" in detail
    assert held.refusal(lambda: held.approve(held.run, held.hash)) == ("PT409", "plan_changed")
    assert held.refusal(lambda: held.approve(newer, "00")) == ("PT409", "plan_changed")


def test_the_sentence_counts_the_held_alone_by_what_changed(held: Held, roster: Roster) -> None:
    """G4: new, gone, and with another version or date; a forewarned mentor is in none of them."""
    first, second, third, *_ = held.mentors
    (forewarned,) = held.warn([roster.add_mentor()])
    old_hash = held.plan(held.begin())["plan_hash"]
    held.plan(held.begin())  # a plan with the same hash
    for mentor in (first, forewarned):
        by_hand(roster.db, mentor, "paused")
    roster.db.execute("update peer_mentors set version = version + 2 where id = %s", (second,))
    roster.certify(third, TODAY)
    held.warn([roster.add_mentor()])
    roster.add_mentors(2)
    newest = held.begin()
    held.plan(newest)
    for asked, sentence in (
        (old_hash, "2 are new, 1 are not held any more, and 2 have another version or date"),
        ("0" * 64, "the hash that you gave is of no plan that is kept"),
    ):
        with pytest.raises(psycopg.Error) as refused:
            held.approve(newest, asked)
        detail = refused.value.diag.message_detail or ""
        assert f"the newest plan is of run {newest} for {TODAY}" in detail
        assert f"holds 12 mentors; {sentence}" in detail.replace("of the held mentors ", "")


def test_an_approval_is_of_one_run(held: Held, roster: Roster) -> None:
    """G4: a run that made the same plan again, or another one, is not approved with it."""
    held.approve(held.run, held.hash)
    same = held.begin()
    assert held.plan(same)["plan_hash"] == held.hash
    assert held.refusal(lambda: held.begin(releases=same)) == ("PT409", "not_approved")
    roster.add_mentor()
    other = held.begin()
    held.plan(other)
    assert held.refusal(lambda: held.begin(releases=other)) == ("PT409", "not_approved")


def test_an_approval_of_another_organisation_releases_nothing(held: Held, roster: Roster) -> None:
    """S4: the run belongs to one organisation, and the approval to the same one."""
    other = roster.add_organisation()
    roster.db.execute(
        "insert into plan_approvals (job_run_id, org_id, plan_hash, approved_by, note)"
        " values (%s, %s, %s, 'eva', 'checked')",
        (held.run, other, held.hash),
    )
    assert held.refusal(lambda: held.begin(releases=held.run)) == ("PT409", "not_approved")


def test_the_refusal_of_a_lapsed_approval_names_the_newer_run(held: Held, roster: Roster) -> None:
    """G4: the person has to approve that one."""
    held.approve(held.run, held.hash)
    roster.add_mentor()
    newer = held.begin()
    held.plan(newer)
    with pytest.raises(psycopg.Error) as refused:
        held.begin(releases=held.run)
    assert refused.value.diag.message_detail == (
        f"run {newer} has made a newer plan; approve that one"
    )


def test_an_approval_lapses_with_the_next_plan(held: Held, roster: Roster) -> None:
    """G4: also between the approval and its run; a run that has begun goes on."""
    held.approve(held.run, held.hash)
    begun = held.begin(releases=held.run)
    roster.add_mentor()
    held.plan(held.begin())
    assert held.refusal(lambda: held.begin(releases=held.run)) == ("PT409", "plan_lapsed")
    assert change(roster.db, held.mentors[0], p_job_run_id=begun)["outcome"] == "changed"
    assert held.refusal(lambda: held.begin(redrive_of=begun)) == ("PT409", "plan_lapsed")


def test_a_run_for_an_earlier_day_takes_no_approval_away(held: Held) -> None:
    """G4: it is not the next plan."""
    held.plan(held.begin(day=TODAY - timedelta(300)))
    held.approve(held.run, held.hash)
    assert held.listed(held.begin(releases=held.run)) == held.mentors


def test_a_repeated_approval_does_not_count_the_released_as_changed(
    held: Held, roster: Roster
) -> None:
    """G4: the run that followed has paused them."""
    held.approve(held.run, held.hash)
    release = held.begin(releases=held.run)
    for mentor in held.mentors[1:]:
        change(roster.db, mentor, p_job_run_id=release)
    by_hand(roster.db, held.mentors[0], "paused")
    assert held.approve(held.run, held.hash)["mentor_ids_changed"] == held.mentors[:1]


def test_a_newer_plan_with_the_same_hash_keeps_the_approval(held: Held) -> None:
    """G4: a coordinator who runs the check again takes nothing away; it decides the same."""
    held.approve(held.run, held.hash)
    assert held.plan(held.begin())["plan_hash"] == held.hash
    assert held.listed(held.begin(releases=held.run)) == held.mentors


def test_a_dry_run_takes_no_approval_away_and_has_none(held: Held, roster: Roster) -> None:
    """G4: it is not the next plan."""
    held.approve(held.run, held.hash)
    roster.add_mentor()
    dry = held.begin(dry_run=True)
    dry_hash = held.plan(dry)["plan_hash"]
    assert held.refusal(lambda: held.approve(dry, dry_hash)) == ("PT404", "run_not_found")
    assert held.listed(held.begin(releases=held.run)) == held.mentors


def test_who_asked_for_the_run_cannot_approve_it(held: Held) -> None:
    """G4: another person does."""
    own = held.begin(by="command line, eva")
    plan_hash = held.plan(own)["plan_hash"]
    refused = held.refusal(lambda: held.approve(own, plan_hash, by="command line, eva"))
    assert refused == ("PT403", "own_run")
    assert (
        held.approve(own, plan_hash, by="command line, ola")["approved_by"] == "command line, ola"
    )


def test_two_approvers_make_one_approval(held: Held, roster: Roster) -> None:
    """G4: the second one learns who was first."""
    held.approve(held.run, held.hash, by="eva")
    again = held.approve(held.run, held.hash.upper(), by="ola", note="me too")
    assert (again["approved_by"], again["note"]) == ("eva", "checked with HLF")
    assert len(roster.rows("select * from plan_approvals")) == 1


@pytest.mark.parametrize("note", ["", "  ", "ok", "two\nlines", "x" * 501])
def test_an_approval_needs_a_note(held: Held, note: str) -> None:
    """G4: it is kept for ever, so it is bounded."""
    refused = held.refusal(lambda: held.approve(held.run, held.hash, note=note))
    assert refused == ("22023", None)


def test_a_plan_that_holds_nobody_needs_no_approval(held: Held) -> None:
    """And an unknown run has no plan."""
    held.set("watch")
    run = held.begin()
    plan_hash = held.plan(run)["plan_hash"]
    assert held.refusal(lambda: held.approve(run, plan_hash)) == ("PT409", "nothing_held")
    assert held.refusal(lambda: held.approve(uuid4(), plan_hash)) == ("PT404", "run_not_found")


def test_an_approval_cannot_be_changed(held: Held, roster: Roster) -> None:
    """S6."""
    held.approve(held.run, held.hash)
    for statement in ("update plan_approvals set note = 'other'", "delete from plan_approvals"):
        with pytest.raises(psycopg.Error) as refused:
            roster.db.execute(statement.encode())
        assert refused.value.sqlstate == "42501"
