-- The last change of a mentor, and the one before it, without a look at all of history (H1, H5).
-- Locks: the history, against writing, while the index is built.

create index peer_mentor_status_history_latest_idx on public.peer_mentor_status_history (mentor_id, id desc);
