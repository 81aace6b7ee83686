"""A withdrawal takes back the pauses of a run, for mentors who are valid and unchanged (G5)."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from support.brake import Brake
from support.roster import ORG, Roster
from support.transitions import by_hand, change

FAR = datetime.now(UTC).date() + timedelta(400)


class Paused(Brake):
    """A run that paused three mentors and has ended."""

    def __init__(self, roster: Roster) -> None:
        """Pause them."""
        super().__init__(roster)
        self.mentors = roster.add_mentors(3)
        self.run = self.begin()
        for mentor in self.mentors:
            change(roster.db, mentor, p_job_run_id=self.run)
        self.finish(self.run)

    def withdrawal(self, withdraws: UUID | None = None, redrive_of: UUID | None = None) -> UUID:
        """Begin a withdrawal of the run; return its id."""
        run = uuid4()
        self.records.rows(
            "select * from begin_execution('withdrawal', %s, %s, 'manual', 'eva', 'running', %s,"
            " p_withdraws => %s, p_redrive_of => %s)",
            run, ORG, date(2026, 3, 1), None if redrive_of else withdraws or self.run, redrive_of,
        )  # fmt: skip
        return run

    def resume(self, mentor: UUID, run: UUID, *, dry_run: bool = False) -> dict[str, Any]:
        """Let a withdrawal take back one pause."""
        return change(
            self.records.db, mentor, p_status="active", p_reason="pause_withdrawn",
            p_job_run_id=run, p_as_of=None, p_dry_run=dry_run,
        )  # fmt: skip


@pytest.fixture
def paused(roster: Roster) -> Paused:
    """The run."""
    return Paused(roster)


def test_a_valid_and_unchanged_mentor_is_resumed_with_a_history_row(
    paused: Paused, roster: Roster
) -> None:
    """G5: the history is appended; a repeated call is a replay, and a preview changes nothing."""
    mentor = paused.mentors[0]
    roster.certify(mentor, FAR)
    run = paused.withdrawal()
    assert paused.resume(mentor, run, dry_run=True)["outcome"] == "would_change"
    assert roster.status(mentor) == "paused"
    assert paused.resume(mentor, run)["outcome"] == "changed"
    assert paused.resume(mentor, run)["outcome"] == "replayed"
    row = roster.history()[-1]
    assert (row["previous_status"], row["new_status"]) == ("paused", "active")
    assert (row["reason"], row["job_run_id"], row["changed_by_role"]) == (
        "pause_withdrawn", run, "job",
    )  # fmt: skip


def test_a_mentor_who_is_not_valid_today_stays_paused(paused: Paused, roster: Roster) -> None:
    """G5: still expired; also without any certification, and if the date is today."""
    expired, without, today = paused.mentors
    roster.db.execute("delete from certifications where mentor_id = %s", (without,))
    (day,) = roster.rows("select get_org_day(%s, now()) as today", ORG)
    roster.certify(today, day["today"])
    run = paused.withdrawal()
    for mentor in (expired, without, today):
        assert paused.resume(mentor, run)["outcome"] == "still_expired"


@pytest.mark.parametrize("statuses", [["active"], ["inactive"], ["active", "paused"]])
def test_a_mentor_whom_a_person_has_changed_since_is_left_alone(
    paused: Paused, roster: Roster, statuses: list[str]
) -> None:
    """G5: also if the person has paused them again."""
    mentor = paused.mentors[0]
    roster.certify(mentor, FAR)
    for status in statuses:
        by_hand(roster.db, mentor, status)
    assert paused.resume(mentor, paused.withdrawal())["outcome"] == "changed_since"
    assert roster.status(mentor) == statuses[-1]


def test_a_mentor_whom_another_run_paused_is_left_alone(paused: Paused, roster: Roster) -> None:
    """G5: only the pauses of the withdrawn run."""
    stranger = roster.add_mentor()
    change(roster.db, stranger, p_job_run_id=paused.begin())
    roster.certify(stranger, FAR)
    assert paused.resume(stranger, paused.withdrawal())["outcome"] == "changed_since"


def test_the_mentors_of_a_run_are_listed_from_the_history(paused: Paused, roster: Roster) -> None:
    """G5: page by page."""
    listed = [
        [row["mentor_id"] for row in roster.rows("select * from list_run_pauses(%s, %s, 2)", *page)]
        for page in ((paused.run, None), (paused.run, paused.mentors[1]), (uuid4(), None))
    ]
    assert listed == [paused.mentors[:2], paused.mentors[2:], []]


def test_a_redrive_of_a_withdrawal_withdraws_the_same_run(paused: Paused, roster: Roster) -> None:
    """D7."""
    again = paused.withdrawal(redrive_of=paused.withdrawal())
    roster.certify(paused.mentors[0], FAR)
    assert paused.resume(paused.mentors[0], again)["outcome"] == "changed"
    assert roster.log()[-1]["withdraws"] == paused.run


def test_only_an_ended_run_that_paused_can_be_withdrawn(paused: Paused, roster: Roster) -> None:
    """G5: the refusal says why."""
    open_run, dry = paused.begin(), paused.begin(dry_run=True)
    paused.finish(dry)
    refusals = {}
    for run in (open_run, dry, uuid4(), paused.withdrawal()):
        with pytest.raises(psycopg.Error) as refused:
            paused.withdrawal(run)
        assert refused.value.diag.message_hint == "not_withdrawable"
        refusals[run] = str(refused.value.diag.message_primary).partition(": ")[2]
    assert list(refusals.values()) == [
        "it is in progress; withdraw it when it has ended",
        "only a certification expiry run that is not a dry run pauses mentors",
        "the log has no such run",
        "only a certification expiry run that is not a dry run pauses mentors",
    ]


@pytest.mark.parametrize(
    "other", ["an expiry run", "a preview", "a refused one", "another organisation"]
)
def test_only_a_withdrawal_of_the_organisation_in_progress_resumes(
    paused: Paused, roster: Roster, other: str
) -> None:
    """G5: nothing else takes a pause back."""
    mentor, run = paused.mentors[0], uuid4()
    roster.certify(mentor, FAR)
    if other == "an expiry run":
        run = paused.begin()
    else:
        roster.rows(
            "select * from begin_execution('withdrawal', %s, %s, 'manual', 'eva', %s, %s, %s,"
            " p_withdraws => %s)",
            run, ORG, "refused" if other == "a refused one" else "running", date(2026, 3, 1),
            other == "a preview", paused.run,
        )  # fmt: skip
    if other == "another organisation":
        roster.db.execute("insert into organisations (id, slug) values (%s, 'other')", (run,))
        roster.db.execute("alter table scheduler_execution_log disable trigger all")
        roster.db.execute(
            "update scheduler_execution_log set org_id = %s where job_run_id = %s", (run, run)
        )
    with pytest.raises(psycopg.Error) as refused:
        paused.resume(mentor, run)
    assert (refused.value.sqlstate, refused.value.diag.message_hint) == (
        "PT403", "reserved_for_the_job",
    )  # fmt: skip
    assert roster.status(mentor) == "paused"
    if other == "a preview":
        assert paused.resume(mentor, run, dry_run=True)["outcome"] == "would_change"


@pytest.mark.parametrize("status", ["completed", "failed"])
def test_a_late_page_of_a_withdrawal_that_has_ended_resumes(
    paused: Paused, roster: Roster, status: str
) -> None:
    """G5: a page may be delivered after the monitor ended its run."""
    roster.certify(paused.mentors[0], FAR)
    run = paused.withdrawal()
    roster.rows("select * from finish_execution(%s, %s, 0, 0, 0, 0)", run, status)
    assert paused.resume(paused.mentors[0], run)["outcome"] == "changed"


@pytest.mark.parametrize(
    ("arguments", "sqlstate"),
    [
        ({"p_job_run_id": uuid4()}, "PT403"),
        ({"p_job_run_id": None}, "22023"),
        ({"p_status": "paused"}, "22023"),
    ],
)
def test_the_reason_is_for_withdrawals_alone(
    paused: Paused, roster: Roster, arguments: dict[str, object], sqlstate: str
) -> None:
    """S3: without a withdrawal that has begun, nobody is resumed under this reason."""
    roster.certify(paused.mentors[0], FAR)
    asked = {
        "p_status": "active", "p_reason": "pause_withdrawn", "p_as_of": None,
        "p_job_run_id": paused.withdrawal(),
    } | arguments  # fmt: skip
    with pytest.raises(psycopg.Error) as refused:
        change(roster.db, paused.mentors[0], **asked)
    assert refused.value.sqlstate == sqlstate
