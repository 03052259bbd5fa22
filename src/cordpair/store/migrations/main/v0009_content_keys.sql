-- The key pairs of a subscription that asked for encrypted content, newest first; null where nothing comes encrypted.
alter table subscriptions add column content_keys_sealed bytea;
alter table subscriptions alter content_keys_sealed set statistics 0;
