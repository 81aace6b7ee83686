-- The mentors whom the nightly job would pause on a day, before anything is deployed (R6). It lists them with
-- list_expired_mentors, as the job does, so that both agree. It changes nothing.
-- Called by: an adopter, as the owner (docs/adopting.md).
-- Errors: PT404 no such organisation.

create or replace function private.preview_certification_expiry(p_org_slug text, p_as_of date default null)
returns table (mentor_id uuid, chapter text, expired_on date, as_of date)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_org_id constant uuid := (select o.id from public.organisations as o where o.slug = p_org_slug);
    v_as_of constant date := coalesce(p_as_of, private.org_today(v_org_id));
    v_page uuid [] := array[null::uuid];
begin
    if v_org_id is null then
        raise exception 'organisation % does not exist', coalesce(quote_literal(p_org_slug), 'null') using errcode = 'PT404',
            detail = 'compare the slug with public.organisations';
    end if;
    loop
        v_page := array(
            select l.mentor_id from public.list_expired_mentors(v_org_id, v_as_of, v_page[cardinality(v_page)], 1000) as l
        );
        return query
        select m.id, c.name, (select max(k.expires_on) from public.certifications as k where k.mentor_id = m.id), v_as_of
        from unnest(v_page) with ordinality as p (id, place)
        inner join public.peer_mentors as m on m.id = p.id
        left join public.chapters as c on c.id = m.chapter_id
        order by p.place;
        exit when cardinality(v_page) < 1000;
    end loop;
end
$$;
comment on function private.preview_certification_expiry is
'The mentors whom the nightly job would pause on p_as_of (today if it is null), with chapter and day of expiry.';
revoke execute on function private.preview_certification_expiry from public, anon, authenticated;
