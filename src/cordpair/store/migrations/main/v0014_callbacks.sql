-- Calls that are owed: kept places and missed calls. A callback is named by the call that it comes from, and goes with it.
create table callbacks (
    tenant uuid not null,
    call text not null,
    kind text not null check (kind in ('kept', 'missed')),
    state text not null check (state in ('waiting', 'offered', 'listed', 'taken', 'closed')),
    queue text not null,
    agent text,
    asked_at timestamptz not null,
    closed_at timestamptz,
    body jsonb not null,
    sealed bytea not null,
    primary key (tenant, call),
    foreign key (tenant, call) references calls on delete cascade,
    check ((state = 'closed') = (closed_at is not null)),
    check ((state in ('offered', 'taken')) <= (agent is not null))
);

create index callbacks_open on callbacks (tenant) where state <> 'closed';
alter table callbacks alter sealed set statistics 0, alter body set statistics 0;

alter table callbacks enable row level security;
alter table callbacks force row level security;
create policy tenant_door on callbacks to cordpair_app
    using (tenant = (select nullif(current_setting('app.tenant', true), '')::uuid))
    with check (tenant = (select nullif(current_setting('app.tenant', true), '')::uuid));
grant select, insert, update, delete on callbacks to cordpair_app;
