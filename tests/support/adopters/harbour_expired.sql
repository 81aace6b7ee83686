-- By the association's own tables alone: mentors whose certification has expired by today.
select v.id::text, v.mentor_uuid, max(c.valid_until) + 1
from public.volunteers as v inner join app.certifications as c on c.volunteer = v.id and not c.revoked
where v.state = 'enrolled'
group by v.id having max(c.valid_until) < (now() at time zone 'Europe/Oslo')::date
