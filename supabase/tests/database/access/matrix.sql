-- The access matrix (S5): persona x object x operation -> outcome. The words are explained in
-- engine.sql, the people and mentors in world.sql. Every cell is run.

create temp table asked (object text, operation text, statement text, cells text);

-- Who sees which rows. The statement returns one text per row: the ids that the letters stand for.
insert into asked (object, operation, statement, cells) values
--                                 anon nobody mentor assign second chapt chapts both former admin o_coord o_admin across service job portal owner
('organisations', 'select', 'id::text',
                                  'x    -      H      H      H      H     H      H    H      H     N       N       HN     EHN     x   x      EHN'),
('chapters', 'select', 'id::text',
                                  'x    -      bost   bost   bost   bost  bost   bost bost   bost  u       u       bostu  bostu   x   x      bostu'),
('org_members', 'select', 'user_id::text',
                                  'x    -      -      A      S      C     K      B    -      ABCDKSX P       PQX     PQXX   ABCDKPQSXX x   x      ABCDKPQSXX'),
('coordinator_chapters', 'select', 'coordinator_id || ''/'' || chapter_id',
                                  'x    -      -      -      -      Co    Kb,Ko  Bb   Fo     Bb,Co,Fo,Kb,Ko,Xt Pu      Ku,Pu   Ku,Pu,Xt Bb,Co,Fo,Kb,Ko,Ku,Pu,Xt x   x      Bb,Co,Fo,Kb,Ko,Ku,Pu,Xt'),
('peer_mentors', 'select', 'id::text',
                                  'x    -      a      ab     bd     a     ab     bc   g      abcdg e       ef      cefg   abcdefg x   x      abcdefg'),
('certifications', 'select', 'mentor_id::text',
                                  'x    -      a      ab     bd     a     ab     bc   g      abcdg e       ef      cefg   abcdefg x   x      abcdefg'),
('peer_mentor_status_history', 'select', 'mentor_id::text',
                                  'x    -      a      ab     bd     a     ab     bc   g      abcdg e       ef      cefg   abcdefg x   x      abcdefg'),
('assignments', 'select', 'coordinator_id || ''/'' || mentor_id',
                                  'x    -      Aa,Fa  Aa,Ab,Bb,Fa,Sb Ab,Ad,Bb,Sb Aa,Fa Aa,Ab,Bb,Fa,Sb Ab,Bb,Bc,Sb -      Aa,Ab,Ad,Bb,Bc,Fa,Sb Ae,Pe   Ae,Pe   Ae,Bc,Pe Aa,Ab,Ad,Ae,Bb,Bc,Fa,Pe,Sb x   x      Aa,Ab,Ad,Ae,Bb,Bc,Fa,Pe,Sb'),
('coordinator_notifications', 'select', 'coordinator_id::text',
                                  'x    -      -      A      -      -     -      -    -      AF    P       P       P      AFP     x   x      AFP'),
('scheduler_execution_log', 'select', 'coalesce(org_id::text, ''?'')',
                                  'x    -      -      -      -      -     -      -    -      H     -       N       N      ?EHN     x   x      ?EHN'),
('portal_watermarks', 'select', 'org_id::text',
                                  'x    -      -      -      -      -     -      -    -      H     -       -       -      H       x   x      H'),
('portal_sync_state', 'select', 'mentor_id::text',
                                  'x    -      -      -      -      -     -      -    -      abcdg -       e       e      abcdeg  x   x      abcdeg');
update asked set statement = format('select array_agg(%s) from public.%I', statement, object);

-- Who may change a status, for each kind of mentor and of change.
insert into asked (object, operation, statement, cells) values
--                                 anon nobody mentor assign second chapt chapts both former admin o_coord o_admin across service job portal owner
('update_mentor_status', 'a: pause', '{a}, {hlf}, ''paused'', ''on_leave''',
                                  'x    not    ok     ok     not    ok    ok     not  not    not   not     not     not    ok      res x      ok'),
('update_mentor_status', 'b: resume', '{b}, {hlf}, ''active'', ''back_again''',
                                  'x    not    not    ok     ok     not   ok     ok   not    not   not     not     not    ok      res x      ok'),
('update_mentor_status', 'c: pause, though inactive', '{c}, {hlf}, ''paused'', ''on_leave''',
                                  'x    not    not    not    not    not   not    state not    not   not     not     state  state   res x      state'),
