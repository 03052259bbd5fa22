-- What is set of an organisation as a whole and is never asked for by itself: one value with all that has no column.
alter table tenants add column body jsonb not null default '{}';
alter table tenants alter body set statistics 0;

-- What was set up when, by whom: number is the tenant's revision that it made. `sealed` holds the setup without its
-- secrets and without names of people, and the note of whoever applied it.
create table setup_versions (
    tenant uuid not null references tenants on delete cascade,
    number bigint not null check (number > 0),
    at timestamptz not null,
    actor text not null,
    sealed bytea not null,
    primary key (tenant, number)
);

alter table setup_versions alter sealed set statistics 0;
alter table setup_versions enable row level security;
alter table setup_versions force row level security;
create policy tenant_door on setup_versions to cordpair_app
    using (tenant = (select nullif(current_setting('app.tenant', true), '')::uuid))
    with check (tenant = (select nullif(current_setting('app.tenant', true), '')::uuid));

-- Nothing that was written down is changed.
grant select, insert, delete on setup_versions to cordpair_app;
