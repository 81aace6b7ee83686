-- Stores a certification as the portal has it (H1). It un-pauses nobody: the coordinators are told of a
-- renewal, and decide.
-- Locks: the mentor's row, so that two workers who bring certifications of one mentor see each other's.
-- Called by: the portal worker, once per changed certification; repeated calls change nothing.
--
--   renewed          the mentor is certified for longer than before
--   recorded         stored, and that was not longer: a correction, one of several, or the same again
--   known            this change, or a later one, is stored already
--   unknown_mentor   nobody here has that key

create function public.record_portal_certification(
    p_org_id uuid,
    p_portal_key text,
    p_portal_id text,
    p_expires_on date,
    p_modified_on timestamptz,
    p_job_run_id uuid
)
returns text
language plpgsql
security definer
set search_path = ''
set lock_timeout = '3s'
as $$
declare
    v_mentor_id pg_catalog.uuid;
    v_before pg_catalog.date;
    v_renewed boolean;
begin
    select m.id into v_mentor_id from public.peer_mentors as m
    where m.org_id = p_org_id and coalesce(m.portal_key, m.id::pg_catalog.text) = p_portal_key
    for no key update;
    if not found then
        return 'unknown_mentor';
    end if;

    select max(c.expires_on) into v_before
    from public.certifications as c where c.mentor_id = v_mentor_id;
    v_renewed := p_expires_on > coalesce(v_before, '-infinity');

    insert into public.certifications as c (
        mentor_id, expires_on, portal_id, portal_modified_on, job_run_id
    ) values (
        v_mentor_id, p_expires_on, p_portal_id, p_modified_on, case when v_renewed then p_job_run_id end
    )
    on conflict (portal_id) do update set
        mentor_id = excluded.mentor_id,
        expires_on = excluded.expires_on,
        portal_modified_on = excluded.portal_modified_on,
        job_run_id = coalesce(excluded.job_run_id, c.job_run_id)
    where c.portal_modified_on < excluded.portal_modified_on;
    if not found then
        return 'known';
    end if;
    return case when v_renewed then 'renewed' else 'recorded' end;
end
$$;
comment on function public.record_portal_certification is
'Stores one certification of the portal, and says whether it renews the mentor''s.';
revoke execute on function public.record_portal_certification from public, anon, authenticated;
grant execute on function public.record_portal_certification to service_role, portal_sync;