('update_mentor_status', 'c: restart', '{c}, {hlf}, ''active'', ''back_again''',
                                  'x    not    not    not    not    not   not    state not    not   not     not     state  ok      res x      ok'),
('update_mentor_status', 'g: pause', '{g}, {hlf}, ''paused'', ''on_leave''',
                                  'x    not    not    not    not    not   not    not  ok     not   not     not     ok     ok      res x      ok'),
('update_mentor_status', 'd: resume, though expired', '{d}, {hlf}, ''active'', ''back_again''',
                                  'x    not    not    not    exp    not   not    not  not    not   not     not     not    exp     res x      exp'),
('update_mentor_status', 'e: pause', '{e}, {other}, ''paused'', ''on_leave''',
                                  'x    not    not    not    not    not   not    not  not    not   ok      not     not    ok      org x      ok'),
('update_mentor_status', 'f: pause', '{f}, {other}, ''paused'', ''on_leave''',
                                  'x    not    not    not    not    not   not    not  not    not   not     not     not    ok      org x      ok'),
('update_mentor_status', 'who does not exist: pause', '{missing}, {hlf}, ''paused'', ''on_leave''',
                                  'x    not    not    not    not    not   not    not  not    not   not     not     not    404     res x      404'),
('update_mentor_status', 'a in another organisation: pause', '{a}, {other}, ''paused'', ''on_leave''',
                                  'x    not    not    not    not    not   not    not  not    not   not     not     not    404     org x      404'),
('update_mentor_status', 'a: resume, though active', '{a}, {hlf}, ''active'', ''back_again''',
                                  'x    not    state  state  not    state state  not  not    not   not     not     not    state   res x      state'),
('update_mentor_status', 'b: pause, though paused', '{b}, {hlf}, ''paused'', ''on_leave''',
                                  'x    not    not    state  state  not   state  state not    not   not     not     not    state   res x      state'),
('update_mentor_status', 'a: pause, somebody was faster', '{a}, {hlf}, ''paused'', ''on_leave'', p_expected_version => 9',
                                  'x    not    ver    ver    not    ver   ver    not  not    not   not     not     not    ver     res x      ver'),
('update_mentor_status', 'a: end', '{a}, {hlf}, ''inactive'', ''moved_away''',
                                  'x    ppl    ppl    ppl    ppl    ppl   ppl    ppl  ppl    ppl   ppl     ppl     ppl    ok      res x      ok'),
('update_mentor_status', 'f: expire', '{f}, {other}, ''paused'', ''certification_expired'', {run}, ''2026-01-01''',
                                  'x    res    res    res    res    res   res    res  res    res   res     res     res    ok      org x      ok'),
('update_mentor_status', 'a: expire, though valid', '{a}, {hlf}, ''paused'', ''certification_expired'', {run}, ''2026-01-01''',
                                  'x    res    res    res    res    res   res    res  res    res   res     res     res    valid   valid x      valid'),
('update_mentor_status', 'a: expire, looking ahead', '{a}, {hlf}, ''paused'', ''certification_expired'', {run}, ''infinity''',
                                  'x    res    res    res    res    res   res    res  res    res   res     res     res    22023   22023 x      22023'),
('update_mentor_status', 'a: pause in the name of a run', '{a}, {hlf}, ''paused'', ''on_leave'', {run}',
                                  'x    res    res    res    res    res   res    res  res    res   res     res     res    res     res x      res'),
('update_mentor_status', 'a: pause as of a day', '{a}, {hlf}, ''paused'', ''on_leave'', p_as_of => ''2100-01-01''',
                                  'x    res    res    res    res    res   res    res  res    res   res     res     res    res     res x      res'),
('update_mentor_status', 'a: pause, trying it out', '{a}, {hlf}, ''paused'', ''on_leave'', p_dry_run => true',
                                  'x    not    ok     ok     not    ok    ok     not  not    not   not     not     not    ok      res x      ok');
update asked set statement = format(
    'select array[case outcome when ''not_expired'' then ''valid'' else ''ok'' end]'
    || ' from public.update_mentor_status(%s)', statement
)
where object = 'update_mentor_status';

