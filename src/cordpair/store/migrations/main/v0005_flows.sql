-- A flow is work of several steps, each of them a checkpoint. Bodies and results hold ids, counts and bookmarks only;
-- what is personal lives in tables of its own. `claim` counts the takings: who holds an older number writes nothing.
create table flows (
    tenant uuid not null references tenants on delete cascade,
    id bigint generated always as identity,
    key text not null,
    kind text not null,
    version smallint not null,
    state text not null check (state in ('waiting', 'running', 'parked', 'done')),
    wake_at timestamptz,  -- null: only an event or a person wakes it
    lease_until timestamptz,
    claim bigint not null,
    attempts integer not null,
    round integer not null,
    since timestamptz not null,
    reason text not null,
    body jsonb not null,
    primary key (tenant, id),
    unique (tenant, key)
);

create index flows_due on flows (wake_at) where state in ('waiting', 'parked');
create index flows_leased on flows (lease_until) where state = 'running';
create index flows_parked on flows (tenant) where state = 'parked';

create table flow_steps (
    tenant uuid not null,
    flow bigint not null,
    name text not null,
    attempts integer not null,
    result jsonb,  -- null: begun, and not known to be done
    primary key (tenant, flow, name),
    foreign key (tenant, flow) references flows on delete cascade
);

do $$
declare name text;
begin
    foreach name in array array['flows', 'flow_steps'] loop
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

create policy queue_door on flows to cordpair_queue using (true) with check (true);
grant select (tenant, id, kind, version, state, wake_at, lease_until, claim) on flows to cordpair_queue;
grant update (state, wake_at, lease_until, claim) on flows to cordpair_queue;
