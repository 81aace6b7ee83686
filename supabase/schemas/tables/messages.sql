-- The outbox: messages to mentors, coordinators and administrators (W3, E11). The transaction that causes a message
-- writes its row: private.notify_page for what a run did, write_warnings for warnings. Delivery comes later and
-- may fail; the row stays and the app shows it. A person reads their own messages; an administrator reads all of the
-- organisation (S4).
--
--   pending -> sending -> sent ...   by e-mail, as part of a digest, which has these states too
--   pending -> outdated              it was not sent in time, or is no longer true; it is not sent
--   pending -> no_address            the person has no address, or one that does not work (refusal); it is sent when they
--                                    get another one in time
--
-- A row grows if the same run pauses more of a person's mentors later. Then it waits for delivery again; if a digest is
-- being sent, after that one.

create table public.messages (
    id bigint generated always as identity primary key,
    org_id uuid not null references public.organisations (id),
    audience text not null check (audience in ('mentor', 'coordinator', 'admin')),
    person_id uuid not null,
    kind text not null check (kind in ('paused', 'renewed', 'warning', 'held', 'unforeseen', 'resumed')),
    mentor_ids uuid [] not null check (cardinality(mentor_ids) > 0),
    job_run_id uuid,
    reminder smallint not null default 0,
    expires_on date,
    created_at timestamptz not null default clock_timestamp(),
    read_at timestamptz,
    state text not null default 'pending' check (
        state in (
            'pending', 'sending', 'sent', 'delivered', 'bounced', 'complained', 'suppressed', 'unknown', 'no_address',
            'outdated'
        )
    ),
    due_at timestamptz not null default clock_timestamp(),
    expected_at timestamptz not null default clock_timestamp(),
    announced_count integer not null default 0,
    sending_count integer not null default 0,
    refusal text,
    digest_id uuid references public.digests (id) on delete set null
);
comment on table public.messages is 'Messages to mentors, coordinators and administrators, and how far their delivery has come.';
comment on column public.messages.person_id is 'The person''s user id; for a mentor without an account the mentor''s id.';
comment on column public.messages.kind is
'paused: a run paused the mentors. renewed: their certification was renewed; they stay paused until somebody resumes them. warning: their certification expires. held: their pause waits for an approval. unforeseen: a run paused them although they were not warned in time. resumed: a withdrawal resumed them.';
comment on column public.messages.mentor_ids is 'The mentors whom it is about, in id order; for a mentor the person themself.';
comment on column public.messages.job_run_id is 'The run that caused it; null for a warning.';
comment on column public.messages.reminder is
'0: the message itself. 1 and 2: it is repeated after 4 and 12 hours if it still holds (G3).';
comment on column public.messages.expires_on is 'The first day on which a mentor of a warning is paused.';
comment on column public.messages.due_at is 'When the next attempt to send it is due.';
comment on column public.messages.expected_at is 'When it could leave at the earliest: a person gets one digest a day.';
comment on column public.messages.refusal is 'Why SES did not accept the last e-mail about it, as SES names it; null: it has not refused one.';
comment on column public.messages.announced_count is 'How many of mentor_ids earlier digests have counted.';
comment on column public.messages.sending_count is 'How many of mentor_ids the digest that is being sent covers, with those of earlier ones.';

-- What the notifier sends next.
create index messages_due_idx on public.messages (org_id, (kind = 'warning'), due_at, id)
where state in ('pending', 'no_address');
-- One message to a person in one capacity about a run. Warnings have no run, and may be several.
create unique index messages_job_run_id_idx on public.messages (job_run_id, audience, person_id, reminder)
where job_run_id is not null;
create index messages_person_id_idx on public.messages (person_id, id desc);
create index messages_org_id_idx on public.messages (org_id, id desc);
-- What the console lists as undelivered.
create index messages_undelivered_idx on public.messages (org_id, id desc)
where state in ('bounced', 'complained', 'suppressed', 'no_address', 'unknown');
create index messages_digest_id_idx on public.messages (digest_id) where digest_id is not null;

alter table public.messages enable row level security;
create policy own_or_as_admin on public.messages for select to authenticated
using (
    (
        person_id in (select private.my_person_ids())
        -- A coordinator who has left the organisation keeps no messages, also if they are a mentor there.
        and (audience = 'mentor' or org_id in (select private.my_memberships()))
    )
    or org_id in (select private.my_admin_orgs())
);

revoke all on public.messages from anon, authenticated, service_role;
revoke all on sequence public.messages_id_seq from anon, authenticated, service_role;
grant select on public.messages to service_role;
grant select on public.messages to authenticated;
