-- Pauses mentors one after the other, each in a block of its own, so that one mentor's failure undoes nothing
-- else (E5, R1). It stops at p_deadline. An earlier time-out or cancellation stops it too, and the mentors
-- that it has paused stay paused. With p_wait it waits for locked rows until three
-- seconds have passed: one wait that fails, or several short ones.
--
-- result is the outcome of update_mentor_status, the SQLSTATE of its failure (55P03: locked), or left: not
-- tried in time.
-- Called by: run_certification_expiry.
-- Locks: the row of each mentor that it pauses, until the transaction ends.

create or replace function private.pause_each(
    p_job_run_id uuid, p_org_id uuid, p_as_of date, p_mentor_ids uuid [], p_deadline timestamptz, p_wait boolean
)
returns table (mentor_id uuid, result text)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_longest constant interval := interval '3 seconds';  -- update_mentor_status's lock_timeout
    v_wait_until timestamptz := case when p_wait then least(clock_timestamp() + v_longest, p_deadline - v_longest) end;
    v_stopped boolean := false;
    v_mentor_id uuid;
    v_result text;
begin
    foreach v_mentor_id in array p_mentor_ids loop
        v_stopped := v_stopped or clock_timestamp() > p_deadline;
        v_result := 'left';
        if not v_stopped then
            begin
                select u.outcome into v_result
                from public.update_mentor_status(
                    v_mentor_id, p_org_id, 'paused', 'certification_expired', p_job_run_id, p_as_of,
                    p_wait => coalesce(clock_timestamp() < v_wait_until, false)
                ) as u;
            exception
                when query_canceled then
                    v_stopped := true;
                    raise warning 'stopped at mentor %: %', v_mentor_id, sqlerrm;
                when others then  -- no mentor's failure may end the loop (E5)
                    v_result := sqlstate;
                    if p_wait or v_result <> '55P03' then
                        raise warning 'mentor % not paused: % %', v_mentor_id, sqlstate, sqlerrm;
                    end if;
            end;
        end if;
        return query select v_mentor_id, v_result;
    end loop;
end
$$;
comment on function private.pause_each is
'Pauses mentors one by one until a deadline; a row per mentor with the outcome, the SQLSTATE, or left.';
revoke execute on function private.pause_each from public, anon, authenticated;
