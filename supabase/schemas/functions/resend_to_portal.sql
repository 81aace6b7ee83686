-- Deletes the records of what the portal holds about these mentors, so that the next sync sends them again (C4, H5). It leaves out
-- mentors of other organisations, and ids of nobody. reset_portal_sync does the same for an operator.
-- Called by: the console, for administrators.
-- Locks: the mentors' rows of the sync state, in id order.
-- Errors: PT403 not_an_administrator, 22023 more than 500 ids.

create or replace function public.resend_to_portal(p_org_id uuid, p_mentor_ids uuid [])
returns integer
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '3s'
as $$
declare
    v_count integer;
begin
    perform private.assert_administrator(p_org_id);
    perform private.assert_array_size('p_mentor_ids', cardinality(p_mentor_ids));
    perform from public.portal_sync_state as s
    inner join public.peer_mentors as m on m.id = s.mentor_id
    where s.mentor_id = any(p_mentor_ids) and m.org_id = p_org_id
    order by s.mentor_id
    for update of s;
    delete from public.portal_sync_state as s
    using public.peer_mentors as m
    where m.id = s.mentor_id and m.org_id = p_org_id and s.mentor_id = any(p_mentor_ids);
    get diagnostics v_count = row_count;
    return v_count;
end
$$;
comment on function public.resend_to_portal is
'Makes the next sync send these mentors to the portal again; returns how many it would not have sent.';
revoke execute on function public.resend_to_portal from public, anon, authenticated, service_role;
grant execute on function public.resend_to_portal to authenticated;