-- Who may look at one mentor.
insert into asked (object, operation, statement, cells) values
--                                 anon nobody mentor assign second chapt chapts both former admin o_coord o_admin across service job portal owner
('get_mentor_status', 'a', '{a}, {hlf}',
                                  'x    not    a      a      not    a     a      not  not    a     not     not     not    a       x   x      a'),
('get_mentor_status', 'b', '{b}, {hlf}',
                                  'x    not    not    b      b      not   b      b    not    b     not     not     not    b       x   x      b'),
('get_mentor_status', 'd', '{d}, {hlf}',
                                  'x    not    not    not    d      not   not    not  not    d     not     not     not    d       x   x      d'),
('get_mentor_status', 'e', '{e}, {other}',
                                  'x    not    not    not    not    not   not    not  not    not   e       e       e      e       x   x      e'),
('get_mentor_status', 'f', '{f}, {other}',
                                  'x    not    not    not    not    not   not    not  not    not   not     f       f      f       x   x      f'),
('get_mentor_status', 'a in another organisation', '{a}, {other}',
                                  'x    not    not    not    not    not   not    not  not    not   not     not     not    404     x   x      404'),
('get_mentor_status', 'who does not exist', '{missing}, {hlf}',
                                  'x    not    not    not    not    not   not    not  not    not   not     not     not    404     x   x      404'),

-- Whose mentors a coordinator query is about (S7): one's own.
('coordinator_mentor_statuses', 'of assign', '{assign}',
                                  'x    not    not    ab     not    not   not    not  not    not   not     not     not    ab      x   x      ab'),
('coordinator_mentor_statuses', 'of second', '{second}',
                                  'x    not    not    not    b      not   not    not  not    not   not     not     not    b       x   x      b'),
('coordinator_mentor_statuses', 'of chapt', '{chapt}',
                                  'x    not    not    not    not    a     not    not  not    not   not     not     not    a       x   x      a'),
('coordinator_mentor_statuses', 'of chapts', '{chapts}',
                                  'x    not    not    not    not    not   ab     not  not    not   not     not     not    ab      x   x      ab'),
('coordinator_mentor_statuses', 'of both', '{both}',
                                  'x    not    not    not    not    not   not    bc   not    not   not     not     not    bc      x   x      bc'),
('get_mentor_status', 'g', '{g}, {hlf}',
                                  'x    not    not    not    not    not   not    not  g      g     not     not     g      g       x   x      g'),
('coordinator_mentor_statuses', 'of former', '{former}',
                                  'x    not    not    not    not    not   not    not  -      not   not     not     not    -       x   x      -'),
('coordinator_mentor_statuses', 'of admin', '{admin}',
                                  'x    not    not    not    not    not   not    not  not    -     not     not     not    -       x   x      -'),
('coordinator_mentor_statuses', 'of o_coord', '{o_coord}',
                                  'x    not    not    not    not    not   not    not  not    not   e       not     not    e       x   x      e'),
('coordinator_mentor_statuses', 'of null', 'null',
                                  'x    not    not    not    not    not   not    not  not    not   not     not     not    -       x   x      -'),
('coordinator_mentor_certifications', 'a of assign', '{assign}, {a}',
                                  'x    not    not    a      not    not   not    not  not    not   not     not     not    a       x   x      a'),
('coordinator_mentor_certifications', 'c of assign', '{assign}, {c}',
                                  'x    not    not    -      not    not   not    not  not    not   not     not     not    -       x   x      -'),
('coordinator_mentor_certifications', 'e of assign', '{assign}, {e}',
                                  'x    not    not    -      not    not   not    not  not    not   not     not     not    -       x   x      -'),
('coordinator_mentor_certifications', 'who does not exist, of assign', '{assign}, {missing}',
                                  'x    not    not    -      not    not   not    not  not    not   not     not     not    -       x   x      -'),
('coordinator_mentor_history', 'b of second', '{second}, {b}',
                                  'x    not    not    not    b      not   not    not  not    not   not     not     not    b       x   x      b'),
('coordinator_mentor_history', 'a of second', '{second}, {a}',
                                  'x    not    not    not    -      not   not    not  not    not   not     not     not    -       x   x      -'),
('coordinator_mentor_history', 'f of chapt', '{chapt}, {f}',
                                  'x    not    not    not    not    -     not    not  not    not   not     not     not    -       x   x      -'),
