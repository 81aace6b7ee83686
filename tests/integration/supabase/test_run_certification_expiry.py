"""`run_certification_expiry`: the nightly job inside the database (O5, E1 to E5, E7, E11)."""

from datetime import date, timedelta
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.types.json import Jsonb

from support.cluster import Cluster
from support.fallback import run
from support.roster import ORG, TODAY, TOMORROW, YESTERDAY, Roster


def test_the_job_does_what_a_night_does(roster: Roster) -> None:
    """E1-E4, E7, E11: history, log, notifications, and the counts of the summary."""
    mentors = roster.add_mentors(3)
    expiring_today = roster.add_mentor(TODAY)
    roster.add_mentor(YESTERDAY, TOMORROW)
    roster.add_mentor(YESTERDAY, status="inactive")
    coordinator = roster.add_coordinator(chapters=[roster.chapter_id])
    found = run(roster, TODAY)
    paused = sorted([*mentors, expiring_today])
    assert (found["status"], found["mentor_ids_paused"], found["mentor_ids_errored"]) == (
        "completed",
        paused,
        [],
    )
    history = roster.history()
    assert [row["mentor_id"] for row in history] == paused
    for row in history:
        assert (row["previous_status"], row["new_status"], row["reason"]) == (
            "active",
            "paused",
            "certification_expired",
        )
        assert (row["job_run_id"], row["changed_by_role"]) == (found["job_run_id"], "job")
    (log,) = roster.log()
    counts = ("processed_count", "paused_count", "skipped_count", "error_count")
    assert [log[name] for name in counts] == [found[name] for name in counts] == [4, 4, 0, 0]
    assert (log["status"], log["trigger"], log["as_of"]) == ("completed", "schedule", TODAY)
    assert log["triggered_by"] == "database, postgres"
    (notification,) = roster.rows("select * from coordinator_notifications")
    assert (notification["coordinator_id"], notification["mentor_ids"]) == (coordinator, paused)


def test_a_second_run_pauses_nobody(roster: Roster) -> None:
    """E9."""
    roster.add_mentors(2)
    run(roster, TODAY)
    assert run(roster, TODAY)["processed_count"] == 0
    assert len(roster.history()) == 2
    assert [row["status"] for row in roster.log()] == ["completed"] * 2


def test_without_a_day_it_is_the_organisations_today(roster: Roster) -> None:
    """E1."""
    (today,) = roster.rows("select private.org_today(%s) as day", ORG)
    expired = roster.add_mentor(today["day"])
    roster.add_mentor(today["day"] + timedelta(days=1))
    assert run(roster)["mentor_ids_paused"] == [expired]


def test_one_mentors_failure_does_not_affect_the_others(roster: Roster) -> None:
    """E5: it is counted and named, also in the server's log."""
    first, failing, last = roster.add_mentors(3)
    roster.fail_for(failing)
    said: list[str] = []
    roster.db.add_notice_handler(lambda notice: said.append(str(notice.message_primary)))
    found = run(roster, TODAY)
    assert found["mentor_ids_paused"] == [first, last]
    assert found["mentor_ids_errored"] == [failing]
    assert (found["processed_count"], found["error_count"]) == (3, 1)
    assert said == [f"mentor {failing} not paused: P0001 no way"]


def test_paused_mentors_stay_paused_although_no_coordinator_could_be_notified(
    roster: Roster,
) -> None:
    """E3: the log says so."""
    mentors = roster.add_mentors(2)
    roster.db.execute("alter table coordinator_notifications rename to elsewhere")
    assert run(roster, TODAY)["mentor_ids_paused"] == mentors
    assert [row["mentor_id"] for row in roster.history()] == mentors
    (row,) = roster.log()
    assert row["status"] == "completed"
    assert row["error"].startswith("the coordinators were not notified: 42P01")


def test_the_largest_error_groups_are_named_even_after_a_long_notification_error(
    roster: Roster,
) -> None:
    """E7: reason, count and an example. Another error's text hides none of them."""
    mentors = roster.add_mentors(4)
    roster.add_coordinator(chapters=[roster.chapter_id])
    for code, failing in (("P0002", mentors[0]), ("P0003", mentors[2]), ("P0003", mentors[1])):
        name = f"refuse_{mentors.index(failing)}"
        roster.db.execute(
            f"create function {name}() returns trigger language plpgsql as $$ begin"
            f" raise exception 'no way' using errcode = '{code}'; end $$".encode()
        )
        roster.db.execute(
            f"create trigger {name} before update on peer_mentors for each row"
            f" when (new.id = '{failing}') execute function {name}()".encode()
        )
    roster.db.execute(
        "create function refuse_telling() returns trigger language plpgsql as $$ begin"
        " raise exception '%', repeat('no way ', 1000); end $$"
    )
    roster.db.execute(
        "create trigger refuse_telling before insert on messages"
        " for each row execute function refuse_telling()"
    )
    assert run(roster, TODAY)["error_count"] == 3
    (row,) = roster.log()
    assert row["error"].startswith("the coordinators were not notified: P0001 no way")
    assert row["error"].endswith(
        f"; 3 errors: 2 failed with SQLSTATE P0003, such as mentor {mentors[1]};"
        f" 1 failed with SQLSTATE P0002, such as mentor {mentors[0]}"
    )


def test_only_so_many_reasons_are_named_and_the_others_are_counted(roster: Roster) -> None:
    """E7: the text fits into the row, and does not cut an id."""
    results = {str(UUID(int=n)): f"P0{n:03}" for n in range(100)} | {str(UUID(int=100)): "P0099"}
    (found,) = roster.rows("select private.summarise_errors(%s) as text", Jsonb(results))
    text = found["text"]
    assert text.startswith(
        f"101 errors: 2 failed with SQLSTATE P0099, such as mentor {UUID(int=99)}; 1 failed"
    )
    assert text.endswith("; and 80 more kinds (80 mentors)")
    assert len(text) < 4000
    (nobody,) = roster.rows("select private.summarise_errors('{}') as text")
    assert nobody["text"] is None


def test_a_wrong_organisation_and_a_later_day_are_refused(roster: Roster) -> None:
    """D8: before anything changes. A missing id is refused, too."""
    roster.add_mentors(1)
    for org_id in (uuid4(), None):
        with pytest.raises(psycopg.Error, match="does not exist") as refused:
            run(roster, TODAY, org_id)  # pyright: ignore[reportArgumentType]
        assert refused.value.sqlstate == "PT404"
    with pytest.raises(psycopg.Error, match="is after today") as refused:
        run(roster, date(2100, 1, 1))
    assert refused.value.sqlstate == "22023"
    assert (roster.history(), roster.log()) == ([], [])


def test_more_mentors_than_a_page_are_all_paused(roster: Roster) -> None:
    """E10: the job lists a thousand mentors at a time."""
    mentors = roster.add_mentors(1001)
    found = run(roster, TODAY)
    assert (found["mentor_ids_paused"], found["processed_count"]) == (mentors, 1001)


def test_another_role_gets_the_missing_right_as_its_error(roster: Roster, cluster: Cluster) -> None:
    """R6: and not the error that the run was not found."""
    roster.db.execute("grant execute on function run_certification_expiry to mentor_pause_job")
    with (
        psycopg.connect(cluster.url(roster.db), autocommit=True) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege) as refused,
    ):
        connection.execute("select * from run_certification_expiry(%s)", (ORG,))
    assert str(refused.value.diag.message_primary) == (
        "role mentor_pause_job may not run the nightly job in the database"
    )
    assert "schedule it as postgres" in str(refused.value.diag.message_detail)
