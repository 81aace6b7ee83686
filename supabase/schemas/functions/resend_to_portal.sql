-- Deletes the records of what the portal holds about the mentors who differed at the last measurement, so that the next sync sends
-- them again (C4, H5). record_portal_drift stores 1000 of them at most. reset_portal_sync does the same for an operator.
-- Called by: the console, for administrators.
-- Locks: the mentors' rows of the sync state, in id order.
-- Errors: PT403 not_an_administrator.

create or replace function public.resend_to_portal(p_org_id uuid)
returns integer
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '3s'
as $$
declare
    v_differing uuid [];
    v_count integer;
begin
    perform private.assert_administrator(p_org_id);
    v_differing := array(
        select m.id
        from public.portal_differences as d
        cross join lateral jsonb_to_recordset(d.differences) as x (mentor_id uuid)
        inner join public.peer_mentors as m on m.id = x.mentor_id and m.org_id = d.org_id
        where d.org_id = p_org_id
    );
    perform from public.portal_sync_state as s
    where s.mentor_id = any(v_differing)
    order by s.mentor_id
    for update;
    delete from public.portal_sync_state as s where s.mentor_id = any(v_differing);
    get diagnostics v_count = row_count;
    return v_count;
end
$$;
comment on function public.resend_to_portal is
'Makes the next sync send the mentors who differ to the portal again; returns how many it would not have sent.';
revoke execute on function public.resend_to_portal from public, anon, authenticated, service_role;
grant execute on function public.resend_to_portal to authenticated;
