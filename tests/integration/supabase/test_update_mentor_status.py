"""`update_mentor_status` makes every change of a mentor's status (E1 to E4, E9, S1, S2)."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import psycopg
import pytest

from support.roster import ORG, TODAY, TOMORROW, YESTERDAY, Roster
from support.transitions import FAR_OFF, RUN, by_hand, change


def test_an_expired_mentor_is_paused_with_one_complete_history_row(roster: Roster) -> None:
    """E3: all six fields are written with the change."""
    mentor = roster.add_mentor(YESTERDAY)
    before = datetime.now(UTC)
    answer = change(roster.db, mentor)
    (row,) = roster.history()
    assert (answer["outcome"], answer["previous_status"], answer["new_status"]) == (
        "changed", "active", "paused",
    )  # fmt: skip
    assert (row["mentor_id"], row["org_id"]) == (mentor, ORG)
    assert (row["previous_status"], row["new_status"]) == ("active", "paused")
    assert (row["reason"], row["job_run_id"]) == ("certification_expired", RUN)
    assert row["certification_expiry_date"] == YESTERDAY
    assert abs(row["changed_at"] - before) < timedelta(minutes=1)
    assert (roster.status(mentor), answer["version"]) == ("paused", 2)
    (stored,) = roster.rows("select * from peer_mentors where id = %s", mentor)
    assert (stored["version"], stored["status_changed_at"]) == (2, row["changed_at"])


def test_a_certification_is_expired_on_the_day_itself(roster: Roster) -> None:
    """E1: on or before as_of."""
    assert change(roster.db, roster.add_mentor(TODAY))["outcome"] == "changed"
    assert change(roster.db, roster.add_mentor(TOMORROW))["outcome"] == "not_expired"


def test_a_renewed_certification_is_skipped(roster: Roster) -> None:
    """E1, E4: the latest of several certifications counts, and the mentor is not paused."""
    mentor = roster.add_mentor(YESTERDAY)
    roster.certify(mentor, TOMORROW)
    assert change(roster.db, mentor)["outcome"] == "not_expired"
    assert roster.history() == []


def test_a_mentor_without_certification_is_not_expired(roster: Roster) -> None:
    """Such a mentor has no day of expiry."""
    mentor = roster.add_mentor(YESTERDAY)
    roster.db.execute("delete from certifications")
    assert change(roster.db, mentor)["outcome"] == "not_expired"


@pytest.mark.parametrize(
    ("stored", "shown", "outcome"),
    [
        ("infinity", date.max, "not_expired"),
        ("10000-01-01", date.max, "not_expired"),
        ("-infinity", date.min, "changed"),
        ("0044-03-15 BC", date.min, "changed"),
    ],
)
def test_an_unreadable_day_counts_and_is_shown_as_the_nearest_readable_day(
    roster: Roster, stored: str, shown: date, outcome: str
) -> None:
    """R4: in dry runs, runs, reads and the history. An adopter's table may hold infinity."""
    mentor = roster.add_mentor(YESTERDAY)
    roster.db.execute("update certifications set expires_on = %s::date", (stored,))
    answers = [change(roster.db, mentor, p_dry_run=dry_run) for dry_run in (True, False)]
    assert [a["certification_expiry_date"] for a in answers] == [shown, shown]
    tried = "would_change" if outcome == "changed" else outcome
    assert [a["outcome"] for a in answers] == [tried, outcome]
    (seen,) = roster.rows("select * from get_mentor_status(%s, %s)", mentor, ORG)
    assert seen["certification_expiry_date"] == shown
    assert [row["certification_expiry_date"] for row in roster.history()] == (
        [shown] if outcome == "changed" else []
    )
    coordinator = roster.add_coordinator(mentors=[mentor])
    (listed,) = roster.rows("select * from coordinator_mentor_statuses(%s)", coordinator)
    (held,) = roster.rows(
        "select * from coordinator_mentor_certifications(%s, %s)", coordinator, mentor
    )
    assert (listed["certification_expiry_date"], held["expires_on"]) == (shown, shown)


@pytest.mark.parametrize("status", ["paused", "inactive"])
def test_a_mentor_who_is_not_active_is_skipped_without_a_history_row(
    roster: Roster, status: str
) -> None:
    """E4."""
    mentor = roster.add_mentor(YESTERDAY, status=status)
    assert change(roster.db, mentor)["outcome"] == "not_active"
    assert (roster.status(mentor), roster.history()) == (status, [])


def test_the_same_run_again_is_a_replay(roster: Roster) -> None:
    """E9: nothing changes, even if the mentor was resumed in between."""
    mentor = roster.add_mentor(YESTERDAY)
    first = change(roster.db, mentor)
    roster.certify(mentor, FAR_OFF)
    by_hand(roster.db, mentor, "active")
    again = change(roster.db, mentor)
    assert (again["outcome"], again["changed_at"]) == ("replayed", first["changed_at"])
    assert roster.status(mentor) == "active"
    assert len(roster.history()) == 2


