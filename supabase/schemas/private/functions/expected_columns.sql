-- The columns on which our functions rely, for the self-check of a project that maps its own tables (R6).
-- may_be_view: the table may be a view of another table, because no foreign key refers to it and only the
-- portal sync writes to it.
-- Called by: private.check_tables, private.check_rights, private.check_adopted, private.check_triggers.

create or replace function private.expected_columns()
returns table (table_name text, may_be_view boolean, column_name text, column_type text)
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
    select t.table_name, t.may_be_view, c.column_name, c.column_type
    from (values
        ('organisations', false, '{id,uuid,slug,text,time_zone,text}'::text []),
        ('chapters', false, '{id,uuid,org_id,uuid,name,text}'),
        ('org_members', false, '{org_id,uuid,user_id,uuid,role,text}'),
        ('coordinator_chapters', true, '{coordinator_id,uuid,chapter_id,uuid}'),
        ('peer_mentors', false, '{id,uuid,org_id,uuid,chapter_id,uuid,user_id,uuid,portal_key,text,status,text,version,integer,
            status_changed_at,timestamp with time zone}'),
        ('assignments', true, '{mentor_id,uuid,coordinator_id,uuid,ended_at,timestamp with time zone}'),
        ('certifications', true, '{id,uuid,mentor_id,uuid,expires_on,date,portal_id,text,
            portal_modified_on,timestamp with time zone,seen_by_run_id,uuid,job_run_id,uuid}'),
        ('peer_mentor_status_history', false, '{id,bigint,mentor_id,uuid,org_id,uuid,previous_status,text,new_status,text,
            reason,text,certification_expiry_date,date,job_run_id,uuid,changed_at,timestamp with time zone,
            changed_by,uuid,changed_by_role,text,plan_hash,text,approved_by,text,approved_at,timestamp with time zone,
            approval_note,text}'),
        ('scheduler_execution_log', false, '{id,bigint,job_name,text,job_run_id,uuid,org_id,uuid,trigger,text,
            triggered_by,text,as_of,date,dry_run,boolean,status,text,started_at,timestamp with time zone,
            finished_at,timestamp with time zone,processed_count,integer,paused_count,integer,skipped_count,integer,
            error_count,integer,error,text,synced_count,integer,renewed_count,integer,redrive_of,uuid,
            resumed_count,integer,unforeseen_count,integer,held_count,integer,plan_of,uuid,plan_hash,text,approved_by,text,
            approved_at,timestamp with time zone,approval_note,text,withdraws,uuid}'),
        ('messages', false, '{id,bigint,org_id,uuid,audience,text,person_id,uuid,kind,text,mentor_ids,uuid[],job_run_id,uuid,
            reminder,smallint,expires_on,date,created_at,timestamp with time zone,read_at,timestamp with time zone,state,text,
            due_at,timestamp with time zone,expected_at,timestamp with time zone,announced_count,integer,sending_count,integer,
            refusal,text,digest_id,uuid}'),
        ('digests', false, '{id,uuid,org_id,uuid,person_id,uuid,day,date,state,text,address_hash,text,
            provider_message_id,text,reason,text,began_at,timestamp with time zone,changed_at,timestamp with time zone,is_urgent,boolean}'),
        ('plans', false, '{job_run_id,uuid,org_id,uuid,as_of,date,dry_run,boolean,rule,text,cursor,uuid,
            made_at,timestamp with time zone,brake_mode,text,brake_count,integer,brake_percent,"numeric(5,2)",
            active_count,integer,planned_count,integer,unforeseen_count,integer,held_count,integer,brake_acts,boolean,
            plan_hash,text}'),
        ('plan_mentors', false, '{job_run_id,uuid,mentor_id,uuid,version,integer,expires_on,date,action,text,why,text}'),
        ('plan_approvals', false, '{job_run_id,uuid,org_id,uuid,plan_hash,text,approved_by,text,
            approved_at,timestamp with time zone,note,text}'),
        ('certification_changes', false, '{id,bigint,mentor_id,uuid,portal_id,text,changed_at,timestamp with time zone,
            changed_by,text,job_run_id,uuid,from_expires_on,date,to_expires_on,date}'),
        ('warnings', false, '{mentor_id,uuid,expires_on,date,stage,integer,warned_on,date,
            created_at,timestamp with time zone}'),
        ('mentor_contacts', true, '{mentor_id,uuid,display_name,text,email,text,language,text}'),
        ('organisation_settings', false, '{org_id,uuid,warning_days,integer[],brake_mode,text,brake_count,integer,brake_percent,"numeric(5,2)"}'),
        ('member_contacts', true, '{org_id,uuid,user_id,uuid,display_name,text,email,text,language,text}'),
        ('portal_sync_state', false, '{mentor_id,uuid,synced_version,integer,synced_at,timestamp with time zone,
            job_run_id,uuid,effective_on,date}'),
        ('portal_watermarks', false, '{org_id,uuid,watermark,timestamp with time zone,job_run_id,uuid}')
    ) as t (table_name, may_be_view, names_and_types),
        lateral (
            select t.names_and_types[n] as column_name, t.names_and_types[n + 1] as column_type
            from generate_series(1, cardinality(t.names_and_types), 2) as n
        ) as c
$$;
comment on function private.expected_columns is 'The tables and columns on which the functions rely, with their types.';
revoke execute on function private.expected_columns from public, anon, authenticated;
