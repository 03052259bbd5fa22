"""Writing the phone index: parties sealed, their numbers as keyed hashes, many at a time.

While PostgreSQL writes one chunk, the next one is sealed and its keys are made: of a long batch two thirds are waiting.
"""

import asyncio
import itertools
from collections.abc import Iterator, Sequence

import msgspec

from cordpair.core.ids import PartyRef
from cordpair.core.party import PartyRecord
from cordpair.store.scope import Scope
from cordpair.store.sealing import TenantKey, party_subject

SEALED = "parties.sealed"
_SUFFIX_DIGITS = 7
_CHUNK = 500


class IndexedPhone(msgspec.Struct, frozen=True, omit_defaults=True):
    """A number of a party, readable as E.164, with the CRM's label.

    `root` is what the spelling marks off as a company's range (core.trunk), `is_valid` libphonenumber's word.
    """

    e164: str
    label: str = ""
    root: str = ""
    is_valid: bool = False


class IndexedParty(msgspec.Struct, frozen=True):
    """A party and the numbers by which it shall be found."""

    record: PartyRecord
    phones: tuple[IndexedPhone, ...] = ()


class _Chunk(msgspec.Struct, frozen=True):
    """What is written: columns of the parties, and rows (hash, kind, connector, party) of their numbers."""

    connectors: list[str]
    ids: list[str]
    sealed: list[bytes]
    phones: list[tuple[bytes, str, str, str]]


async def write(scope: Scope, parties: Sequence[IndexedParty]) -> None:
    """Write parties with exactly these numbers; no party may stand among them twice."""
    key, writing = await scope.tenant_key(), None
    try:
        for chunk in _chunks(parties):
            prepared = await _prepared(scope, key, chunk)
            if writing is not None:
                await writing
            writing = asyncio.create_task(_put(scope, prepared))
        if writing is not None:
            await writing
    except BaseException:
        if writing is not None:  # the connection is not free for a rollback before
            await asyncio.gather(writing, return_exceptions=True)
        raise


def hashes_of(key: TenantKey, e164: str) -> dict[str, bytes]:
    """By what a number is found: itself, and its last seven digits."""
    return {"e164": key.look_up_hash("e164", e164), "suffix": key.look_up_hash("suffix", e164[-_SUFFIX_DIGITS:])}


def _chunks(parties: Sequence[IndexedParty]) -> Iterator[tuple[IndexedParty, ...]]:
    rest = iter(parties)
    while chunk := tuple(itertools.islice(rest, _CHUNK)):
        yield chunk


async def _prepared(scope: Scope, key: TenantKey, parties: Sequence[IndexedParty]) -> _Chunk:
    subjects = [party_subject(party.record.ref) for party in parties]
    keys = await scope.writing(subjects)
    phones = {
        (hashed, kind, party.record.ref.connector, party.record.ref.id)
        for party in parties
        for phone in party.phones
        for kind, hashed in hashes_of(key, phone.e164).items()
    }
    return _Chunk(
        connectors=[party.record.ref.connector for party in parties],
        ids=[party.record.ref.id for party in parties],
        sealed=[
            keys.seal(SEALED, subject, _encoder.encode(party), subject)
            for subject, party in zip(subjects, parties, strict=True)
        ],
        phones=sorted(phones),  # in the order of the index that they go into
    )


async def _put(scope: Scope, chunk: _Chunk) -> None:
    rows = await scope.connection.fetch(
        "insert into parties (tenant, connector, party, sealed) "
        "select $1, * from unnest($2::text[], $3::text[], $4::bytea[]) "
        "on conflict (tenant, connector, party) do update set sealed = excluded.sealed "
        "returning connector, party, xmax <> 0 as stood",
        scope.tenant,
        chunk.connectors,
        chunk.ids,
        chunk.sealed,
    )
    await _drop_phones(scope, [PartyRef(row["connector"], row["party"]) for row in rows if row["stood"]])
    if chunk.phones:
        await scope.connection.execute(
            "insert into party_phones (tenant, hash, kind, connector, party) "
            "select $1, * from unnest($2::bytea[], $3::text[], $4::text[], $5::text[])",
            scope.tenant,
            *(list(column) for column in zip(*chunk.phones, strict=True)),
        )


async def _drop_phones(scope: Scope, refs: Sequence[PartyRef]) -> None:
    """The former numbers of parties that stood there before."""
    if refs:
        await scope.connection.execute(
            "delete from party_phones using unnest($2::text[], $3::text[]) as t (c, p) "
            "where tenant = $1 and connector = c and party = p",
            scope.tenant,
            [ref.connector for ref in refs],
            [ref.id for ref in refs],
        )


_encoder = msgspec.json.Encoder()
