-- update_mentor_status looks every row up by a key that has an index. A session that calls it first while a
-- table is nearly empty would keep a plan that reads the whole table, and in the first night of a new project
-- every call would take longer than the one before, until the next analyze.
-- Locks: none. A later `create or replace` must say it again (a test looks).

alter function public.update_mentor_status(uuid, uuid, text, text, uuid, date, integer, boolean)
set enable_seqscan = 'off';
