-- list_run_outcomes has taken the place of list_run_changes: it says of a mentor that nothing is left to do, too.
-- Locks: none. Called by: nobody any more.

drop function public.list_run_changes(uuid, uuid []);
