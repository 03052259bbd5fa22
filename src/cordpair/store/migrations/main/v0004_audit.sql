create table audit_records (
    tenant uuid not null references tenants on delete cascade,
    number bigint not null,
    at timestamptz not null,
    actor text not null,
    action text not null,
    target text not null,
    detail_sealed bytea not null,
    salt bytea not null,
    primary key (tenant, number)
);

alter table audit_records alter detail_sealed set statistics 0, alter salt set statistics 0;

create table audit_chain (
    tenant uuid not null references tenants on delete cascade,
    number bigint not null check (number > 0),
    day date not null,
    commitment bytea not null,
    previous bytea not null,
    digest bytea not null,
    primary key (tenant, number),
    unique (tenant, previous)  -- two entries never follow the same one
);

create table audit_heads (
    tenant uuid primary key references tenants on delete cascade,
    number bigint not null,
    digest bytea not null,
    signer bytea not null,
    signature bytea not null
);

create table audit_checkpoints (
    tenant uuid not null references tenants on delete cascade,
    number bigint not null,
    day date not null,
    digest bytea not null,
    signer bytea not null,
    signature bytea not null,
    primary key (tenant, number)
);

-- The product's own role drops an entry only when a checkpoint vouches for it and its record is gone.
create function audit_entry_is_dropped() returns trigger language plpgsql as $$
begin
    if not exists (select from audit_checkpoints c where c.tenant = old.tenant and c.number >= old.number)
        or exists (select from audit_records r where r.tenant = old.tenant and r.number = old.number)
    then
        raise exception 'an entry of the audit trail stays' using errcode = 'restrict_violation';
    end if;
    return old;
end $$;

create trigger audit_entry_stays before delete on audit_chain for each row
    when (current_user = 'cordpair_app') execute function audit_entry_is_dropped();

do $$
declare name text;
begin
    foreach name in array array['audit_records', 'audit_chain', 'audit_heads', 'audit_checkpoints'] loop
        execute format('alter table %I enable row level security', name);
        execute format('alter table %I force row level security', name);
        execute format(
            'create policy tenant_door on %I to cordpair_app '
            'using (tenant = (select nullif(current_setting(''app.tenant'', true), '''')::uuid)) '
            'with check (tenant = (select nullif(current_setting(''app.tenant'', true), '''')::uuid))',
            name
        );
    end loop;
end $$;

-- Nothing that was written down is changed; only the head moves on.
grant select, insert, delete on audit_records, audit_chain, audit_checkpoints to cordpair_app;
grant select, insert, update on audit_heads to cordpair_app;
