-- By the club's own tables alone: mentors whose certification has expired by today.
select p.portal_no::text, p.person, ((max(l.ends_at) - interval '1 microsecond') at time zone 'Europe/Oslo')::date + 1
from public.people as p inner join public.licences as l on l.person = p.person and l.withdrawn_at is null
where p.condition = 'ok' and p.is_mentor
group by p.person
having max(l.ends_at) <= date_trunc('day', now() at time zone 'Europe/Oslo') at time zone 'Europe/Oslo'
