-- The HTTP entry shows the newest runs (O3).
-- Locks: none.

grant execute on function public.list_executions to mentor_pause_api;
