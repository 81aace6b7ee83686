-- What an organisation decides for itself. An organisation without a row has the defaults. People see the settings of
-- their own organisations (S4).

create table public.organisation_settings (
    org_id uuid primary key references public.organisations (id) on delete cascade,
    warning_days integer [] not null default '{90,30,14,7}' check (private.are_warning_days(warning_days)),
    brake_mode text not null default 'watch' check (brake_mode in ('watch', 'hold', 'off')),
    brake_count integer not null default 10 check (brake_count >= 0),
    brake_percent numeric(5, 2) not null default 5 check (brake_percent between 0 and 100)
);
comment on table public.organisation_settings is 'The settings of an organisation; without a row the defaults apply.';
comment on column public.organisation_settings.warning_days is
'How many days before a certification expires the mentor and the coordinators are warned (W1); empty: never.';
comment on column public.organisation_settings.brake_mode is
'The brake''s reaction to a plan with more unforeseen pauses than the limits (G2). watch: the run pauses all, and the administrators get a message. hold: the unforeseen mentors wait for an approval. off: none.';
comment on column public.organisation_settings.brake_count is
'The brake acts if a plan has more unforeseen pauses than this, and more than brake_percent.';
comment on column public.organisation_settings.brake_percent is 'The other limit, in percent of the active mentors.';

alter table public.organisation_settings enable row level security;
create policy settings_of_own_organisations on public.organisation_settings for select to authenticated
using (org_id in (select private.my_orgs()));

revoke all on public.organisation_settings from anon, authenticated, service_role;
grant select, insert, update, delete on public.organisation_settings to service_role;
grant select on public.organisation_settings to authenticated;
