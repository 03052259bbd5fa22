-- The main database from the first day. Rules: every key and every foreign key begins with the tenant; personal text
-- is ciphertext (columns named `sealed`, `..._sealed`) without planner statistics; no instant is the database's own.

do $$
declare name text;
begin
    foreach name in array array['cordpair_app', 'cordpair_queue'] loop
        begin
            if not exists (select from pg_roles where rolname = name) then
                execute format('create role %I nologin nosuperuser nobypassrls nocreatedb nocreaterole', name);
            end if;
        exception when duplicate_object or unique_violation then
            null; -- another database of this server was set up at the same moment
        end;
        begin
            if session_user <> name then
                execute format('grant %I to current_user', name);
            end if;
        exception when insufficient_privilege or invalid_grant_operation or unique_violation then
            null; -- the roles were made by a database administrator, who has granted them
        end;
    end loop;
end $$;

create table tenants (
    tenant uuid primary key,
    name text not null,
    region text not null,
    time_zone text not null,
    revision bigint not null  -- counts changes of the setup, so that running nodes take them up
);

create table registrations (
    tenant uuid not null references tenants on delete cascade,
    registration text not null,
    client_id text not null,
    bot_id text not null,
    bot_name text not null,
    secret_sealed bytea not null,
    primary key (tenant, registration)
);

-- Not unique: a unique key over tenants would tell one tenant what another one has.
create index registrations_directory on registrations (registration);

create table crm_setups (
    tenant uuid primary key references tenants on delete cascade,
    connector text not null,
    settings jsonb not null,
    secrets_sealed bytea not null
);

create table queues (
    tenant uuid not null references tenants on delete cascade,
    queue text not null,
    position integer not null,
    active boolean not null,
    service_level_s double precision not null,
    body jsonb not null,
    primary key (tenant, queue)
);

create table agents (
    tenant uuid not null references tenants on delete cascade,
    agent text not null,
    active boolean not null,
    queues text[] not null,
    skills text[] not null,
    locale text not null,
    state text not null,
    since timestamptz not null,
    idle_since timestamptz not null,
    call text,
    body jsonb not null,
    name_sealed bytea not null,
    primary key (tenant, agent)
);

create table calls (
    tenant uuid not null references tenants on delete cascade,
    call text not null,
    state text not null,
    queue text,
    sequence bigint not null,
    heard_at timestamptz not null,
    arrived_at timestamptz,
    connected_at timestamptz,
    ended_at timestamptz,
    closed_at timestamptz,
    agent text,
    outcome text,
    body jsonb not null,
    sealed bytea not null,
    primary key (tenant, call)
);

create index calls_live on calls (tenant) where state <> 'closed';
create index calls_closed on calls (tenant, closed_at) where closed_at is not null;
create index calls_arrived on calls (tenant, arrived_at, queue);
create index calls_sequence on calls (tenant, sequence);

create table legs (
    tenant uuid not null,
    call text not null,
    number integer not null,
    agent text,
    joined_at timestamptz not null,
    left_at timestamptz,
    primary key (tenant, call, number),
    foreign key (tenant, call) references calls on delete cascade
);

create table offers (
    tenant uuid not null,
    call text not null,
    number integer not null,
    agent text not null,
    state text not null check (state in ('ringing', 'accepted', 'ended')),
    made_at timestamptz not null,
    ended_at timestamptz,
    why text,
    primary key (tenant, call, number),
    foreign key (tenant, call) references calls on delete cascade
);

-- A wrong decision cannot be committed.
create unique index offers_one_accepted on offers (tenant, call) where state = 'accepted' and ended_at is null;
create unique index offers_one_live on offers (tenant, call, agent) where state = 'ringing';
create unique index offers_one_ring on offers (tenant, agent) where state = 'ringing';

create table history (
    tenant uuid not null references tenants on delete cascade,
    id bigint generated always as identity,
    at timestamptz not null,
    call text,
    agent text,
    what text not null,
    before text not null,
    after text not null,
    detail jsonb not null,
    primary key (tenant, id)
);

create index history_of_call on history (tenant, call, id);

create table timers (
    tenant uuid not null references tenants on delete cascade,
    key text not null,
    run_at timestamptz not null,
    body jsonb not null,
    primary key (tenant, key)
);

create index timers_due on timers (run_at);
create index timers_due_in_tenant on timers (tenant, run_at);

create table outbox (
    tenant uuid not null references tenants on delete cascade,
    id bigint generated always as identity,
    key text not null,
    lane smallint not null,
    kind text not null,
    call text not null,
    state text not null check (state in ('ready', 'claimed', 'sending', 'done', 'parked')),
    run_at timestamptz not null,
    lease_until timestamptz,
    attempts integer not null,
    unknown boolean not null,
    since timestamptz not null,
    reason text not null,
    body jsonb not null,
    primary key (tenant, id),
    unique (tenant, key)
);

