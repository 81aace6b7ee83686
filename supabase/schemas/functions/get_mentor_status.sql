-- One mentor's status and version (S2), to be read before a change.
-- Called by: the app, for people who may see the mentor; the command line, for services.
-- Errors: PT403 the mentor is not the caller's, also if there is no such mentor; PT404 for services.

create or replace function public.get_mentor_status(p_mentor_id uuid, p_org_id uuid)
returns table (
    mentor_id uuid,
    status text,
    version integer,
    status_changed_at timestamptz,
    certification_expiry_date date
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    -- Checked before the row is read, so that a caller without the right cannot tell whether it exists.
    if private.may_change(p_mentor_id) or p_org_id in (select private.my_admin_orgs()) then
        return query
        select
            m.id, m.status, m.version, m.status_changed_at,
            private.clamp_day(
                (select max(c.expires_on) from public.certifications as c where c.mentor_id = m.id)
            )
        from public.peer_mentors as m
        where m.id = p_mentor_id and m.org_id = p_org_id;
    end if;
    if not found then
        perform private.refuse_mentor();
    end if;
end
$$;
comment on function public.get_mentor_status is
'A mentor''s status, version and latest expiry date, for those who may see it.';
revoke execute on function public.get_mentor_status from public, anon, authenticated;
grant execute on function public.get_mentor_status to authenticated, service_role;