('coordinator_mentor_history', 'who does not exist, of chapt', '{chapt}, {missing}',
                                  'x    not    not    not    not    -     not    not  not    not   not     not     not    -       x   x      -');
update asked set statement = format('select array_agg(mentor_id::text) from public.%I(%s)', object, statement)
where object = 'get_mentor_status' or object like 'coordinator\_mentor\_%';

-- The jobs' functions, for jobs and services.
insert into asked (object, operation, statement, cells)
select object, 'execute', format('select array[''ok''] from public.%I(%s)', object, arguments), cells
from (values
--                                 anon nobody mentor assign second chapt chapts both former admin o_coord o_admin across service job portal owner
('list_expired_mentors', '{hlf}, ''2100-01-01'', null, 1',
                                  'x    x      x      x      x      x     x      x    x      x     x       x       x      ok      ok  x      ok'),
('count_stale_active_mentors', '{hlf}, ''2100-01-01''',
                                  'x    x      x      x      x      x     x      x    x      x     x       x       x      ok      ok  x      ok'),
('assert_org_scope', '{hlf}, ''hlf''',
                                  'x    x      x      x      x      x     x      x    x      x     x       x       x      ok      ok  x      ok'),
('begin_execution', '''certification_expiry'', {run}, {hlf}, ''schedule'', ''event'', ''running''',
                                  'x    x      x      x      x      x     x      x    x      x     x       x       x      ok      ok  x      ok    res'),
('finish_execution', '(select null::uuid), ''completed'', 0, 0, 0, 0',
                                  'x    x      x      x      x      x     x      x    x      x     x       x       x      PT404   PT404 PT404  PT404'),
('notify_coordinators', '{run}',
                                  'x    x      x      x      x      x     x      x    x      x     x       x       x      ok      ok  ok     ok'),
('get_portal_watermark', '{hlf}',
                                  'x    x      x      x      x      x     x      x    x      x     x       x       x      ok      x   ok     ok'),
('move_portal_watermark', '{other}, ''2026-01-01''',
                                  'x    x      x      x      x      x     x      x    x      x     x       x       x      ok      x   org    ok'),
('record_portal_certification', '{hlf}, ''nobody'', ''c-1'', ''2026-01-01'', ''2026-01-01'', {run}',
                                  'x    x      x      x      x      x     x      x    x      x     x       x       x      ok      x   ok     ok'),
('list_portal_states', '{hlf}, array[{a}::uuid]',
                                  'x    x      x      x      x      x     x      x    x      x     x       x       x      ok      x   ok     ok'),
('mark_portal_synced', '{hlf}, {a}, 1, {run}',
                                  'x    x      x      x      x      x     x      x    x      x     x       x       x      ok      x   ok     ok'),
('list_all_portal_states', '{hlf}, null, 1',
                                  'x    x      x      x      x      x     x      x    x      x     x       x       x      ok      x   ok     ok'),
('list_new_portal_changes', '{hlf}, array[''c-1''], array[''nobody''], array[''2026-01-01''::timestamptz]',
                                  'x    x      x      x      x      x     x      x    x      x     x       x       x      -       x   -      -'),
('count_run_renewals', '{run}',
                                  'x    x      x      x      x      x     x      x    x      x     x       x       x      ok      ok  ok     ok'),
('count_unsynced_since_run', '{run}',
                                  'x    x      x      x      x      x     x      x    x      x     x       x       x      ok      ok  ok     ok'),
('forget_portal_sync', '{hlf}, {a}',
                                  'x    x      x      x      x      x     x      x    x      x     x       x       x      ok      x   x      ok'),
('forget_portal_sync', '{other}, {a}',
                                  'x    x      x      x      x      x     x      x    x      x     x       x       x      404     x   x      404'),
('list_run_outcomes', '{run}, {hlf}, ''2026-01-01'', array[{a}::uuid]',
                                  'x    x      x      x      x      x     x      x    x      x     x       x       x      -       -   -      -'),
('report_late_changes', '{run}',
                                  'x    x      x      x      x      x     x      x    x      x     x       x       x      ok      ok  ok     ok'),
('list_unsynced_mentors', '{other}, ''2100-01-01'', null, 1',
                                  'x    x      x      x      x      x     x      x    x      x     x       x       x      ok      org x      ok'),
('get_org_day', '{hlf}, now()',
                                  'x    x      x      x      x      x     x      x    x      x     x       x       x      ok      ok  x      ok'),
('get_run_coverage', '{hlf}, ''certification_expiry''',
                                  'x    x      x      x      x      x     x      x    x      x     x       x       x      ok      ok  x      ok'),
('run_certification_expiry', '{hlf}',
                                  'x    x      x      x      x      x     x      x    x      x     x       x       x      ok      x   x      ok'),
-- What a job role may ask of its own organisation, it may not ask of another one.
('get_execution', '{hlf}, {run}',
                                  'x    x      x      x      x      x     x      x    x      x     x       x       x      -       x   x      -     -'),
('get_member_role', '{other}, {assign}',
                                  'x    x      x      x      x      x     x      x    x      x     x       x       x      ok      x   x      ok    org'),
('list_executions', '{other}, 1',
                                  'x    x      x      x      x      x     x      x    x      x     x       x       x      ok      org x      ok    org'),
('begin_execution', '''certification_expiry'', {run}, {hlf}, ''manual'', ''machine'', ''refused''',
                                  'x    x      x      x      x      x     x      x    x      x     x       x       x      ok      ok  x      ok    ok'),
('begin_execution', '''certification_expiry'', {run}, {hlf}, ''manual'', ''user '' || {admin}, ''refused''',
                                  'x    x      x      x      x      x     x      x    x      x     x       x       x      ok      ok  x      ok    ok'),
('begin_execution', '''Any text'', {run}, {hlf}, ''manual'', ''machine'', ''refused''',
                                  'x    x      x      x      x      x     x      x    x      x     x       x       x      ok      ok  x      ok    res'),
('begin_execution', '''certification_expiry'', {run}, {other}, ''manual'', ''machine'', ''refused''',
                                  'x    x      x      x      x      x     x      x    x      x     x       x       x      ok      org x      ok    org'),
('begin_execution', '''certification_expiry'', {run}, {missing}, ''manual'', ''machine'', ''refused''',
                                  'x    x      x      x      x      x     x      x    x      x     x       x       x      ok      ok  x      ok    res'),
('begin_execution', '''certification_expiry'', {run}, {hlf}, ''schedule'', ''event'', ''running'', ''infinity''',
                                  'x    x      x      x      x      x     x      x    x      x     x       x       x      22023   22023 x      22023 22023'),
('move_portal_watermark', '{hlf}, ''2026-01-01''',
                                  'x    x      x      x      x      x     x      x    x      x     x       x       x      ok      x   ok     ok    x'),
('move_portal_watermark', '{hlf}, ''infinity''',
                                  'x    x      x      x      x      x     x      x    x      x     x       x       x      22023   x   22023  22023 x'),
('list_unsynced_mentors', '{hlf}, ''2100-01-01'', null, 1',
                                  'x    x      x      x      x      x     x      x    x      x     x       x       x      ok      ok  x      ok    x'),
('list_expired_mentors', '{other}, ''2100-01-01'', null, 1',
                                  'x    x      x      x      x      x     x      x    x      x     x       x       x      ok      org x      ok    x'),
('count_stale_active_mentors', '{other}, ''2100-01-01''',
                                  'x    x      x      x      x      x     x      x    x      x     x       x       x      ok      org x      ok    x'),
('assert_org_scope', '{other}, ''other''',
                                  'x    x      x      x      x      x     x      x    x      x     x       x       x      ok      org x      ok    x'),
('get_org_day', '{other}, now()',
                                  'x    x      x      x      x      x     x      x    x      x     x       x       x      ok      org x      ok    x'),
('get_run_coverage', '{other}, ''certification_expiry''',
                                  'x    x      x      x      x      x     x      x    x      x     x       x       x      ok      org x      ok    x'),
('list_run_outcomes', '{run}, {other}, ''2026-01-01'', array[{e}::uuid]',
                                  'x    x      x      x      x      x     x      x    x      x     x       x       x      -       org org    -     x'),
('get_portal_watermark', '{other}',
                                  'x    x      x      x      x      x     x      x    x      x     x       x       x      ok      x   org    ok    x'),
('record_portal_certification', '{other}, ''nobody'', ''c-1'', ''2026-01-01'', ''2026-01-01'', {run}',
                                  'x    x      x      x      x      x     x      x    x      x     x       x       x      ok      x   org    ok    x'),
('list_portal_states', '{other}, array[{e}::uuid]',
                                  'x    x      x      x      x      x     x      x    x      x     x       x       x      ok      x   org    ok    x'),
('mark_portal_synced', '{other}, {e}, 1, {run}',
                                  'x    x      x      x      x      x     x      x    x      x     x       x       x      ok      x   org    ok    x'),
('list_all_portal_states', '{other}, null, 1',
                                  'x    x      x      x      x      x     x      x    x      x     x       x       x      ok      x   org    ok    x'),
('list_new_portal_changes', '{other}, array[''c-1''], array[''nobody''], array[''2026-01-01''::timestamptz]',
                                  'x    x      x      x      x      x     x      x    x      x     x       x       x      -       x   org    -     x'),
-- The HTTP entry (api) has the column after the owner's; where there is none, it is x.
('get_member_role', '{hlf}, {assign}',
                                  'x    x      x      x      x      x     x      x    x      x     x       x       x      ok      x   x      ok    ok'),
('get_execution', '{other}, {run}',
                                  'x    x      x      x      x      x     x      x    x      x     x       x       x      -       x   x      -     org'),
('begin_execution', '''certification_expiry'', {run}, {hlf}, ''manual'', ''somebody'', ''refused''',
                                  'x    x      x      x      x      x     x      x    x      x     x       x       x      ok      ok  x      ok    res'),
('begin_execution', '''certification_expiry'', {run}, {hlf}, ''schedule'', ''somebody'', ''refused''',
                                  'x    x      x      x      x      x     x      x    x      x     x       x       x      ok      ok  x      ok    res'),
('begin_execution', '''certification_expiry'', {run}, null, ''manual'', ''somebody'', ''refused''',
                                  'x    x      x      x      x      x     x      x    x      x     x       x       x      ok      ok  x      ok    res'),
('begin_execution', '''certification_expiry'', {run}, {hlf}, ''manual'', repeat(''x'', 301), ''refused''',
                                  'x    x      x      x      x      x     x      x    x      x     x       x       x      22023   22023 x      22023 22023'),
('begin_execution', '''certification_expiry'', {run}, {hlf}, ''manual'', ''somebody'', ''completed''',
                                  'x    x      x      x      x      x     x      x    x      x     x       x       x      ok      ok  x      ok    res'),
('list_executions', '{hlf}, 1',
                                  'x    x      x      x      x      x     x      x    x      x     x       x       x      ok      ok  x      ok    ok')
) as functions (object, arguments, cells);

