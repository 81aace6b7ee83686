"""A job role acts only for its own organisation, and its answers reveal little (R5, S4)."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, LiteralString
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql

from support.cluster import Cluster
from support.roster import ORG, TODAY, TOMORROW, YESTERDAY, Roster

OTHER = UUID("0f0e0d0c-0b0a-4908-8706-0504030201ff")
PAUSE = (
    "select outcome from update_mentor_status(%s, %s, 'paused', 'certification_expired', %s, %s)"
)
REFUSED = (
    "select execution_id"
    " from begin_execution('certification_expiry', %s, %s, 'manual', %s, 'refused')"
)


@pytest.fixture
def others_mentor(roster: Roster) -> UUID:
    """An expired mentor of a second organisation in the same database."""
    mentor = uuid4()
    roster.db.execute("insert into organisations (id, slug) values (%s, 'other')", (OTHER,))
    roster.db.execute("insert into peer_mentors (id, org_id) values (%s, %s)", (mentor, OTHER))
    roster.certify(mentor, YESTERDAY)
    return mentor


@contextmanager
def login_role(roster: Roster, cluster: Cluster, inherits: LiteralString) -> Generator[str]:
    """A login role that an operator has created, and that inherits other roles."""
    roster.db.execute(
        sql.SQL("create role second_stage login inherit password 'made-up' in role {}").format(
            sql.SQL(inherits)
        )
    )
    cluster.passwords["second_stage"] = "made-up"
    try:
        yield "second_stage"
    finally:
        roster.db.execute("drop owned by second_stage")
        roster.db.execute("drop role second_stage")
        del cluster.passwords["second_stage"]


def refusal(
    connection: psycopg.Connection, query: LiteralString, *values: object
) -> tuple[Any, Any]:
    """Return SQLSTATE and hint of a refused query."""
    with pytest.raises(psycopg.Error) as raised:
        connection.execute(query, values)
    return raised.value.sqlstate, raised.value.diag.message_hint


NOT_YOURS = ("42501", "not_your_organisation")


def test_the_first_organisation_is_given_to_the_job_roles(
    roster: Roster, others_mentor: UUID
) -> None:
    """R5: one organisation needs no setup. A second one is not added by itself."""
    rows = roster.rows("select role_name, org_id from private.job_organisations order by 1")
    assert [(row["role_name"], row["org_id"]) for row in rows] == [
        (role, ORG)
        for role in ("mentor_pause_api", "mentor_pause_job", "mentor_pause_notifier", "portal_sync")
    ]


def test_of_several_organisations_that_come_at_once_none_is_given(db: psycopg.Connection) -> None:
    """R5: the operator decides, also when another organisation is added later."""
    db.execute("insert into organisations (slug) values ('one-of'), ('two')")
    db.execute("insert into organisations (slug) values ('three')")
    assert db.execute("select from private.job_organisations").fetchall() == []


def test_a_login_that_inherits_the_job_acts_for_its_own_organisation_only(
    roster: Roster, cluster: Cluster, others_mentor: UUID
) -> None:
    """R5: also after `set role`, where several stages and organisations share a database."""
    mine = roster.add_mentor()
    with (
        login_role(roster, cluster, "mentor_pause_job") as role,
        psycopg.connect(cluster.url(roster.db, role), autocommit=True) as connection,
    ):
        asked = (others_mentor, OTHER, uuid4(), TODAY)
        assert refusal(connection, PAUSE, *asked) == NOT_YOURS
        roster.db.execute("insert into private.job_organisations values (%s, %s)", (role, OTHER))
        assert connection.execute(PAUSE, asked).fetchone() == ("changed",)
        for set_role in ("reset role", "set role mentor_pause_job"):
            connection.execute(set_role)
            assert refusal(connection, PAUSE, mine, ORG, uuid4(), TODAY) == NOT_YOURS
    assert [row["mentor_id"] for row in roster.history()] == [others_mentor]
    assert roster.history()[0]["changed_by_role"] == "job"


@pytest.mark.parametrize("inherits", ["mentor_pause_job", "mentor_pause_job, authenticated"])
def test_claims_that_a_login_sets_itself_do_not_count(
    roster: Roster, cluster: Cluster, inherits: LiteralString
) -> None:
    """S4: claims count only after PostgREST has switched to the role `authenticated`."""
    mentor = roster.add_mentor(TOMORROW)
    coordinator = roster.add_coordinator(mentors=[mentor])
    with login_role(roster, cluster, inherits) as role:
        roster.db.execute("insert into private.job_organisations values (%s, %s)", (role, ORG))
        with psycopg.connect(cluster.url(roster.db, role), autocommit=True) as connection:
            connection.execute(
                "select set_config('request.jwt.claims', jsonb_build_object('sub', %s::text)::text,"
                " false)",
                (coordinator,),
            )
            call = "select * from update_mentor_status(%s, %s, 'paused', 'on_leave')"
            assert refusal(connection, call, mentor, ORG) == ("PT403", "reserved_for_the_job")
            if "authenticated" in inherits:
                for table in ("organisations", "peer_mentors", "org_members", "chapters"):
                    seen = sql.SQL("select from public.{}").format(sql.Identifier(table))
                    assert connection.execute(seen).fetchall() == []
    assert roster.history() == []


def test_a_role_that_the_functions_do_not_name_may_do_nothing(
    roster: Roster, cluster: Cluster
) -> None:
    """S4: whatever rights it was granted."""
    mentor = roster.add_mentor()
    with login_role(roster, cluster, "pg_monitor") as role:
        roster.db.execute("grant usage on schema public to second_stage")
        roster.db.execute("grant execute on all functions in schema public to second_stage")
        with psycopg.connect(cluster.url(roster.db, role), autocommit=True) as connection:
            assert refusal(connection, PAUSE, mentor, ORG, uuid4(), TODAY) == NOT_YOURS
            seen = "select * from get_mentor_status(%s, %s)"
            assert refusal(connection, seen, mentor, ORG) == ("PT403", "not_yours")
            (code, _) = refusal(connection, "select * from run_certification_expiry(%s)", ORG)
            assert code == "42501"
    assert roster.history() == []


def test_a_job_role_cannot_touch_a_run_of_another_organisation(
    roster: Roster, cluster: Cluster, others_mentor: UUID
) -> None:
    """R5: by any function that takes a run's id."""
    run = uuid4()
    roster.db.execute(
        "select from begin_execution('hlf_sync', %s, %s, 'schedule', 'event', 'running')",
        (run, OTHER),
    )
    calls: tuple[LiteralString, ...] = (
        "select * from finish_execution(%s, 'completed', 0, 0, 0, 0)",
        "select notify_coordinators(%s)",
        "select notify_coordinators_page(%s, null, 10)",
        "select count_run_renewals(%s)",
        "select count_unsynced_since_run(%s)",
        "select report_late_changes(%s)",
    )
    for role in ("mentor_pause_job", "portal_sync"):
        with psycopg.connect(cluster.url(roster.db, role), autocommit=True) as connection:
            assert {refusal(connection, call, run) for call in calls} == {NOT_YOURS}
    assert [row["status"] for row in roster.log()] == ["running"]