create index outbox_ready on outbox (tenant, lane, run_at) where state = 'ready';
create index outbox_ready_at on outbox (run_at) where state = 'ready';
create index outbox_leased on outbox (lease_until) where state in ('claimed', 'sending');
create index outbox_parked on outbox (tenant) where state = 'parked';
create index outbox_of_call on outbox (tenant, call);

create table inbox (
    tenant uuid not null references tenants on delete cascade,
    id bigint generated always as identity,
    source text not null,
    key text not null,
    received_at timestamptz not null,
    state text not null check (state in ('new', 'folded', 'parked')),
    attempts integer not null,
    error text not null,
    folded_at timestamptz,
    sealed bytea not null,
    result_sealed bytea,
    primary key (tenant, id),
    unique (tenant, source, key)
);

create index inbox_new on inbox (tenant, id) where state = 'new';
create index inbox_parked on inbox (tenant) where state = 'parked';

create table leases (
    tenant uuid primary key references tenants on delete cascade,
    owner text not null,
    epoch bigint not null,
    expires_at timestamptz not null,
    unique (tenant, owner, epoch) -- makes these three the row's key: see the second door's lease
);

create table cards (
    tenant uuid not null references tenants on delete cascade,
    call text not null,
    agent text not null,
    activity_id text not null,
    number integer not null,
    primary key (tenant, call, agent)
);

create table chats (
    tenant uuid not null references tenants on delete cascade,
    agent text not null,
    sealed bytea not null,
    primary key (tenant, agent)
);

create table pending_items (
    tenant uuid not null,
    call text not null,
    reason text not null,
    since timestamptz not null,
    primary key (tenant, call),
    foreign key (tenant, call) references calls on delete cascade
);

create table parties (
    tenant uuid not null references tenants on delete cascade,
    connector text not null,
    party text not null,
    sealed bytea not null,
    primary key (tenant, connector, party)
);

-- `hash` is a keyed hash: of the E.164 number (kind 'e164') or of its last seven digits (kind 'suffix').
create table party_phones (
    tenant uuid not null,
    hash bytea not null,
    kind text not null check (kind in ('e164', 'suffix')),
    connector text not null,
    party text not null,
    primary key (tenant, hash, connector, party),
    foreign key (tenant, connector, party) references parties on delete cascade
);

create index party_phones_of_party on party_phones (tenant, connector, party);

create table sync_bookmarks (
    tenant uuid not null references tenants on delete cascade,
    connector text not null,
    bookmark text not null,
    at timestamptz not null,
    primary key (tenant, connector)
);

create table subscriptions (
    tenant uuid not null references tenants on delete cascade,
    kind text not null,
    graph_id text not null,
    expires_at timestamptz not null,
    client_state_sealed bytea not null,
    primary key (tenant, kind)
);

-- Values of these columns must not live on as samples in the planner's statistics.
alter table registrations alter secret_sealed set statistics 0;
alter table crm_setups alter secrets_sealed set statistics 0;
alter table agents alter name_sealed set statistics 0, alter body set statistics 0;
alter table calls alter sealed set statistics 0, alter body set statistics 0;
alter table inbox alter sealed set statistics 0, alter result_sealed set statistics 0;
alter table chats alter sealed set statistics 0;
alter table parties alter sealed set statistics 0;
alter table party_phones alter hash set statistics 0;
alter table subscriptions alter client_state_sealed set statistics 0;

do $$
declare name text;
begin
    foreach name in array array[
        'tenants', 'registrations', 'crm_setups', 'queues', 'agents', 'calls', 'legs', 'offers', 'history', 'timers',
        'outbox', 'inbox', 'leases', 'cards', 'chats', 'pending_items', 'parties', 'party_phones', 'sync_bookmarks',
        'subscriptions'
    ] loop
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
    foreach name in array array['tenants', 'registrations', 'inbox', 'timers', 'outbox', 'leases'] loop
        execute format('create policy queue_door on %I to cordpair_queue using (true) with check (true)', name);
    end loop;
end $$;

-- The second door sees whose turn it is, never what it is about.
grant select (tenant, revision) on tenants to cordpair_queue;
grant select (tenant, registration) on registrations to cordpair_queue;
grant select (tenant, id, state, received_at) on inbox to cordpair_queue;
grant select (tenant, run_at) on timers to cordpair_queue;
grant select (tenant, id, lane, run_at, state, lease_until, attempts, unknown) on outbox to cordpair_queue;
grant update (state, lease_until, unknown) on outbox to cordpair_queue;
grant select, insert, update on leases to cordpair_queue;

-- The owner is decided at the second door; the first one reads it and holds it still while it commits.
revoke insert, update, delete on leases from cordpair_app;
grant update (expires_at) on leases to cordpair_app;
