-- Coordinators are told of renewed certifications, too (H1).
-- Locks: the notifications, for an instant.

alter table public.coordinator_notifications
add column kind text not null default 'paused' check (kind in ('paused', 'renewed'));
comment on column public.coordinator_notifications.kind is
'What became of the mentors: paused, or their certification renewed; they stay paused until somebody resumes them.';
comment on table public.coordinator_notifications is
'The mentors that a run paused, or whose certification it renewed, for one coordinator who is concerned.';
