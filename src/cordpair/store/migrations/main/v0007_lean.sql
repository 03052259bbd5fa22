-- Nobody asks by these.
drop index if exists outbox_ready_at;
drop index if exists outbox_of_call;
drop index if exists timers_due_in_tenant;

-- An update that changes no indexed column, predicates included, writes no index at all where its page has room. A call
-- that stands changes its state often, and has no end until it is closed.
drop index if exists calls_live;
create index calls_live on calls (tenant) where closed_at is null;
alter table calls set (fillfactor = 60);
alter table agents set (fillfactor = 50);
alter table leases set (fillfactor = 50);

-- These rows are written by the tenant's door only, which opens for no tenant that is not there; a look at the tenant's
-- row for each of them costs more than the row. Whoever removes a tenant removes them by themselves.
alter table inbox drop constraint if exists inbox_tenant_fkey;
alter table outbox drop constraint if exists outbox_tenant_fkey;
alter table history drop constraint if exists history_tenant_fkey;
alter table timers drop constraint if exists timers_tenant_fkey;
