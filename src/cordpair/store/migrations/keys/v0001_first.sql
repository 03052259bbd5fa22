-- The key database. It lives apart from the main one and never enters its backups: a key that is gone here is gone.

do $$
begin
    begin
        if not exists (select from pg_roles where rolname = 'cordpair_keys') then
            create role cordpair_keys nologin nosuperuser nobypassrls nocreatedb nocreaterole;
        end if;
    exception when duplicate_object or unique_violation then
        null; -- another database of this server was set up at the same moment
    end;
    begin
        grant cordpair_keys to current_user;
    exception when insufficient_privilege or invalid_grant_operation or unique_violation then
        null; -- the role was made by a database administrator, who has granted it
    end;
end $$;

create table tenant_keys (
    tenant uuid primary key,
    wrapped bytea not null
);

create table subject_keys (
    tenant uuid not null,
    subject text not null,
    wrapped bytea not null,
    primary key (tenant, subject),
    foreign key (tenant) references tenant_keys on delete cascade
);

alter table tenant_keys alter wrapped set statistics 0;
alter table subject_keys alter wrapped set statistics 0;

do $$
declare name text;
begin
    foreach name in array array['tenant_keys', 'subject_keys'] loop
        execute format('alter table %I enable row level security', name);
        execute format('alter table %I force row level security', name);
        execute format(
            'create policy tenant_door on %I to cordpair_keys '
            'using (tenant = (select nullif(current_setting(''app.tenant'', true), '''')::uuid)) '
            'with check (tenant = (select nullif(current_setting(''app.tenant'', true), '''')::uuid))',
            name
        );
    end loop;
end $$;

grant select, insert, delete on tenant_keys to cordpair_keys;
grant select, insert, delete on subject_keys to cordpair_keys;
