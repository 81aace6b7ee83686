-- The e-mails to people (W3, W4). A person gets one digest on a day of the organisation; it covers the messages that waited
-- for that person. A message about the brake (G2, G3) does not wait for it: an urgent e-mail tells the administrators at
-- once. Administrators see the digests of their organisation (S4).
--
--              begin_digest           finish_digest             SES's events
--   (messages) ------------> sending ---------------> sent -----------------> delivered -> complained
--                               |                       |                       bounced
--                               | refused: deleted,     |                       suppressed
--                               | the messages wait     |
--                               |                       |
--                               +---- no answer ----> unknown: an event of SES decides; it is not sent again
--
-- SES has no idempotency key. So a digest whose answer was lost is not sent again: the person may have it.

create table public.digests (
    id uuid primary key,
    org_id uuid not null references public.organisations (id),
    person_id uuid not null,
    day date not null,
    state text not null check (
        state in ('sending', 'sent', 'delivered', 'bounced', 'complained', 'suppressed', 'unknown')
    ),
    address_hash text not null,
    provider_message_id text,
    reason text,
    began_at timestamptz not null default clock_timestamp(),
    changed_at timestamptz not null default clock_timestamp(),
    is_urgent boolean not null default false
);
comment on table public.digests is 'The e-mails to people, and how far each has come.';
comment on column public.digests.id is 'The notifier chooses it, so that it can repeat a call whose answer was lost.';
comment on column public.digests.person_id is 'The person, as in messages.';
comment on column public.digests.address_hash is
'SHA-256 of the address in lower case: says whether a later address is the same, and holds no address.';
comment on column public.digests.reason is 'Why it bounced or was refused, as SES names it.';

comment on column public.digests.is_urgent is 'It tells an administrator what the brake has done.';

-- One digest for a person and day.
create unique index digests_person_day_idx on public.digests (org_id, person_id, day) where not is_urgent;
-- The digests to an address decide whether the address works.
create index digests_address_hash_idx on public.digests (org_id, address_hash);
create index digests_changed_idx on public.digests (org_id, changed_at);
create index digests_sending_idx on public.digests (org_id, began_at) where state = 'sending';
-- The addresses that refuse e-mails.
create index digests_refused_idx on public.digests (org_id, address_hash)
where state in ('bounced', 'complained', 'suppressed');

alter table public.digests enable row level security;
create policy seen_by_admins on public.digests for select to authenticated
using (org_id in (select private.my_admin_orgs()));

revoke all on public.digests from anon, authenticated, service_role;
grant select on public.digests to service_role;
grant select on public.digests to authenticated;
