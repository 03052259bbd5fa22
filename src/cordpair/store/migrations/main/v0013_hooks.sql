-- Endpoints of other systems that are told what happens to calls. `behind` is the line of history up to which deliveries
-- were made for it. `failing_since`: nothing has arrived there since then.
create table hooks (
    tenant uuid not null references tenants on delete cascade,
    hook text not null,
    url text not null,
    profile text not null,
    events text not null,
    fields text not null,
    state text not null check (state in ('active', 'disabled')),
    behind bigint not null,
    failing_since timestamptz,
    secrets_sealed bytea not null,
    primary key (tenant, hook)
);

alter table hooks alter secrets_sealed set statistics 0;

-- One event for one endpoint; what it says is read when it is sent, so that nothing personal stands here.
create table hook_deliveries (
    tenant uuid not null,
    id bigint generated always as identity,
    hook text not null,
    entry bigint not null,
    call text not null,
    event text not null,
    at timestamptz not null,
    state text not null check (state in ('waiting', 'delivered', 'dead')),
    attempts integer not null,
    run_at timestamptz not null,
    since timestamptz not null,
    reason text not null,
    primary key (tenant, id),
    unique (tenant, hook, entry),
    foreign key (tenant, hook) references hooks on delete cascade
);

create index hook_deliveries_waiting on hook_deliveries (tenant, run_at) where state = 'waiting';
create index hook_deliveries_of_call on hook_deliveries (tenant, hook, call, id) where state = 'waiting';

do $$
declare name text;
begin
    foreach name in array array['hooks', 'hook_deliveries'] loop
        execute format('alter table %I enable row level security', name);
        execute format('alter table %I force row level security', name);
        execute format(
            'create policy tenant_door on %I to cordpair_app '
            'using (tenant = (select nullif(current_setting(''app.tenant'', true), '''')::uuid)) '
            'with check (tenant = (select nullif(current_setting(''app.tenant'', true), '''')::uuid))',
            name
        );
        execute format('grant select, insert, update, delete on %I to cordpair_app', name);
    end loop;
end $$;