def test_a_dry_run_reports_the_outcome_and_changes_nothing(roster: Roster) -> None:
    """It follows the same path up to the write."""
    mentor = roster.add_mentor(YESTERDAY)
    assert change(roster.db, mentor, p_dry_run=True)["outcome"] == "would_change"
    assert (roster.status(mentor), roster.history()) == ("active", [])


def test_a_stale_version_is_a_conflict_with_expected_and_actual(roster: Roster) -> None:
    """S2."""
    mentor = roster.add_mentor(YESTERDAY)
    with pytest.raises(psycopg.Error) as raised:
        change(roster.db, mentor, p_expected_version=7)
    assert (raised.value.sqlstate, raised.value.diag.message_hint) == ("PT409", "version_conflict")
    assert raised.value.diag.message_detail == "expected version 7, actual 1"
    assert change(roster.db, mentor, p_expected_version=1)["outcome"] == "changed"


@pytest.mark.parametrize(
    ("after", "allowed_from"),
    [
        ("active", ["paused", "inactive"]),
        ("paused", ["active"]),
        ("inactive", ["active", "paused"]),
    ],
)
@pytest.mark.parametrize("before", ["active", "paused", "inactive"])
def test_the_state_machine(
    roster: Roster, before: str, after: str, allowed_from: list[str]
) -> None:
    """S1: every pair of states. A refused one is PT409, with expected and actual in the detail."""
    mentor = roster.add_mentor(FAR_OFF, status=before)
    if before in allowed_from:
        assert by_hand(roster.db, mentor, after)["new_status"] == after
        assert len(roster.history()) == 1
        return
    with pytest.raises(psycopg.Error) as raised:
        by_hand(roster.db, mentor, after)
    assert (raised.value.sqlstate, raised.value.diag.message_hint) == (
        "PT409", "transition_not_allowed",
    )  # fmt: skip
    expected = " or ".join(allowed_from)
    assert raised.value.diag.message_detail == f"expected {expected}, actual {before}"
    assert roster.history() == []


@pytest.mark.parametrize("before", ["paused", "inactive"])
def test_no_caller_makes_a_mentor_active_whose_certification_has_expired(
    roster: Roster, before: str
) -> None:
    """Such a mentor must not be shown as available. After a renewal it is possible."""
    mentor = roster.add_mentor(YESTERDAY, status=before)
    with pytest.raises(psycopg.Error) as raised:
        by_hand(roster.db, mentor, "active")
    assert (raised.value.sqlstate, raised.value.diag.message_hint) == (
        "PT409", "certification_expired",
    )  # fmt: skip
    roster.certify(mentor, FAR_OFF)
    assert by_hand(roster.db, mentor, "active")["outcome"] == "changed"


def test_a_certification_expires_in_the_organisations_time_zone(roster: Roster) -> None:
    """E1: a certification that expires today in Kiritimati is still valid in Pago Pago."""
    mentor = roster.add_mentor(YESTERDAY, status="paused")
    roster.db.execute(
        "update certifications set expires_on = (now() at time zone 'Pacific/Kiritimati')::date"
    )
    roster.db.execute("update organisations set time_zone = 'Pacific/Kiritimati'")
    with pytest.raises(psycopg.Error, match="the certification has expired"):
        by_hand(roster.db, mentor, "active")
    roster.db.execute("update organisations set time_zone = 'Pacific/Pago_Pago'")
    assert by_hand(roster.db, mentor, "active")["outcome"] == "changed"


def test_a_mentor_of_another_organisation_is_not_found(roster: Roster) -> None:
    """The answer is the same as for an unknown mentor."""
    other = roster.add_organisation()
    for mentor, org in ((roster.add_mentor(), other), (uuid4(), ORG)):
        with pytest.raises(psycopg.Error) as raised:
            change(roster.db, mentor, p_org_id=org)
        assert (raised.value.sqlstate, raised.value.diag.message_primary) == (
            "PT404", "mentor not found",
        )  # fmt: skip


@pytest.mark.parametrize(
    "nonsense",
    [
        {"p_status": "retired"},
        {"p_status": None},
        {"p_reason": ""},
        {"p_reason": None},
        {"p_reason": "He is ill"},
        {"p_status": "active"},
        {"p_job_run_id": None},
        {"p_as_of": None},
    ],
)
def test_arguments_that_make_no_sense_are_refused(
    roster: Roster, nonsense: dict[str, object]
) -> None:
    """22023; for example, the job's own reason without the job's arguments."""
    mentor = roster.add_mentor()
    with pytest.raises(psycopg.Error) as raised:
        change(roster.db, mentor, **nonsense)
    assert raised.value.sqlstate == "22023"
    assert roster.status(mentor) == "active"


