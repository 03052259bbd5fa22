"""The phone index: parties of the CRMs, found by keyed hashes of their numbers."""

import contextlib
from collections.abc import Collection, Sequence
from typing import Literal

import asyncpg
import msgspec

from cordpair.core.ids import PartyRef
from cordpair.core.party import PartyRecord
from cordpair.store.party_writing import SEALED, IndexedParty, IndexedPhone, hashes_of, write
from cordpair.store.scope import Scope
from cordpair.store.sealing import TenantKey, Unreadable, party_subject

_SUFFIX_DIGITS = 7


__all__ = ["IndexedParty", "IndexedPhone", "Parties", "PartyHit", "SharedNumber", "hashes_of"]


class PartyHit(msgspec.Struct, frozen=True, kw_only=True):
    """A party that has the number (`by` e164), or one whose last seven digits are the same (`by` suffix)."""

    record: PartyRecord
    matched: IndexedPhone
    by: Literal["e164", "suffix"]


class SharedNumber(msgspec.Struct, frozen=True, kw_only=True):
    """A number that several parties have."""

    e164: str
    parties: tuple[PartyRecord, ...]


class Parties:
    """The phone index of one tenant."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    async def upsert(self, batch: Sequence[IndexedParty]) -> None:
        """Write parties with exactly these numbers. Meant for hundreds or thousands at a time."""
        newest = {party.record.ref: party for party in batch}
        await write(self._scope, list(newest.values()))

    async def remove(self, refs: Sequence[PartyRef]) -> None:
        """Take parties out of the index, with their numbers."""
        await self._scope.connection.execute(
            "delete from parties using unnest($2::text[], $3::text[]) as t (c, p) "
            "where tenant = $1 and connector = c and party = p",
            self._scope.tenant,
            [ref.connector for ref in refs],
            [ref.id for ref in refs],
        )

    async def count(self) -> int:
        number: int = await self._scope.connection.fetchval(
            "select count(*) from parties where tenant = $1", self._scope.tenant
        )
        return number

    async def key(self) -> TenantKey:
        """What makes the hashes of this tenant."""
        return await self._scope.tenant_key()

    async def hashes(self, after: bytes, most: int) -> list[tuple[bytes, PartyRef]]:
        """At most about so many hashes in their order, from behind `after` on; all of the last one."""
        rows = await self._scope.connection.fetch(
            "select hash, connector, party from party_phones where tenant = $1 and hash > $2 and hash <= coalesce("
            "(select hash from party_phones where tenant = $1 and hash > $2 order by hash offset $3 limit 1), $4) "
            "order by hash",
            self._scope.tenant,
            after,
            most,
            bytes([255] * 16),
        )
        return [(row["hash"], PartyRef(row["connector"], row["party"])) for row in rows]

    async def load(self, refs: Collection[PartyRef]) -> dict[PartyRef, IndexedParty]:
        """Parties by their names; unknown ones are left out."""
        rows = await self._scope.connection.fetch(
            "select p.connector, p.party, p.sealed from unnest($2::text[], $3::text[]) as t (c, i) "
            "join parties p on p.tenant = $1 and p.connector = c and p.party = i",
            self._scope.tenant,
            [ref.connector for ref in refs],
            [ref.id for ref in refs],
        )
        return {party.record.ref: party for party in await self._opened(rows)}

    async def page(self, connector: str, after: str, most: int) -> list[IndexedParty]:
        """At most so many parties of a CRM in the order of their ids, from behind `after` on."""
        rows = await self._scope.connection.fetch(
            "select connector, party, sealed from parties where tenant = $1 and connector = $2 and party > $3 "
            "order by party limit $4",
            self._scope.tenant,
            connector,
            after,
            most,
        )
        return await self._opened(rows)

    async def shared(self, least: int, most: int = 1_000) -> list[SharedNumber]:
        """Numbers that at least `least` parties have, the most shared first; `most` of them."""
        key = await self._scope.tenant_key()
        rows = await self._scope.connection.fetch(
            "select hash, array_agg(distinct connector || chr(10) || party) as refs from party_phones "
            "where tenant = $1 and kind = 'e164' group by hash having count(distinct (connector, party)) >= $2 "
            "order by count(*) desc, hash limit $3",
            self._scope.tenant,
            least,
            most,
        )
        groups = {row["hash"]: [PartyRef(*ref.split("\n", 1)) for ref in row["refs"]] for row in rows}
        known = await self.load({ref for refs in groups.values() for ref in refs})
        found = []
        for hashed, refs in groups.items():
            parties = [known[ref] for ref in sorted(refs, key=lambda ref: (ref.connector, ref.id)) if ref in known]
            numbers = {phone.e164 for party in parties for phone in party.phones}
            number = next((one for one in sorted(numbers) if key.look_up_hash("e164", one) == hashed), None)
            if number is not None:
                found.append(SharedNumber(e164=number, parties=tuple(party.record for party in parties)))
        return found

    async def find(self, e164: str) -> list[PartyHit]:
        """Parties with this number, exact ones first."""
        return (await self.find_many([e164]))[e164]

    async def find_many(self, numbers: Sequence[str]) -> dict[str, list[PartyHit]]:
        """Parties of many numbers with one query; a number that nobody has maps to an empty list."""
        key = await self._scope.tenant_key()
        hashes = {wanted: number for number in numbers for wanted in hashes_of(key, number).values()}
        rows = await self._scope.connection.fetch(
            "select distinct p.connector, p.party, p.sealed from party_phones h join parties p "
            "on p.tenant = h.tenant and p.connector = h.connector and p.party = h.party "
            "where h.tenant = $1 and h.hash = any($2::bytea[]) order by p.connector, p.party",
            self._scope.tenant,
            list(hashes),
        )
        parties = await self._opened(rows)
        return {number: _hits(number, parties) for number in numbers}

    async def _opened(self, rows: Sequence[asyncpg.Record]) -> list[IndexedParty]:
        """Who stands sealed in these rows; without those whose key is gone."""
        subjects = [party_subject(PartyRef(row["connector"], row["party"])) for row in rows]
        keys = await self._scope.reading(subjects)
        parties = []
        for subject, row in zip(subjects, rows, strict=True):
            with contextlib.suppress(Unreadable):
                parties.append(_decoder.decode(keys.open(SEALED, subject, row["sealed"], subject)))
        return parties


def _hits(number: str, parties: Sequence[IndexedParty]) -> list[PartyHit]:
    hits = [hit for party in parties if (hit := _hit(number, party)) is not None]
    return sorted(hits, key=lambda hit: hit.by)  # e164 before suffix


def _hit(number: str, party: IndexedParty) -> PartyHit | None:
    for phone in party.phones:
        if phone.e164 == number:
            return PartyHit(record=party.record, matched=phone, by="e164")
    for phone in party.phones:
        if phone.e164[-_SUFFIX_DIGITS:] == number[-_SUFFIX_DIGITS:]:
            return PartyHit(record=party.record, matched=phone, by="suffix")
    return None


_decoder = msgspec.json.Decoder(IndexedParty)
