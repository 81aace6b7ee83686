-- The address and the language of a person to whom messages are addressed (W3): as a member of the organisation, or
-- else as a mentor. But a contact with an address comes before one without. A language that is not English becomes
-- bokmål.
-- Called by: begin_digest, private.digest_content.

create or replace function private.contact_of(p_org_id uuid, p_person_id uuid)
returns table (email text, language text)
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    select c.email, case when c.language ~* '^en\M' then 'en' else 'nb' end
    from (
        select btrim(k.email::text) as email, k.language::text, 1 as place, null::uuid as mentor_id
        from public.member_contacts as k
        where k.org_id = p_org_id and k.user_id = p_person_id
        union all
        select btrim(k.email::text), k.language::text, 2, m.id
        from public.peer_mentors as m
        inner join public.mentor_contacts as k on k.mentor_id = m.id
        where m.org_id = p_org_id and (m.user_id = p_person_id or m.id = p_person_id)
    ) as c
    order by not private.is_address(c.email), c.place, c.mentor_id, c.email
    limit 1
$$;
comment on function private.contact_of is 'The e-mail address and the language of a person; no row: the person has no contact.';
revoke execute on function private.contact_of from public, anon, authenticated;