def test_a_job_role_notifies_nobody_of_another_organisation(
    roster: Roster, cluster: Cluster, others_mentor: UUID
) -> None:
    """R5: also of a run that has no row, which names no organisation."""
    run = uuid4()
    roster.rows(PAUSE, others_mentor, OTHER, run, TODAY)
    with psycopg.connect(cluster.url(roster.db, "mentor_pause_job"), autocommit=True) as job:
        job.execute("select notify_coordinators(%s)", (run,))
    assert roster.rows("select * from messages") == []
    roster.rows("select notify_coordinators(%s)", run)
    assert [row["person_id"] for row in roster.rows("select * from messages")] == [others_mentor]


def test_a_job_gives_no_reason_of_a_persons_own(roster: Roster, cluster: Cluster) -> None:
    """S3: it only pauses expired mentors, and withdraws such pauses."""
    mentor = roster.add_mentor(TOMORROW)
    call = "select * from update_mentor_status(%s, %s, 'paused', 'on_leave')"
    with psycopg.connect(cluster.url(roster.db, "mentor_pause_job"), autocommit=True) as job:
        assert refusal(job, call, mentor, ORG) == ("PT403", "reserved_for_the_job")
    assert roster.status(mentor) == "active"


def test_a_certification_is_not_moved_to_another_organisations_mentor(
    roster: Roster, cluster: Cluster, others_mentor: UUID
) -> None:
    """R5: not even by the portal id of that mentor's row."""
    mine = roster.add_mentor()
    record = (
        "select outcomes from mirror_portal_certifications(%s, gen_random_uuid(), array['row-1'],"
        " array[%s], array[%s::date], array[now()], '{}')"
    )
    roster.db.execute(record, (OTHER, str(others_mentor), TOMORROW))
    with psycopg.connect(cluster.url(roster.db, "portal_sync"), autocommit=True) as connection:
        found = connection.execute(record, (ORG, str(mine), TOMORROW)).fetchall()
        assert found == [(["failed PT409"],)]
        # Within the organisation, the certification follows the portal's row.
        again = roster.add_mentor()
        for mentor in (mine, again):
            connection.execute(record.replace("row-1", "row-2"), (ORG, str(mentor), TOMORROW))
    held = roster.rows("select portal_id, mentor_id from certifications where portal_id <> ''")
    assert {row["portal_id"]: row["mentor_id"] for row in held} == {
        "row-1": others_mentor, "row-2": again,
    }  # fmt: skip


