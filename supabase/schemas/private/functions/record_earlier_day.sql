-- Notes that a reading of the portal leaves a mentor with an earlier day of this certification, or without it (G6). It is
-- called before the change. p_mentor_id null: the portal's row belongs to none of our mentors.
-- Called by: private.mirror_certification.

create or replace function private.record_earlier_day(
    p_portal_id text, p_mentor_id uuid, p_expires_on date, p_job_run_id uuid
)
returns void
language sql
security definer
set search_path = pg_catalog, pg_temp
as $$
    insert into public.certification_changes (mentor_id, portal_id, changed_by, job_run_id, from_expires_on, to_expires_on)
    select
        c.mentor_id, c.portal_id, private.caller(), p_job_run_id, private.clamp_day(c.expires_on),
        case when c.mentor_id = p_mentor_id then private.clamp_day(p_expires_on) end
    from public.certifications as c
    where c.portal_id = p_portal_id
        and (c.mentor_id is distinct from p_mentor_id or p_expires_on is null or c.expires_on > p_expires_on)
$$;
comment on function private.record_earlier_day is
'Notes that a reading of the portal leaves a mentor with an earlier day of a certification, or without it.';
revoke execute on function private.record_earlier_day from public, anon, authenticated;
