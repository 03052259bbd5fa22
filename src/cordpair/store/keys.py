"""The key store: keys of tenants and subjects, in a database of their own."""

from collections import OrderedDict
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from datetime import date

import structlog

from cordpair.core.ids import TenantId
from cordpair.errors import PermanentFailure
from cordpair.store.databases import Connection, Pool
from cordpair.store.faults import translated
from cordpair.store.sealing import (
    KEY_BYTES,
    Keyring,
    TenantKey,
    Unreadable,
    day_subject,
    decrypt,
    encrypt,
    new_key,
    place,
)
from cordpair.store.signing import Signing

log = structlog.get_logger(__name__)

_REMEMBERED = 100_000  # subject keys in memory


class KeyStore:
    """Finds, makes and destroys keys; remembers the ones used last."""

    def __init__(self, pool: Pool, operator_key: bytes) -> None:
        if len(operator_key) != KEY_BYTES:
            raise PermanentFailure(f"CORDPAIR_OPERATOR_KEY: must be {KEY_BYTES} bytes in base64")
        self._pool = pool
        self._operator_key = operator_key
        self.signing = Signing(operator_key)
        self._tenants: dict[TenantId, TenantKey] = {}
        self._subjects: OrderedDict[tuple[TenantId, str], bytes] = OrderedDict()

    async def tenant_key(self, tenant: TenantId) -> TenantKey:
        """The tenant's key, made at the first call. Raises PermanentFailure when the operator's key does not fit."""
        known = self._tenants.get(tenant)
        if known is None:
            known = self._tenants[tenant] = await self._find_or_make_tenant_key(tenant)
        return known

    async def for_reading(self, tenant: TenantId, subjects: Collection[str]) -> Keyring:
        """Keys of these subjects, as far as they exist: a destroyed key is not made again."""
        found, missing = self._remembered(tenant, subjects)
        if missing:
            tenant_key = await self.tenant_key(tenant)
            async with self._transaction(tenant) as connection:
                found |= await _select(connection, tenant, tenant_key, missing)
            self._remember(tenant, found)
        return Keyring(tenant, found)

    async def for_writing(self, tenant: TenantId, subjects: Collection[str]) -> Keyring:
        """Keys of these subjects; missing ones are made and committed before this returns, all in one insert."""
        found, missing = self._remembered(tenant, subjects)
        if missing:
            tenant_key = await self.tenant_key(tenant)
            async with self._transaction(tenant) as connection:
                found |= await _insert(connection, tenant, tenant_key, missing)
                others = [subject for subject in missing if subject not in found]
                if others:
                    found |= await _select(connection, tenant, tenant_key, others)
            self._remember(tenant, found)
        return Keyring(tenant, found)

    async def destroy(self, tenant: TenantId, subjects: Collection[str]) -> int:
        """Destroy the keys of these subjects: what they sealed is erased everywhere. Returns how many there were.

        The wrapped bytes of a deleted row stay in the key database's files until they are rewritten; the nightly purge
        does that (`VACUUM FULL`), and backups of the key database live days only.
        """
        async with self._transaction(tenant) as connection:
            gone = await connection.fetch(
                "delete from subject_keys where tenant = $1 and subject = any($2::text[]) returning subject",
                tenant,
                list(subjects),
            )
        for subject in subjects:
            self._subjects.pop((tenant, subject), None)
        return len(gone)

    async def destroy_days(self, tenant: TenantId, what: str, before: date) -> int:
        """Destroy the keys of days before `before`; returns how many days. `what` is intake, audit or setup."""
        async with self._transaction(tenant) as connection:
            rows = await connection.fetch(
                "select subject from subject_keys where tenant = $1 and subject >= $2 and subject < $3",
                tenant,
                f"{what}:",
                day_subject(what, before),
            )
        return await self.destroy(tenant, [row["subject"] for row in rows])

    def _remembered(self, tenant: TenantId, subjects: Collection[str]) -> tuple[dict[str, bytes], list[str]]:
        found: dict[str, bytes] = {}
        missing: list[str] = []
        for subject in dict.fromkeys(subjects):
            key = self._subjects.get((tenant, subject))
            if key is None:
                missing.append(subject)
            else:
                self._subjects.move_to_end((tenant, subject))
                found[subject] = key
        return found, missing

    def _remember(self, tenant: TenantId, keys: dict[str, bytes]) -> None:
        for subject, key in keys.items():
            self._subjects[tenant, subject] = key
        while len(self._subjects) > _REMEMBERED:
            self._subjects.popitem(last=False)

    async def _find_or_make_tenant_key(self, tenant: TenantId) -> TenantKey:
        associated = place(tenant, "tenant_keys.wrapped", "")
        async with self._transaction(tenant) as connection:
            await connection.execute(
                "insert into tenant_keys (tenant, wrapped) values ($1, $2) on conflict do nothing",
                tenant,
                encrypt(self._operator_key, new_key(), associated),
            )
            wrapped = await connection.fetchval("select wrapped from tenant_keys where tenant = $1", tenant)
        try:
            return TenantKey(tenant, decrypt(self._operator_key, wrapped, associated))
        except Unreadable as exc:
            raise PermanentFailure(
                "CORDPAIR_OPERATOR_KEY: this is not the key that this tenant was sealed with"
            ) from exc

    @asynccontextmanager
    async def _transaction(self, tenant: TenantId) -> AsyncIterator[Connection]:
        with translated("key store"):
            async with self._pool.acquire() as connection, connection.transaction():
                await connection.execute("select set_config('app.tenant', $1, true)", tenant)
                yield connection


async def _insert(connection: Connection, tenant: TenantId, key: TenantKey, subjects: list[str]) -> dict[str, bytes]:
    made = {subject: new_key() for subject in subjects}
    rows = await connection.fetch(
        "insert into subject_keys (tenant, subject, wrapped) select $1, s, w from unnest($2::text[], $3::bytea[]) "
        "as t (s, w) on conflict do nothing returning subject",
        tenant,
        subjects,
        [key.wrap(subject, made[subject]) for subject in subjects],
    )
    return {row["subject"]: made[row["subject"]] for row in rows}


async def _select(connection: Connection, tenant: TenantId, key: TenantKey, subjects: list[str]) -> dict[str, bytes]:
    rows = await connection.fetch(
        "select subject, wrapped from subject_keys where tenant = $1 and subject = any($2::text[])", tenant, subjects
    )
    return {row["subject"]: key.unwrap(row["subject"], row["wrapped"]) for row in rows}