-- The helpers, if they were reached somehow.
insert into asked (object, operation, statement, cells)
select object, 'execute', format('select array[''ok''] from private.%s', object), cells
from (values
--                                 anon nobody mentor assign second chapt chapts both former admin o_coord o_admin across service job portal owner
('coordinated_mentors({assign})', 'x    x      x      x      x      x     x      x    x      x     x       x       x      x       x   x      ok'),
('org_today({hlf})',              'x    x      x      x      x      x     x      x    x      x     x       x       x      x       x   x      ok'),
('may_change({a})',               'x    x      x      x      x      x     x      x    x      x     x       x       x      x       x   x      ok'),
('caller()',                      'x    x      x      x      x      x     x      x    x      x     x       x       x      x       x   x      ok'),
('acts_for({hlf})',               'x    x      x      x      x      x     x      x    x      x     x       x       x      x       x   x      ok'),
('user_id()',                     'x    x      x      x      x      x     x      x    x      x     x       x       x      x       x   x      ok')
) as functions (object, cells);

-- Who writes. Through the API nobody, jobs only through their functions: x for all of them. What the
-- back end (service_role) and the owner may do is in the last two columns.
create temp table writing (object text, operation text, statement text, service text, owner text);
insert into writing values
('organisations', 'insert', 'insert into organisations (id, slug) values ({new}, ''new'')', 'w', 'w'),
('organisations', 'update', 'update organisations set time_zone = ''UTC''', 'w', 'w'),
('organisations', 'delete', 'delete from organisations where id = {empty}', 'w', 'w'),
('organisations', 'truncate', 'truncate organisations cascade', 'x', 'only'),
('chapters', 'insert', 'insert into chapters values ({new}, {hlf}, ''New'')', 'w', 'w'),
('chapters', 'update', 'update chapters set name = ''Renamed''', 'w', 'w'),
('chapters', 'delete', 'delete from chapters where id = {spare}', 'w', 'w'),
('chapters', 'truncate', 'truncate chapters cascade', 'x', 'only'),
('org_members', 'insert', 'insert into org_members values ({hlf}, {nobody}, ''admin'')', 'w', 'w'),
('org_members', 'update', 'update org_members set role = ''admin''', 'w', 'w'),
('org_members', 'delete', 'delete from org_members', 'w', 'w'),
('org_members', 'truncate', 'truncate org_members', 'x', 'w'),
('coordinator_chapters', 'insert', 'insert into coordinator_chapters values ({nobody}, {oslo})', 'w', 'w'),
('coordinator_chapters', 'update', 'update coordinator_chapters set chapter_id = {spare} where coordinator_id = {chapt}', 'w', 'w'),
('coordinator_chapters', 'delete', 'delete from coordinator_chapters', 'w', 'w'),
('coordinator_chapters', 'truncate', 'truncate coordinator_chapters', 'x', 'w'),
('peer_mentors', 'insert', 'insert into peer_mentors (id, org_id, chapter_id, user_id, status) values ({new}, {hlf}, null, null, ''active'')', 'w', 'w'),
('peer_mentors', 'insert with a version', 'insert into peer_mentors (id, org_id, version) values ({new}, {hlf}, 7)', 'x', 'w'),
('peer_mentors', 'update', 'update peer_mentors set chapter_id = null, user_id = null', 'w', 'w'),
('peer_mentors', 'update of the status', 'update peer_mentors set status = ''active'' where id = {d}', 'x', 'w'),
('peer_mentors', 'update of the version', 'update peer_mentors set version = 1', 'x', 'w'),
('peer_mentors', 'delete', 'delete from peer_mentors where id = {a}', 'x', 'fk'),
('peer_mentors', 'truncate', 'truncate peer_mentors cascade', 'x', 'only'),
('assignments', 'insert', 'insert into assignments (mentor_id, coordinator_id) values ({c}, {nobody})', 'w', 'w'),
('assignments', 'insert, no such mentor', 'insert into assignments (mentor_id, coordinator_id) values ({missing}, {nobody})', 'fk', 'fk'),
('assignments', 'update', 'update assignments set ended_at = now()', 'w', 'w'),
('assignments', 'delete', 'delete from assignments', 'w', 'w'),
('assignments', 'truncate', 'truncate assignments', 'x', 'w'),
('certifications', 'insert', 'insert into certifications (mentor_id, expires_on) values ({d}, ''2099-01-01'')', 'w', 'w'),
('certifications', 'insert, no such mentor', 'insert into certifications (mentor_id, expires_on) values ({missing}, ''2099-01-01'')', 'fk', 'fk'),
('certifications', 'update', 'update certifications set expires_on = ''2099-01-01''', 'w', 'w'),
('certifications', 'delete', 'delete from certifications', 'w', 'w'),
('certifications', 'truncate', 'truncate certifications', 'x', 'w'),
('peer_mentor_status_history', 'insert', 'insert into peer_mentor_status_history (mentor_id, org_id, previous_status, new_status, reason, changed_at, changed_by_role) values ({a}, {hlf}, ''active'', ''paused'', ''forged'', now(), ''service'')', 'x', 'w'),
('peer_mentor_status_history', 'insert, as the job had', 'insert into peer_mentor_status_history (mentor_id, org_id, previous_status, new_status, reason, changed_at, changed_by_role) values ({a}, {hlf}, ''active'', ''paused'', ''certification_expired'', now(), ''service'')', 'x', 'check'),
('peer_mentor_status_history', 'insert, by a person unnamed', 'insert into peer_mentor_status_history (mentor_id, org_id, previous_status, new_status, reason, changed_at, changed_by_role) values ({a}, {hlf}, ''active'', ''paused'', ''on_leave'', now(), ''mentor'')', 'x', 'check'),
('peer_mentor_status_history', 'insert, in another capacity', 'insert into peer_mentor_status_history (mentor_id, org_id, previous_status, new_status, reason, changed_at, changed_by_role) values ({a}, {hlf}, ''active'', ''paused'', ''on_leave'', now(), ''friend'')', 'x', 'check'),
('peer_mentor_status_history', 'update', 'update peer_mentor_status_history set reason = ''other''', 'x', 'only'),
('peer_mentor_status_history', 'delete', 'delete from peer_mentor_status_history', 'x', 'only'),
('peer_mentor_status_history', 'truncate', 'truncate peer_mentor_status_history', 'x', 'only'),
('scheduler_execution_log', 'insert', 'insert into scheduler_execution_log (job_name, job_run_id, trigger, triggered_by, status) values (''hlf_sync'', {run}, ''manual'', ''me'', ''running'')', 'x', 'w'),
('scheduler_execution_log', 'update', 'update scheduler_execution_log set triggered_by = ''somebody else''', 'x', 'only'),
('scheduler_execution_log', 'update to its end', 'update scheduler_execution_log set status = ''failed'', finished_at = now(), error = ''gone'' where status = ''running''', 'x', 'w'),
('scheduler_execution_log', 'update that leaves it running', 'update scheduler_execution_log set error = ''so far'' where status = ''running''', 'x', 'only'),
('scheduler_execution_log', 'update of what has ended', 'update scheduler_execution_log set paused_count = 0 where status = ''completed''', 'x', 'only'),
('scheduler_execution_log', 'update to its end, again', 'update scheduler_execution_log set status = ''failed'' where status = ''completed''', 'x', 'only'),
('scheduler_execution_log', 'update to an end that rewrites', 'update scheduler_execution_log set status = ''failed'', finished_at = now(), started_at = now() where status = ''running''', 'x', 'only'),
('scheduler_execution_log', 'delete', 'delete from scheduler_execution_log', 'x', 'only'),
('scheduler_execution_log', 'truncate', 'truncate scheduler_execution_log', 'x', 'only'),
('coordinator_notifications', 'insert', 'insert into coordinator_notifications (org_id, coordinator_id, job_run_id, mentor_ids) values ({hlf}, {assign}, {run}, array[{a}::uuid])', 'x', 'w'),
('coordinator_notifications', 'update', 'update coordinator_notifications set created_at = now()', 'x', 'w'),
('coordinator_notifications', 'delete', 'delete from coordinator_notifications', 'x', 'w'),
('coordinator_notifications', 'truncate', 'truncate coordinator_notifications', 'x', 'w'),
('portal_sync_state', 'insert', 'insert into portal_sync_state (mentor_id, synced_version) values ({f}, 1)', 'x', 'w'),
('portal_sync_state', 'update', 'update portal_sync_state set synced_version = 9', 'x', 'w'),
('portal_sync_state', 'delete', 'delete from portal_sync_state', 'x', 'w'),
('portal_sync_state', 'truncate', 'truncate portal_sync_state', 'x', 'w'),
('portal_watermarks', 'insert', 'insert into portal_watermarks values ({other}, ''2026-01-01'')', 'x', 'w'),
('portal_watermarks', 'update', 'update portal_watermarks set watermark = ''2020-01-01''', 'x', 'w'),
('portal_watermarks', 'delete', 'delete from portal_watermarks', 'x', 'w'),
('portal_watermarks', 'truncate', 'truncate portal_watermarks', 'x', 'w'),
('peer_mentors', 'update of the portal''s key', 'update peer_mentors set portal_key = id::text', 'w', 'w'),
('peer_mentors', 'insert with a portal''s key', 'insert into peer_mentors (id, org_id, portal_key) values ({new}, {hlf}, ''1017'')', 'w', 'w');
-- The same with returning, which reads what it writes.
insert into writing
select object, operation || ' returning', statement || ' returning *', service, owner
from writing where operation <> 'truncate';
insert into asked (object, operation, statement, cells)
select object, operation, statement, repeat('x ', 13) || service || ' x x ' || owner from writing;

update asked set cells = cells || ' x'
where cardinality(regexp_split_to_array(trim(cells), '\s+')) = 17;

create temp table cell as
select a.object, a.operation, p.name as persona, a.statement, cells.outcome as expected
from asked as a
cross join lateral regexp_split_to_table(trim(a.cells), '\s+') with ordinality as cells (outcome, position)
left join persona as p on p.position = cells.position;

create temp view result as
select object, operation, persona, expected, pg_temp.attempt(persona, statement) as actual from cell;
