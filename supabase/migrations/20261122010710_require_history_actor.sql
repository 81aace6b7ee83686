-- From here on every row of the history says who. Rows from before were made by jobs or services.
-- Locks: the history, exclusively, while existing rows are marked and checked.

update public.peer_mentor_status_history
set changed_by_role = case when reason = 'certification_expired' then 'job' else 'service' end
where changed_by_role is null;

alter table public.peer_mentor_status_history
alter column changed_by_role set not null,
add constraint peer_mentor_status_history_role_check
check (changed_by_role in ('mentor', 'coordinator', 'job', 'service')),
add constraint peer_mentor_status_history_person_check
check ((changed_by is not null) = (changed_by_role in ('mentor', 'coordinator'))),
add constraint peer_mentor_status_history_reserved_check
check ((reason = 'certification_expired') = (changed_by_role = 'job'));
