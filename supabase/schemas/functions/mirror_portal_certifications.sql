-- Brings the mirrored certifications in line with a page of the portal (H1). It compares mentor and day, and
-- not the time of the change, because a row can change twice within a second. It marks the valid rows as seen
-- by the run's reading, and also the rows of p_seen_ids, which exist in the portal but cannot be read. A row
-- that cannot be stored does not affect the other rows (R3).
-- Called by: the portal worker, once per page of the portal. Repeated calls change nothing.
-- Locks: the certifications, and for a moment the mentors of those that differ. If mentors are locked, up to
-- three rows wait one second each; the rows after them do not wait.
-- Errors: 42501 not_your_organisation, 22023 an array is too long.

create or replace function public.mirror_portal_certifications(
    p_org_id uuid,
    p_job_run_id uuid,
    p_portal_ids text [],
    p_portal_keys text [],
    p_expires_ons date [],
    p_modified_ons timestamptz [],
    p_seen_ids text []
)
returns table (portal_ids text [], outcomes text [])
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '1s'
as $$
#variable_conflict use_column
declare
    v_row record;
    v_outcome text;
    v_locked integer := 0;
begin
    portal_ids := '{}';
    outcomes := '{}';
    perform private.assert_job_org(p_org_id);
    perform private.assert_array_size('p_portal_ids', cardinality(p_portal_ids));
    perform private.assert_array_size('p_portal_keys', cardinality(p_portal_keys));
    perform private.assert_array_size('p_expires_ons', cardinality(p_expires_ons));
    perform private.assert_array_size('p_modified_ons', cardinality(p_modified_ons));
    perform private.assert_array_size('p_seen_ids', cardinality(p_seen_ids));
    -- A locked row counts as not seen: at the end the worker asks the portal for it by its id.
    update public.certifications as c set seen_by_run_id = p_job_run_id
    where c.id in (
        select h.id
        from public.certifications as h
        inner join public.peer_mentors as m on m.id = h.mentor_id and m.org_id = p_org_id
        where h.portal_id = any(p_portal_ids || p_seen_ids) and h.seen_by_run_id is distinct from p_job_run_id
        for no key update of h skip locked
    );
    for v_row in
        select n.portal_id, n.expires_on, n.modified_on, m.id as mentor_id, h.org_id as holders_org
        from unnest(p_portal_ids, p_portal_keys, p_expires_ons, p_modified_ons)
            as n (portal_id, portal_key, expires_on, modified_on)
        left join public.peer_mentors as m
            on m.org_id = p_org_id
            and private.fold_key(coalesce(m.portal_key, m.id::text)) = private.fold_key(n.portal_key)
        left join public.certifications as c on c.portal_id = n.portal_id
        left join public.peer_mentors as h on h.id = c.mentor_id
        where (m.id is not null or h.org_id = p_org_id)
            and (c.mentor_id, c.expires_on) is distinct from (m.id, n.expires_on)
        order by m.id, n.portal_id
    loop
        begin
            if v_row.holders_org <> p_org_id then
                raise exception 'the certification belongs to another organisation' using errcode = 'PT409';
            end if;
            v_outcome := private.mirror_certification(
                v_row.mentor_id, v_row.portal_id, v_row.expires_on, v_row.modified_on, p_job_run_id
            );
        exception when others then
            v_outcome := 'failed ' || sqlstate;
            v_locked := v_locked + (sqlstate = '55P03')::integer;
            if v_locked >= 3 then
                perform set_config('lock_timeout', '1', true);
            end if;
        end;
        portal_ids := portal_ids || v_row.portal_id;
        outcomes := outcomes || v_outcome;
    end loop;
    return next;
end
$$;
comment on function public.mirror_portal_certifications is
'Brings certifications in line with the portal; returns one row with the ids that it changed or could not store.';
revoke execute on function public.mirror_portal_certifications from public, anon, authenticated;
grant execute on function public.mirror_portal_certifications to service_role, portal_sync;
