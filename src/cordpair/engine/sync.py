"""The phone index of a tenant follows its CRM: everything once, then what has changed, hourly, page by page.

A flow: each page is a step, durable with its bookmark before the next one is read. Its hour survives the process, so
that no restart and no change of owner asks the CRM more often than its vendor allows.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import timedelta

import msgspec
import structlog

from cordpair.connectors.kit import Crm, PartyPage
from cordpair.core.ids import TenantId
from cordpair.core.number_plan import stored_numbers
from cordpair.core.number_rules import NO_RULES, NumberRules
from cordpair.core.party import PartyRecord
from cordpair.core.trunk import Contact, contact_of, spelled_root, trunks_of
from cordpair.engine.clock import Clock
from cordpair.engine.flows import Again, Flow, Kind, Try
from cordpair.store.doors import Store
from cordpair.store.marks import Bookmark
from cordpair.store.parties import IndexedParty, IndexedPhone

log = structlog.get_logger(__name__)

KIND = "party_sync"
_PAGE = 1_000
EVERY = timedelta(hours=1)  #: the CRM vendor's rule: at most one poll an hour


#: Hears of parties that stand in the store so from now on.
Changed = Callable[[TenantId, Sequence[IndexedParty]], Awaitable[None]]


class Pulled(msgspec.Struct, frozen=True):
    """What one page brought."""

    count: int
    complete: bool


class PartySync:
    """Keeps one tenant's parties and numbers up to date."""

    def __init__(
        self,
        tenant: TenantId,
        store: Store,
        crm: Crm,
        clock: Clock,
        region: str,
        *,
        rules: NumberRules = NO_RULES,
        changed: Changed | None = None,
    ) -> None:
        self._tenant, self._store, self._crm, self._clock, self._region = tenant, store, crm, clock, region
        self._rules, self._changed = rules, changed

    async def once(self) -> int:
        """One whole sync; returns how many parties came."""
        count, complete = 0, False
        while not complete:
            pulled = await self.page()
            count, complete = count + pulled.count, pulled.complete
        await self.learn()
        return count

    async def page(self) -> Pulled:
        """The next page, from the bookmark on. It is durable with its own bookmark when this returns."""
        async with self._store.open_tenant(self._tenant) as rows:
            known = await rows.bookmarks.get(self._crm.name)
        async for page in self._crm.changed_parties(known.bookmark if known else None):
            await self._keep(page)
            return Pulled(len(page.parties), page.complete)
        return Pulled(0, complete=True)

    async def learn(self) -> int:
        """Find out anew which ranges of numbers are companies'; returns how many."""
        contacts: list[Contact] = []
        after, is_more = "", True
        while is_more:
            async with self._store.open_tenant(self._tenant) as rows:
                page = await rows.parties.page(self._crm.name, after, _PAGE)
            contacts += [contact for party in page for contact in _contacts(party)]
            after, is_more = page[-1].record.ref.id if page else after, len(page) == _PAGE
        trunks = await asyncio.to_thread(trunks_of, contacts)
        async with self._store.open_tenant(self._tenant) as rows:
            await rows.callers.put_trunks(self._crm.name, trunks)
        return len(trunks)

    async def _keep(self, page: PartyPage) -> None:
        parties = [IndexedParty(party, self._phones(party)) for party in page.parties]
        async with self._store.open_tenant(self._tenant) as rows:
            await rows.parties.upsert(parties)
            await rows.bookmarks.put(self._crm.name, Bookmark(bookmark=page.bookmark, at=self._clock.now()))
        if self._changed is not None:
            await self._changed(self._tenant, parties)

    def _phones(self, party: PartyRecord) -> tuple[IndexedPhone, ...]:
        """Every reading of every number: a reading without E.164 is found by its last digits."""
        region = party.region or self._region
        return tuple(
            IndexedPhone(number.e164 or number.digits, phone.label, spelled_root(number) or "", number.valid)
            for phone in party.phones
            for number in stored_numbers(phone.raw, region, rules=self._rules)
        )


def _contacts(party: IndexedParty) -> Iterator[Contact]:
    return (contact_of(party.record, phone.e164, phone.root) for phone in party.phones if phone.is_valid)


#: The sync of a tenant with the CRM of this connector, by its setup of now; None when that is another one.
SyncOf = Callable[[TenantId, str], Awaitable[PartySync | None]]


def sync_kind(sync_of: SyncOf) -> Kind:
    """The flow that syncs a tenant with a CRM hour by hour (body: its connector), until the tenant has another one."""

    async def run(flow: Flow) -> Again | None:
        sync = await sync_of(flow.tenant, flow.body)
        if sync is None:
            return None

        async def pull(_: Try) -> dict[str, object]:
            pulled: dict[str, object] = msgspec.to_builtins(await sync.page())
            return pulled

        number, count, complete = 0, 0, False
        while not complete:
            number += 1
            pulled = msgspec.convert(await flow.step(f"page {number}", pull), Pulled)
            count, complete = count + pulled.count, pulled.complete

        async def learn(_: Try) -> int:
            return await sync.learn()

        if count:
            await flow.step("trunks", learn)
        log.info("parties synced", tenant=flow.tenant, count=count)
        return Again(flow.now() + EVERY)

    return Kind(name=KIND, version=1, run=run, is_patient=True)
