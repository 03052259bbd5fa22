-- What the administrator sets of an agent beyond the names of queues and skills, as one value.
alter table agents add column ability jsonb not null default '{}';
alter table agents alter ability set statistics 0;
