-- One row per organisation that sends messages. begin_digest locks it, so that two notifiers never begin a digest for
-- the same person, or take each other's messages (W3).

create table private.notifiers (
    org_id uuid primary key references public.organisations (id) on delete cascade
);
comment on table private.notifiers is 'The row that begin_digest locks.';

alter table private.notifiers enable row level security;
revoke all on private.notifiers from public, anon, authenticated, service_role;
