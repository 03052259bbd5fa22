-- What a peer (graph, bot, crm) has asked of a tenant: written when it asks for less, read by the next owner.
create table peers (
    tenant uuid not null references tenants on delete cascade,
    peer text not null,
    since timestamptz not null,
    until timestamptz not null,
    bulk_until timestamptz not null,
    share double precision not null,
    primary key (tenant, peer)
);

alter table peers enable row level security;
alter table peers force row level security;
create policy tenant_door on peers to cordpair_app
    using (tenant = (select nullif(current_setting('app.tenant', true), '')::uuid))
    with check (tenant = (select nullif(current_setting('app.tenant', true), '')::uuid));
grant select, insert, update, delete on peers to cordpair_app;
