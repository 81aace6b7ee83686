-- record_portal_certification as it was (20261124000720), confined to the organisations of the job role that asks (20261126000060) and with
-- bounded arguments (20261126000070). It compares
-- keys by private.fold_key, and moves no certification away from a mentor of another organisation (R5).
-- A change that the portal dates ahead is stored as of tomorrow at most, so that later corrections are newer.
-- Locks: the mentor's row, so that two workers who bring certifications of one mentor see each other's. Called by: the portal
-- worker, once per changed certification; repeated calls change nothing. Errors: PT409 the portal's id belongs to
-- another organisation, 22023, 42501 not_your_organisation.

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
set search_path = pg_catalog, pg_temp
set lock_timeout = '3s'
as $$
declare
    v_modified_on constant timestamptz := least(p_modified_on, clock_timestamp() + interval '1 day');
    v_mentor_id uuid;
    v_before date;
    v_renewed boolean;
begin
    perform private.assert_job_org(p_org_id);
    perform private.assert_short('p_portal_key', p_portal_key, 200);
    perform private.assert_between('length of p_portal_id', coalesce(length(p_portal_id), 0), 1, 200);
    perform private.assert_between('p_expires_on', p_expires_on, date '0001-01-01', date '9999-12-31');
    perform private.assert_moment('p_modified_on', coalesce(p_modified_on, 'infinity'));

    select m.id into v_mentor_id from public.peer_mentors as m
    where m.org_id = p_org_id
        and private.fold_key(coalesce(m.portal_key, m.id::text)) = private.fold_key(p_portal_key)
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
        v_mentor_id, p_expires_on, p_portal_id, v_modified_on, case when v_renewed then p_job_run_id end
    )
    on conflict (portal_id) do update set
        mentor_id = excluded.mentor_id,
        expires_on = excluded.expires_on,
        portal_modified_on = excluded.portal_modified_on,
        job_run_id = coalesce(excluded.job_run_id, c.job_run_id)
    where c.portal_modified_on < excluded.portal_modified_on
        and (select m.org_id from public.peer_mentors as m where m.id = c.mentor_id) = p_org_id;
    if found then
        return case when v_renewed then 'renewed' else 'recorded' end;
    elsif exists (
        select from public.certifications as c
        inner join public.peer_mentors as m on m.id = c.mentor_id
        where c.portal_id = p_portal_id and m.org_id <> p_org_id
    ) then
        raise exception 'certification of another organisation' using errcode = 'PT409',
            hint = 'not_your_organisation', detail = 'a mentor of another organisation has the certification of this p_portal_id';
    end if;
    return 'known';
end
$$;
comment on function public.record_portal_certification is
'Stores one certification of the portal, and says whether it renews the mentor''s.';
revoke execute on function public.record_portal_certification from public, anon, authenticated;
grant execute on function public.record_portal_certification to service_role, portal_sync;