def test_the_http_entry_can_record_only_which_caller_it_refused(
    roster: Roster, cluster: Cluster
) -> None:
    """R5: at most one row a minute per caller, and sixty a minute in all."""
    with psycopg.connect(cluster.url(roster.db, "mentor_pause_api"), autocommit=True) as connection:
        for said in ("somebody", "user 1", f"user {ORG} and more", "machine\n", "MACHINE"):
            assert refusal(connection, REFUSED, uuid4(), ORG, said)[0] == "PT403"
        for _ in range(3):
            connection.execute(REFUSED, (uuid4(), ORG, f"user {ORG}"))
        assert len(roster.log()) == 1
        for _ in range(100):
            connection.execute(REFUSED, (uuid4(), ORG, f"user {uuid4()}"))
    assert len(roster.log()) == 60


@pytest.mark.parametrize(
    "role", ["mentor_pause_job", "portal_sync", "mentor_pause_api", "mentor_pause_notifier"]
)
def test_an_idle_transaction_of_a_job_role_ends_by_itself(
    roster: Roster, cluster: Cluster, role: str
) -> None:
    """R5: a caller that disappeared keeps no row locked."""
    with psycopg.connect(cluster.url(roster.db, role), autocommit=True) as connection:
        settings = {
            name: connection.execute(sql.SQL("show {}").format(sql.SQL(name))).fetchone()
            for name in (
                "statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout",
            )
        }  # fmt: skip
    assert settings == {
        "statement_timeout": ("8s",),
        "lock_timeout": ("3s",),
        "idle_in_transaction_session_timeout": ("10s",),
    }


@pytest.mark.parametrize("role", ["mentor_pause_job", "portal_sync"])
def test_a_job_role_can_neither_read_a_table_nor_become_another_role(
    roster: Roster, cluster: Cluster, role: str
) -> None:
    """D9: it can only call functions, as itself."""
    with psycopg.connect(cluster.url(roster.db, role), autocommit=True) as connection:
        for statement in (
            "select from peer_mentors",
            "update peer_mentors set status = 'active'",
            "select from peer_mentor_status_history",
            "set role service_role",
            "set role postgres",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)
