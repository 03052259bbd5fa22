"""The phone index: parties of the CRMs, found by keyed hashes of their numbers."""

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from cordpair.core.ids import PartyRef
from cordpair.core.party import PartyRecord
from cordpair.store.scope import Scope
from cordpair.store.sealing import TenantKey, party_subject

_SEALED = "parties.sealed"
_SUFFIX_DIGITS = 7


class IndexedPhone(msgspec.Struct, frozen=True):
    """A number of a party, readable as E.164, with the CRM's label."""

    e164: str
    label: str = ""


class IndexedParty(msgspec.Struct, frozen=True):
    """A party and the numbers by which it shall be found."""

    record: PartyRecord
    phones: tuple[IndexedPhone, ...] = ()


class PartyHit(msgspec.Struct, frozen=True, kw_only=True):
    """A party that has the number (`by` e164), or one whose last seven digits are the same (`by` suffix)."""

    record: PartyRecord
    matched: IndexedPhone
    by: Literal["e164", "suffix"]


class Parties:
    """The phone index of one tenant."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    async def upsert(self, batch: Sequence[IndexedParty]) -> None:
        """Write parties with exactly these numbers. Meant for hundreds or thousands at a time."""
        newest = {party_subject(party.record.ref): party for party in batch}
        if not newest:
            return
        await self._put_parties(newest)
        await self._put_phones(list(newest.values()))

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

    async def find(self, e164: str) -> list[PartyHit]:
        """Parties with this number, exact ones first."""
        return (await self.find_many([e164]))[e164]

    async def find_many(self, numbers: Sequence[str]) -> dict[str, list[PartyHit]]:
        """Parties of many numbers with one query; a number that nobody has maps to an empty list."""
        key = await self._scope.tenant_key()
        hashes = {wanted: number for number in numbers for wanted in _hashes(key, number).values()}
        rows = await self._scope.connection.fetch(
            "select distinct p.connector, p.party, p.sealed from party_phones h join parties p "
            "on p.tenant = h.tenant and p.connector = h.connector and p.party = h.party "
            "where h.tenant = $1 and h.hash = any($2::bytea[]) order by p.connector, p.party",
            self._scope.tenant,
            list(hashes),
        )
        keys = await self._scope.reading([party_subject(PartyRef(row["connector"], row["party"])) for row in rows])
        parties = []
        for row in rows:
            subject = party_subject(PartyRef(row["connector"], row["party"]))
            parties.append(_decoder.decode(keys.open(_SEALED, subject, row["sealed"], subject)))
        return {number: _hits(number, parties) for number in numbers}

    async def _put_parties(self, parties: Mapping[str, IndexedParty]) -> None:
        keys = await self._scope.writing(list(parties))
        refs = [party.record.ref for party in parties.values()]
        await self._scope.connection.execute(
            "insert into parties (tenant, connector, party, sealed) "
            "select $1, * from unnest($2::text[], $3::text[], $4::bytea[]) "
            "on conflict (tenant, connector, party) do update set sealed = excluded.sealed",
            self._scope.tenant,
            [ref.connector for ref in refs],
            [ref.id for ref in refs],
            [keys.seal(_SEALED, subject, _encoder.encode(party), subject) for subject, party in parties.items()],
        )

    async def _put_phones(self, parties: Sequence[IndexedParty]) -> None:
        key = await self._scope.tenant_key()
        rows = {
            (hashed, kind, party.record.ref.connector, party.record.ref.id)
            for party in parties
            for phone in party.phones
            for kind, hashed in _hashes(key, phone.e164).items()
        }
        await self._scope.connection.execute(
            "delete from party_phones using unnest($2::text[], $3::text[]) as t (c, p) "
            "where tenant = $1 and connector = c and party = p",
            self._scope.tenant,
            [party.record.ref.connector for party in parties],
            [party.record.ref.id for party in parties],
        )
        if rows:
            await self._scope.connection.execute(
                "insert into party_phones (tenant, hash, kind, connector, party) "
                "select $1, * from unnest($2::bytea[], $3::text[], $4::text[], $5::text[])",
                self._scope.tenant,
                *(list(column) for column in zip(*rows, strict=True)),
            )


def _hashes(key: TenantKey, e164: str) -> dict[str, bytes]:
    return {"e164": key.look_up_hash("e164", e164), "suffix": key.look_up_hash("suffix", e164[-_SUFFIX_DIGITS:])}


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


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(IndexedParty)
