-- Sounds that callers hear: uploaded, or spoken once from a text of the setup. `sound` is the hash of what it was made
-- from, so the same is kept once; `samples` are 16 kHz, mono, 16-bit PCM. A prompt is a sound by name.
create table sounds (
    tenant uuid not null references tenants on delete cascade,
    sound text not null,
    seconds double precision not null,
    made_at timestamptz not null,
    samples bytea not null,
    primary key (tenant, sound)
);

create table prompts (
    tenant uuid not null,
    name text not null,
    sound text not null,
    version integer not null check (version > 0),
    added_at timestamptz not null,
    primary key (tenant, name),
    foreign key (tenant, sound) references sounds
);

alter table sounds alter samples set storage external;
alter table sounds alter samples set statistics 0;

do $$
declare name text;
begin
    foreach name in array array['sounds', 'prompts'] loop
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