@pytest.mark.parametrize(
    ("reason", "is_code"),
    [
        ("abc", True), ("a_9", True), ("a" * 63, True), ("ab", False), ("a" * 64, False),
        ("9ab", False), ("Abc", False), ("abC", False), ("ab\n", False), ("a b", False),
    ],
)  # fmt: skip
def test_a_reason_is_a_code(roster: Roster, reason: str, is_code: bool) -> None:
    """S3: 3 to 63 lower-case letters, digits and underscores, because the history keeps it."""
    mentor = roster.add_mentor(FAR_OFF)
    if is_code:
        assert by_hand(roster.db, mentor, "paused", reason)["outcome"] == "changed"
        return
    with pytest.raises(psycopg.Error, match="a reason is required") as refused:
        by_hand(roster.db, mentor, "paused", reason)
    assert refused.value.sqlstate == "22023"


@pytest.mark.parametrize(
    ("arguments", "sqlstate", "message"),
    [
        ({"p_status": "retired", "p_reason": "on_leave"}, "22023", "unknown status"),
        ({"p_reason": "on_leave"}, "PT403", "reserved for the job"),
        ({"p_reason": "on_leave", "p_as_of": None}, "PT403", "reserved for the job"),
        ({"p_reason": "on_leave", "p_job_run_id": None}, "PT403", "reserved for the job"),
        ({"p_status": "inactive"}, "22023", "certification_expired is reserved for the job"),
        ({"p_as_of": None}, "22023", "certification_expired is reserved for the job"),
        ({"p_job_run_id": None}, "22023", "certification_expired is reserved for the job"),
        (
            {"p_reason": "pause_withdrawn", "p_status": "paused"},
            "22023", "pause_withdrawn is reserved for the job",
        ),
        (
            {"p_reason": "pause_withdrawn", "p_status": "active", "p_job_run_id": None},
            "22023", "pause_withdrawn is reserved for the job",
        ),
        ({"p_as_of": "-infinity"}, "22023", "p_as_of is out of bounds"),
        (
            {"p_reason": "pause_withdrawn", "p_status": "active", "p_as_of": "-infinity"},
            "22023", "p_as_of is out of bounds",
        ),
    ],
)  # fmt: skip
def test_a_request_that_makes_no_sense_says_why(
    roster: Roster, arguments: dict[str, object], sqlstate: str, message: str
) -> None:
    """S3: the job's reasons and the job's arguments belong together."""
    mentor = roster.add_mentor(YESTERDAY)
    with pytest.raises(psycopg.Error) as refused:
        change(roster.db, mentor, **arguments)
    assert refused.value.sqlstate == sqlstate
    assert str(refused.value.diag.message_primary).startswith(message)
    assert roster.history() == []


def test_only_a_run_of_that_day_in_progress_may_look_ahead(roster: Roster) -> None:
    """E1: the day of a run counts if a clock steps back; otherwise only a dry run looks ahead."""
    mentor, other = roster.add_mentor(YESTERDAY), roster.add_organisation()
    (now,) = roster.rows("select get_org_day(%s, now()) as today", ORG)
    today: date = now["today"]
    runs = {
        name: begin(roster, day, org, dry_run=dry_run)
        for name, day, org, dry_run in (
            ("its own", today + timedelta(1), ORG, False),
            ("of another day", today + timedelta(2), ORG, False),
            ("of another organisation", today + timedelta(1), other, False),
            ("a dry one", today + timedelta(1), ORG, True),
            ("ended", today + timedelta(1), ORG, False),
        )
    }
    roster.rows("select * from finish_execution(%s, 'failed', 0, 0, 0, 0)", runs["ended"])
    outcomes = {name: ask(roster, mentor, run, today) for name, run in runs.items()}
    outcomes["unknown"] = ask(roster, mentor, uuid4(), today)
    assert outcomes == dict.fromkeys(outcomes, "only a dry run may look ahead") | {
        "its own": "changed"
    }
    assert change(roster.db, mentor, p_job_run_id=uuid4(), p_as_of=today)["outcome"] == "changed"
    ahead = change(
        roster.db, mentor, p_job_run_id=uuid4(), p_as_of=today + timedelta(1), p_dry_run=True
    )
    assert ahead["outcome"] == "not_active"


def begin(roster: Roster, day: date, org: UUID, *, dry_run: bool) -> UUID:
    """Write the row of an expiry run that the database's clock would not let begin."""
    run = uuid4()
    roster.db.execute(
        "insert into scheduler_execution_log (job_name, job_run_id, org_id, trigger, triggered_by,"
        " as_of, status, dry_run) values ('certification_expiry', %s, %s, 'schedule', 'schedule',"
        " %s, 'running', %s)",
        (run, org, day, dry_run),
    )
    return run


def ask(roster: Roster, mentor: UUID, run: UUID, today: date) -> str:
    """Return the outcome of a pause for tomorrow in a transaction that is undone, or its error."""
    try:
        with roster.db.transaction(force_rollback=True):
            tomorrow = today + timedelta(1)
            answer = change(roster.db, mentor, p_job_run_id=run, p_as_of=tomorrow)
            return str(answer["outcome"])
    except psycopg.Error as error:
        return str(error.diag.message_primary)
