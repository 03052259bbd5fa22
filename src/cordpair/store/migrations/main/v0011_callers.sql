-- What is known of callers beside the phone index; all of it goes with its party.

-- Whom an agent chose for a number (`hash`, keyed): `weight` as of `at`, halved every ninety days.
create table caller_choices (
    tenant uuid not null,
    hash bytea not null,
    connector text not null,
    party text not null,
    weight double precision not null,
    at timestamptz not null,
    primary key (tenant, hash, connector, party),
    foreign key (tenant, connector, party) references parties on delete cascade
);
create index caller_choices_of_party on caller_choices (tenant, connector, party);

-- The last call with a party.
create table party_contacts (
    tenant uuid not null,
    connector text not null,
    party text not null,
    agent text,
    queue text,
    at timestamptz not null,
    primary key (tenant, connector, party),
    foreign key (tenant, connector, party) references parties on delete cascade
);

-- Ranges of numbers of companies: `hash` of a root and how many `digits` follow it (0: any), and who stands for the company.
create table party_trunks (
    tenant uuid not null,
    hash bytea not null,
    connector text not null,
    party text not null,
    origin text not null,
    is_person boolean not null,
    digits smallint not null,
    primary key (tenant, hash, connector, party),
    foreign key (tenant, connector, party) references parties on delete cascade
);
create index party_trunks_of_party on party_trunks (tenant, connector, party);


do $$
declare name text;
begin
    foreach name in array array['caller_choices', 'party_contacts', 'party_trunks'] loop
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

alter table caller_choices alter hash set statistics 0;
alter table party_trunks alter hash set statistics 0;
