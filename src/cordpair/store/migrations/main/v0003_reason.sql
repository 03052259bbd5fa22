-- `reason` keeps only classes of failure.
alter table outbox add column reason_sealed bytea;
alter table outbox alter reason_sealed set statistics 0;
