-- The plan of the nightly job for an organisation and a day, with chapters, before anything is deployed (R6, G1). It is
-- plan_certification_expiry with the organisation's slug, so it agrees with the job. It changes nothing.
-- Called by: an adopter, as the owner (docs/adopting.md).
-- Errors: PT404 no such organisation.

create or replace function private.preview_certification_expiry(p_org_slug text, p_as_of date default null)
returns table (mentor_id uuid, chapter text, expired_on date, as_of date, action text, why text)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_org_id constant uuid := (select o.id from public.organisations as o where o.slug = p_org_slug);
    v_as_of constant date := coalesce(p_as_of, private.org_today(v_org_id));
begin
    if v_org_id is null then
        raise exception 'organisation % does not exist', coalesce(quote_literal(p_org_slug), 'null') using errcode = 'PT404',
            detail = 'compare the slug with public.organisations';
    end if;
    return query
    select p.mentor_id, c.name, p.expires_on, v_as_of, p.action, p.why
    from public.plan_certification_expiry(v_org_id, v_as_of) as p
    inner join public.peer_mentors as m on m.id = p.mentor_id
    left join public.chapters as c on c.id = m.chapter_id
    order by p.mentor_id;
end
$$;
comment on function private.preview_certification_expiry is
'Whom the nightly job would pause or hold on p_as_of (today if it is null), with chapter, day of expiry and reason.';
revoke execute on function private.preview_certification_expiry from public, anon, authenticated;
