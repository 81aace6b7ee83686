"""Every check and every unique index refuses what it is there for (R5)."""

from uuid import UUID

import psycopg
import pytest

from support.brake import Brake
from support.outbox import Outbox
from support.roster import ORG, Roster

REFUSED = {
    "digests_state_check": "update digests set state = 'pending'",
    "member_contacts_display_name_check": "update member_contacts set display_name = ''",
    "member_contacts_email_check": "update member_contacts set email = repeat('e', 321)",
    "member_contacts_language_check": "update member_contacts set language = 'nn'",
    "mentor_contacts_display_name_check": (
        "update mentor_contacts set display_name = repeat('x', 201)"
    ),
    "mentor_contacts_email_check": "update mentor_contacts set email = repeat('e', 321)",
    "mentor_contacts_language_check": "update mentor_contacts set language = 'nn'",
    "messages_audience_check": "update messages set audience = 'job'",
    "messages_kind_check": "update messages set kind = 'news'",
    "messages_mentor_ids_check": "update messages set mentor_ids = '{}'",
    "messages_state_check": "update messages set state = 'lost'",
    "org_members_role_check": "update org_members set role = 'mentor'",
    "organisation_settings_brake_count_check": "update organisation_settings set brake_count = -1",
    "organisation_settings_brake_mode_check": (
        "update organisation_settings set brake_mode = 'stop'"
    ),
    "organisation_settings_brake_percent_check": (
        "update organisation_settings set brake_percent = 100.01"
    ),
    "organisation_settings_warning_days_check": (
        "update organisation_settings set warning_days = '{0}'"
    ),
    "organisations_slug_check": "update organisations set slug = 'HLF'",
    "organisations_time_zone_check": "update organisations set time_zone = 'Oslo'",
    "peer_mentor_status_history_person_check": (
        "insert into peer_mentor_status_history (mentor_id, org_id, previous_status, new_status,"
        " reason, changed_at, changed_by_role, changed_by) values (%(mentor)s, %(org)s, 'active',"
        " 'paused', 'on_leave', now(), 'service', %(mentor)s)"
    ),
    "peer_mentor_status_history_reserved_check": (
        "insert into peer_mentor_status_history (mentor_id, org_id, previous_status, new_status,"
        " reason, changed_at, changed_by_role) values (%(mentor)s, %(org)s, 'active', 'paused',"
        " 'certification_expired', now(), 'service')"
    ),
    "peer_mentor_status_history_role_check": (
        "insert into peer_mentor_status_history (mentor_id, org_id, previous_status, new_status,"
        " reason, changed_at, changed_by_role) values (%(mentor)s, %(org)s, 'active', 'paused',"
        " 'on_leave', now(), 'nobody')"
    ),
    "peer_mentors_portal_key_check": "update peer_mentors set portal_key = ''",
    "peer_mentors_status_check": "update peer_mentors set status = 'retired'",
    "plan_mentors_action_check": "update plan_mentors set action = 'resume'",
    "plan_mentors_why_check": "update plan_mentors set why = 'unknown'",
    "scheduler_execution_log_check": (
        "insert into scheduler_execution_log (job_name, job_run_id, org_id, trigger, triggered_by,"
        " status) values ('hlf_sync', gen_random_uuid(), %(org)s, 'manual', 'eva', 'completed')"
    ),
    "scheduler_execution_log_status_check": (
        "insert into scheduler_execution_log (job_name, job_run_id, org_id, trigger, triggered_by,"
        " status, finished_at) values ('hlf_sync', gen_random_uuid(), %(org)s, 'manual', 'eva',"
        " 'lost', now())"
    ),
    "scheduler_execution_log_trigger_check": (
        "insert into scheduler_execution_log (job_name, job_run_id, org_id, trigger, triggered_by,"
        " status) values ('hlf_sync', gen_random_uuid(), %(org)s, 'clock', 'eva', 'running')"
    ),
    "warnings_stage_check": "update warnings set stage = 366",
    "assignments_mentor_id_coordinator_id_key": (
        "insert into assignments (mentor_id, coordinator_id)"
        " select mentor_id, coordinator_id from assignments limit 1"
    ),
    "certifications_portal_id_idx": "update certifications set portal_id = 'c-1'",
    "digests_person_day_idx": (
        "insert into digests (id, org_id, person_id, day, state, address_hash)"
        " select gen_random_uuid(), org_id, person_id, day, 'sent', 'x' from digests limit 1"
    ),
    "messages_job_run_id_idx": (
        "insert into messages (org_id, audience, person_id, kind, mentor_ids, job_run_id)"
        " select org_id, audience, person_id, kind, mentor_ids, job_run_id from messages"
        " where job_run_id is not null limit 1"
    ),
    "organisations_slug_key": (
        "insert into organisations (id, slug) values (gen_random_uuid(), 'hlf')"
    ),
    "peer_mentor_status_history_run_idx": (
        "insert into peer_mentor_status_history (mentor_id, org_id, previous_status, new_status,"
        " reason, changed_at, changed_by_role, job_run_id) select mentor_id, org_id, 'active',"
        " 'paused', 'certification_expired', now(), 'job', job_run_id"
        " from peer_mentor_status_history limit 1"
    ),
    "peer_mentors_portal_key_idx": "update peer_mentors set portal_key = 'key-1'",
    "scheduler_execution_log_run_idx": (
        "insert into scheduler_execution_log (job_name, job_run_id, org_id, trigger, triggered_by,"
        " status) select job_name, job_run_id, org_id, trigger, triggered_by, 'running'"
        " from scheduler_execution_log limit 1"
    ),
}
"""A statement that each of them refuses, by its name."""

NAMES = """
    select conname from pg_constraint
    where contype = 'c' and connamespace = 'public'::regnamespace and conrelid <> 0
    union all
    select c.relname from pg_index as i inner join pg_class as c on c.oid = i.indexrelid
    where i.indisunique and not i.indisprimary and c.relnamespace = 'public'::regnamespace
    order by 1
"""


@pytest.fixture
def filled(roster: Roster) -> tuple[Roster, UUID]:
    """A roster with a row in each table that has a constraint, and one of its mentors."""
    outbox, brake = Outbox(roster), Brake(roster)
    first, second = outbox.add_mentor(), outbox.add_mentor()
    outbox.add_coordinator(first, second)
    outbox.warn()
    brake.set("watch")
    run = brake.begin(day=outbox.today)
    outbox.pause_in(run, first)
    roster.add_mentors(1)
    brake.plan(run)
    outbox.send_all()
    return roster, first


def test_every_constraint_has_a_statement_that_it_refuses(roster: Roster) -> None:
    """A new one needs a new row."""
    assert [name for (name,) in roster.db.execute(NAMES).fetchall()] == sorted(REFUSED)


def test_every_constraint_refuses(filled: tuple[Roster, UUID]) -> None:
    """R5: 23514 or 23505, from the constraint that the statement is about."""
    roster, mentor = filled
    refusals = {name: refusal(roster, query, mentor) for name, query in REFUSED.items()}
    assert refusals == {name: name for name in REFUSED}


def refusal(roster: Roster, query: str, mentor: UUID) -> str | None:
    """Return the name of the constraint that refuses a statement."""
    try:
        with roster.db.transaction(force_rollback=True):
            roster.db.execute(query.encode(), {"org": ORG, "mentor": mentor})
    except psycopg.errors.IntegrityError as error:
        return error.diag.constraint_name
    return None
