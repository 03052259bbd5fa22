"""Who an arriving caller may be: found in the phone index, or by a company's range; ranked by what is known of them."""

from collections.abc import Iterable, Mapping, Sequence

from msgspec.structs import replace

from cordpair.connectors.hits import hits_of
from cordpair.connectors.registry import title
from cordpair.core.caller import Candidate
from cordpair.core.identify import Asking, Known, of_trunks, ranked
from cordpair.core.ids import QueueId
from cordpair.core.number_rules import NO_RULES, NumberRules
from cordpair.core.numbers import Hit, candidates
from cordpair.core.party import PartyRecord
from cordpair.core.trunk import Trunk
from cordpair.engine.clock import Clock
from cordpair.engine.facts import LinkOf
from cordpair.store.doors import TenantRows
from cordpair.store.phone_memory import PhoneMemory


class Identifier:
    """Identifies the callers of one tenant. `queues` names the queue behind each resource account."""

    def __init__(
        self,
        clock: Clock,
        link: LinkOf,
        region: str,
        *,
        queues: Mapping[str, QueueId] | None = None,
        memory: PhoneMemory | None = None,
        rules: NumberRules = NO_RULES,
    ) -> None:
        self._clock, self._link, self._region, self._rules = clock, link, region, rules
        self._queues, self._memory = queues or {}, memory

    async def look_up(self, rows: TenantRows, asked: Mapping[str, str]) -> dict[str, tuple[Candidate, ...]]:
        """Candidates for each number (E.164), which called the account or queue that stands beside it."""
        records = await self._records(rows, sorted(asked))
        found = {
            number: await self.graded(rows, number, records[number], self._queues.get(dialled, QueueId(dialled)))
            for number, dialled in asked.items()
        }
        unknown = [number for number, known in found.items() if not known]
        trunks = await rows.callers.trunks_of(unknown) if unknown else {}
        return found | {number: self._companies(trunks[number]) for number in unknown}

    async def graded(
        self, rows: TenantRows, e164: str, records: Iterable[PartyRecord], queue: QueueId | None
    ) -> tuple[Candidate, ...]:
        """Candidates among these records, the likeliest first."""
        by_ref = {record.ref: record for record in records}
        hits = [hit for record in by_ref.values() for hit in self._hits(record)]
        found = candidates(e164, hits)
        if len(found) < 2:
            return found
        known = await rows.callers.known(e164, [one.party for one in found])
        told = {ref: _told(by_ref[ref], known.get(ref, Known())) for ref in (one.party for one in found)}
        return ranked(found, told, Asking(now=self._clock.now(), queue=queue))

    def _companies(self, trunks: Sequence[Trunk]) -> tuple[Candidate, ...]:
        """Candidates by the range of numbers that a company has."""
        companies = of_trunks(trunks, title(trunks[0].party.connector) if trunks else "")
        return tuple(one if one.is_stand_in else replace(one, link=self._link(one.party)) for one in companies)

    async def _records(self, rows: TenantRows, numbers: Sequence[str]) -> dict[str, list[PartyRecord]]:
        """Who may have each number: by the index in memory, else by the store's."""
        found = await self._remembered(rows, numbers)
        rest = [number for number in numbers if not found.get(number)]
        hits = await rows.parties.find_many(rest) if rest else {}
        return found | {number: [hit.record for hit in hits[number]] for number in rest}

    async def _remembered(self, rows: TenantRows, numbers: Sequence[str]) -> dict[str, list[PartyRecord]]:
        if self._memory is None:
            return {}
        key = await rows.parties.key()
        named = {number: self._memory.find(key, number) for number in numbers}
        parties = (
            await rows.parties.load({ref for refs in named.values() for ref in refs}) if any(named.values()) else {}
        )
        return {number: [parties[ref].record for ref in refs if ref in parties] for number, refs in named.items()}

    def _hits(self, record: PartyRecord) -> Iterable[Hit]:
        source = title(record.ref.connector)
        return hits_of(record, region=self._region, source=source, link=self._link(record.ref), rules=self._rules)


def _told(record: PartyRecord, known: Known) -> Known:
    """What the store knows, with what the CRM says."""
    return replace(known, open_case=record.open_case, owner=record.owner, updated_at=record.updated_at)
