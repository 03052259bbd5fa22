-- `quota` holds the limits of the registration and what is done at each step (core/quota.py).
alter table registrations add column secret_expires_at timestamptz;
alter table registrations add column quota jsonb not null default '{}';
alter table tenants add column fallback_user text not null default '';
