"""What is known of callers beside the phone index: whom agents chose, who was spoken to last, companies' trunks.

All of it goes with the party that it is about.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime

import asyncpg

from cordpair.core.identify import Choice, Contact, Known, chosen_again
from cordpair.core.ids import PartyRef
from cordpair.core.trunk import Origin, Trunk, trunk_keys
from cordpair.store.parties import IndexedParty, Parties
from cordpair.store.scope import Scope


class Callers:
    """The callers of one tenant."""

    def __init__(self, scope: Scope, parties: Parties) -> None:
        self._scope, self._parties = scope, parties

    async def known(self, e164: str, refs: Collection[PartyRef]) -> dict[PartyRef, Known]:
        """What is known of these parties, as candidates for this number."""
        if not refs:
            return {}
        rows = await self._scope.connection.fetch(
            "select r.c, r.p, o.agent, o.queue, o.at as met_at, h.weight, h.at as chosen_at "
            "from unnest($2::text[], $3::text[]) as r (c, p) "
            "left join party_contacts o on o.tenant = $1 and o.connector = r.c and o.party = r.p "
            "left join caller_choices h on h.tenant = $1 and h.hash = $4 and h.connector = r.c and h.party = r.p",
            self._scope.tenant,
            [ref.connector for ref in refs],
            [ref.id for ref in refs],
            await self._hash("choice", e164),
        )
        return {
            PartyRef(row["c"], row["p"]): Known(
                contact=None if row["met_at"] is None else Contact(row["agent"], row["queue"], row["met_at"]),
                choice=None if row["weight"] is None else Choice(row["weight"], row["chosen_at"]),
            )
            for row in rows
        }

    async def contacts(self, refs: Collection[PartyRef]) -> dict[PartyRef, Contact]:
        """The last call with each of these parties; who was never spoken to is left out."""
        rows = await self._scope.connection.fetch(
            "select o.connector, o.party, o.agent, o.queue, o.at from party_contacts o "
            "join unnest($2::text[], $3::text[]) as r (c, p) on o.connector = r.c and o.party = r.p "
            "where o.tenant = $1",
            self._scope.tenant,
            [ref.connector for ref in refs],
            [ref.id for ref in refs],
        )
        return {
            PartyRef(row["connector"], row["party"]): Contact(row["agent"], row["queue"], row["at"]) for row in rows
        }

    async def met(self, party: PartyRef, contact: Contact) -> None:
        """There was a call with a party of the index. An older one changes nothing."""
        await self._scope.connection.execute(
            "insert into party_contacts (tenant, connector, party, agent, queue, at) "
            "select tenant, connector, party, $4, $5, $6 from parties "
            "where tenant = $1 and connector = $2 and party = $3 "
            "on conflict (tenant, connector, party) do update set "
            "agent = excluded.agent, queue = excluded.queue, at = excluded.at where party_contacts.at < excluded.at",
            self._scope.tenant,
            party.connector,
            party.id,
            contact.agent,
            contact.queue,
            contact.at,
        )

    async def chose(self, e164: str, party: PartyRef, at: datetime) -> None:
        """An agent said at `at` that this party of the index called from this number; told twice, it counts once."""
        former = (await self.known(e164, [party]))[party].choice
        if former is not None and former.at >= at:
            return
        choice = chosen_again(former, at)
        await self._scope.connection.execute(
            "insert into caller_choices (tenant, hash, connector, party, weight, at) "
            "select tenant, $4, connector, party, $5, $6 from parties "
            "where tenant = $1 and connector = $2 and party = $3 "
            "on conflict (tenant, hash, connector, party) do update set weight = excluded.weight, at = excluded.at",
            self._scope.tenant,
            party.connector,
            party.id,
            await self._hash("choice", e164),
            choice.weight,
            choice.at,
        )

    async def forget(self, e164: str, party: PartyRef) -> None:
        """It was not this party after all."""
        await self._scope.connection.execute(
            "delete from caller_choices where tenant = $1 and hash = $2 and connector = $3 and party = $4",
            self._scope.tenant,
            await self._hash("choice", e164),
            party.connector,
            party.id,
        )

    async def put_trunks(self, connector: str, trunks: Sequence[Trunk]) -> None:
        """Let these be all trunks that the CRM of this connector tells of."""
        key = await self._scope.tenant_key()
        await self._scope.connection.execute(
            "delete from party_trunks where tenant = $1 and connector = $2", self._scope.tenant, connector
        )
        await self._scope.connection.execute(
            "insert into party_trunks (tenant, hash, connector, party, origin, is_person, digits) "
            "select $1, t.h, $2, t.p, t.o, t.i, t.d "
            "from unnest($3::bytea[], $4::text[], $5::text[], $6::boolean[], $7::smallint[]) as t (h, p, o, i, d) "
            "join parties s on s.tenant = $1 and s.connector = $2 and s.party = t.p on conflict do nothing",
            self._scope.tenant,
            connector,
            [key.look_up_hash("trunk", trunk.key) for trunk in trunks],
            [trunk.party.id for trunk in trunks],
            [trunk.origin.value for trunk in trunks],
            [trunk.is_person for trunk in trunks],
            [trunk.extension for trunk in trunks],
        )

    async def trunks_of(self, numbers: Collection[str]) -> dict[str, list[Trunk]]:
        """The trunks that each of these callers' numbers (E.164) may belong to: one question for all of them."""
        key = await self._scope.tenant_key()
        keys = {number: {key.look_up_hash("trunk", text): text for text in trunk_keys(number)} for number in numbers}
        rows = await self._scope.connection.fetch(
            "select hash, connector, party, origin, is_person, digits from party_trunks "
            "where tenant = $1 and hash = any($2::bytea[])",
            self._scope.tenant,
            [hashed for wanted in keys.values() for hashed in wanted],
        )
        refs = {PartyRef(row["connector"], row["party"]) for row in rows}
        standing = await self._parties.load(refs) if refs else {}
        return {number: list(_trunks(rows, wanted, standing)) for number, wanted in keys.items()}

    async def _hash(self, kind: str, e164: str) -> bytes:
        return (await self._scope.tenant_key()).look_up_hash(kind, e164)


def _trunks(
    rows: Sequence[asyncpg.Record], wanted: Mapping[bytes, str], standing: Mapping[PartyRef, IndexedParty]
) -> Iterator[Trunk]:
    """Those of the rows that are wanted, by their hashes, and whose party stands in the index."""
    for row in rows:
        ref = PartyRef(row["connector"], row["party"])
        if row["hash"] in wanted and ref in standing:
            root, record = wanted[row["hash"]].partition("/")[0], standing[ref].record
            yield _trunk(row, ref, root, record.company if row["is_person"] else record.name)


def _trunk(row: asyncpg.Record, ref: PartyRef, root: str, company: str) -> Trunk:
    return Trunk(
        root=root,
        extension=row["digits"],
        origin=Origin(row["origin"]),
        company=company,
        party=ref,
        is_person=row["is_person"],
    )
