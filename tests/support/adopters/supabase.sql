-- Accounts, as every Supabase project has them; those of the invented projects have a number.
create table auth.users (id uuid primary key default gen_random_uuid());
create function public.account(n integer) returns uuid language sql immutable
as $$ select ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid $$;
revoke execute on function public.account from public;
insert into auth.users (id) select public.account(n) from generate_series(1, 60) as n;
