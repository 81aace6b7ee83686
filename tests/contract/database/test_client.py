"""The database client gets the same results over every transport (D4, D7, D8, E4, S2, O1, O3).

The REST transport connects to a small server that speaks PostgREST's documented dialect, over the
same PostgreSQL.
"""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from local.rest_callers import SECRET_KEY
from local.supabase import postgrest
from mentor_pause.database.client import Begun, Database, LostEnd
from mentor_pause.database.pooled import PooledTransport
from mentor_pause.database.rest import RestTransport
from mentor_pause.domain.runs import Run, RunRequest, Trigger
from mentor_pause.domain.summary import Totals
from mentor_pause.errors import Conflict, Forbidden, NotFound, VersionConflict
from support.cluster import Cluster
from support.database_client import pause
from support.roster import ORG, TODAY, TOMORROW, YESTERDAY, Roster


def test_a_change_is_returned_typed(database: Database, roster: Roster) -> None:
    """Each column has a Python type."""
    mentor = roster.add_mentor(YESTERDAY)
    change = database.pause_expired(mentor, ORG, uuid4(), TODAY)
    (row,) = roster.history()
    assert change.model_dump() == {
        "outcome": "changed",
        "previous_status": "active",
        "new_status": "paused",
        "certification_expiry_date": YESTERDAY,
        "version": 2,
        "changed_at": row["changed_at"],
    }


def test_every_outcome_has_its_own_value(database: Database, roster: Roster) -> None:
    """E4, E9."""
    run, mentor = uuid4(), roster.add_mentor()
    assert pause(database, mentor, dry=True) == "would_change"
    assert pause(database, mentor, run) == "changed"
    assert pause(database, mentor, run) == "replayed"
    assert pause(database, mentor) == "not_active"
    assert pause(database, roster.add_mentor(TOMORROW)) == "not_expired"


def test_pages_of_mentors(database: Database, roster: Roster) -> None:
    """D7: from the first mentor, and after a given mentor."""
    mentors = roster.add_mentors(7)
    sync = Run(Trigger("hlf_sync", ORG, "manual", "t", "x"), TODAY)
    first = database.list_mentors(sync, None, 5)
    rest = database.list_mentors(sync, first[-1], 5)
    assert [*first, *rest] == mentors
    assert database.list_mentors(sync, mentors[-1], 5) == []


def test_scope_and_monitoring_query(database: Database, roster: Roster) -> None:
    """D8, O1: one returns a row, the other a scalar."""
    roster.add_mentors(3)
    scope = database.assert_org_scope(ORG, "hlf")
    assert (scope.org_id, scope.slug, scope.time_zone) == (ORG, "hlf", "Europe/Oslo")
    assert database.count_stale_active_mentors(ORG, scope.today) == 3


def test_a_run_from_its_row_to_its_end(database: Database, roster: Roster) -> None:
    """D4, E8, E11."""
    attempt = RunRequest("certification_expiry", ORG, "manual", "t-1", "somebody")
    run, mentor = attempt.job_run_id, roster.add_mentor()
    roster.add_coordinator(mentors=[mentor])
    database.begin_execution(attempt, "running", as_of=TODAY)
    assert pause(database, mentor, run) == "changed"
    waiting, stranger = roster.add_mentor(), uuid4()
    found = database.list_run_outcomes(ORG, run, TODAY, [mentor, waiting, stranger])
    assert found == {mentor: "applied", stranger: "skipped"}
    assert database.notify_coordinators(run) == 1
    for _ in range(2):
        database.finish_execution(Totals(run, "paused", 1), "completed", None)
    (row,) = database.list_executions(ORG, 10)
    assert (row.status, row.processed_count, row.paused_count) == ("completed", 1, 1)
    assert (row.job_run_id, row.as_of, row.trigger, row.error) == (run, TODAY, "manual", None)


def test_a_run_is_notified_in_pages(database: Database, roster: Roster) -> None:
    """E11: the last mentor of a page is the place of the next one; None is the end."""
    run, mentors = uuid4(), roster.add_mentors(3)
    roster.add_coordinator(mentors=mentors)
    for mentor in mentors:
        pause(database, mentor, run)
    assert database.notify_page(run, None, 2) == mentors[1]
    assert database.notify_page(run, mentors[1], 2) is None
    assert database.notify_page(run, mentors[1], 1) == mentors[2]
    assert database.notify_page(run, mentors[2], 1) is None
    (row,) = roster.rows("select mentor_ids from coordinator_notifications")
    assert row["mentor_ids"] == mentors


def test_a_mentors_portal_state_can_be_reset(database: Database, roster: Roster) -> None:
    """H5: only for mentors of this organisation, and only by services."""
    mentor = roster.add_mentor()
    roster.db.execute("insert into portal_sync_state values (%s, 1)", (mentor,))
    roster.db.execute("grant execute on function reset_portal_sync to mentor_pause_job")
    with pytest.raises(NotFound):
        database.reset_portal_sync(uuid4(), mentor)
    assert len(roster.rows("select from portal_sync_state")) == 1
    for _ in range(2):
        database.reset_portal_sync(ORG, mentor)
    assert roster.rows("select from portal_sync_state") == []


def test_a_run_request_without_organisation_is_logged(database: Database, roster: Roster) -> None:
    """D4: also when the settings are wrong."""
    database.begin_execution(RunRequest("?", None, "manual", "t", "x"), "failed", error="no job")
    (row,) = database.list_executions(ORG, 10)
    assert (row.org_id, row.status, row.error) == (None, "failed", "no job")


