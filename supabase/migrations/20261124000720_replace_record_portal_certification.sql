-- record_portal_certification as it was (20261122020600), comparing keys as Dataverse does.
-- Locks: the mentor's row, so that two workers who bring certifications of one mentor see each other's.
-- Called by: the portal worker, once per changed certification; repeated calls change nothing.

create or replace function public.record_portal_certification(
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
    where m.org_id = p_org_id and lower(coalesce(m.portal_key, m.id::pg_catalog.text)) = lower(p_portal_key)
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