def test_a_refusal_keeps_its_code_and_detail(database: Database, roster: Roster) -> None:
    """PT404 and PT409 have their own error classes."""
    with pytest.raises(NotFound) as missing:
        pause(database, uuid4())
    assert (missing.value.sqlstate, str(missing.value)) == ("PT404", "mentor not found")
    with pytest.raises(Conflict) as conflict:
        database.assert_org_scope(ORG, "other")
    assert conflict.value.detail == "expected other, actual hlf"


@pytest.fixture(params=["pooled", "rest"])
def service(request: pytest.FixtureRequest, roster: Roster, cluster: Cluster) -> Iterator[Database]:
    """The client of a service, which may make every change, over each transport."""
    with postgrest(cluster.server.url(str(roster.db.info.dbname))) as url:
        transport = (
            PooledTransport(cluster.url_as(roster.db, "service_role"))
            if request.param == "pooled"
            else RestTransport(url, SECRET_KEY)
        )
        with closing(transport):
            yield Database(transport)


def test_a_status_is_read_and_changed_by_hand(service: Database, roster: Roster) -> None:
    """S2, S3."""
    mentor = roster.add_mentor(YESTERDAY)
    seen = service.get_mentor_status(mentor, ORG)
    assert (seen.status, seen.version, seen.certification_expiry_date) == ("active", 1, YESTERDAY)
    change = service.change_status(mentor, ORG, "paused", "on_leave", seen.version)
    assert (change.outcome, change.version) == ("changed", 2)
    with pytest.raises(VersionConflict) as faster:
        service.change_status(mentor, ORG, "inactive", "moved_away", seen.version)
    assert (faster.value.hint, faster.value.detail) == (
        "version_conflict", "expected version 1, actual 2",
    )  # fmt: skip
    with pytest.raises(NotFound):
        service.get_mentor_status(uuid4(), ORG)


def test_the_monitors_queries_are_typed(database: Database, roster: Roster) -> None:
    """O1: days by the organisation's clock, moments with their zone, and no run at first."""
    late = datetime(2026, 2, 28, 23, 30, tzinfo=UTC)
    assert database.get_org_day(ORG, late) == TODAY
    assert database.get_org_day(ORG, late - timedelta(hours=1)) == YESTERDAY
    with pytest.raises(NotFound):
        database.get_org_day(uuid4(), late)
    found = database.get_run_freshness(ORG, "certification_expiry")
    assert (found.last_finished_at, found.last_as_of) == (None, None)
    attempt = RunRequest("certification_expiry", ORG, "schedule", "t-1", "rule")
    begun = database.begin_execution(attempt, "running", as_of=TODAY)
    assert begun == Begun(status="running", as_of=TODAY)
    assert database.list_running_executions(ORG, 1, 5) == []
    database.finish_execution(Totals(attempt.job_run_id, "paused"), "completed", None)
    again = database.begin_execution(attempt, "running", as_of=TOMORROW)
    assert again == Begun(status="completed", as_of=TODAY)
    found = database.get_run_freshness(ORG, "certification_expiry", TODAY, late)
    assert (found.last_as_of, found.night_error_count) == (TODAY, 0)
    assert 0 <= (found.hours_since_completed_run or -1) < 1
    missed = database.get_run_freshness(ORG, "certification_expiry", TOMORROW, late)
    assert missed.night_error_count is None
    assert database.count_active_uncertified(ORG) == 0
    with pytest.raises(NotFound):
        database.end_lost_execution(ORG, uuid4(), "lost")
    ended = database.end_lost_execution(ORG, attempt.job_run_id, "lost")
    assert ended == LostEnd(has_ended=False, effect_count=0, error_count=0)
    assert found.last_finished_at is not None
    assert found.last_finished_at.tzinfo is not None


def test_the_http_entrys_queries_are_typed(service: Database, roster: Roster) -> None:
    """O3: a stranger has no role, and an unknown run has no row."""
    coordinator = roster.add_coordinator()
    assert service.get_member_role(ORG, coordinator) == "coordinator"
    assert service.get_member_role(ORG, uuid4()) is None
    first = uuid4()
    attempt = RunRequest("certification_expiry", ORG, "manual", "t-1", "somebody", redrive_of=first)
    assert service.get_execution(ORG, attempt.job_run_id) is None
    service.begin_execution(attempt, "refused", error="in the way")
    refused = service.get_execution(ORG, attempt.job_run_id)
    assert refused is not None
    assert (refused.status, refused.redrive_of) == ("refused", first)
    service.begin_execution(attempt, "running", as_of=TODAY)
    service.begin_execution(attempt, "duplicate", error="again")
    found = service.get_execution(ORG, attempt.job_run_id)
    assert found is not None
    assert (found.status, found.as_of) == ("running", TODAY), "the row that tells its story"
    assert service.get_execution(uuid4(), attempt.job_run_id) is None


def test_the_jobs_credential_can_only_pause(roster: Roster, cluster: Cluster) -> None:
    """S3: a stolen one makes no mentor active."""
    mentor = roster.add_mentor(status="paused")
    with (
        closing(PooledTransport(cluster.url(roster.db))) as transport,
        pytest.raises(Forbidden) as raised,
    ):
        Database(transport).change_status(mentor, ORG, "active", "on_leave")
    assert raised.value.hint == "reserved_for_the_job"
