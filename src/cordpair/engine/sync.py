"""The phone index of a tenant follows its CRM: everything once, then what has changed, hourly, page by page.

A flow: each page is a step, durable with its bookmark before the next one is read. Its hour survives the process, so
that no restart and no change of owner asks the CRM more often than its vendor allows.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import msgspec
import structlog

from cordpair.connectors.kit import Crm, PartyPage
from cordpair.core.ids import TenantId
from cordpair.core.number_plan import stored_numbers
from cordpair.core.party import PartyRecord
from cordpair.engine.clock import Clock
from cordpair.engine.flows import Again, Flow, Kind, Try
from cordpair.store.doors import Store
from cordpair.store.marks import Bookmark
from cordpair.store.parties import IndexedParty, IndexedPhone

log = structlog.get_logger(__name__)

KIND = "party_sync"
EVERY = timedelta(hours=1)  #: the CRM vendor's rule: at most one poll an hour


class Pulled(msgspec.Struct, frozen=True):
    """What one page brought."""

    count: int
    complete: bool


class PartySync:
    """Keeps one tenant's parties and numbers up to date."""

    def __init__(self, tenant: TenantId, store: Store, crm: Crm, clock: Clock, region: str) -> None:
        self._tenant, self._store, self._crm, self._clock, self._region = tenant, store, crm, clock, region

    async def once(self) -> int:
        """One whole sync; returns how many parties came."""
        count, complete = 0, False
        while not complete:
            pulled = await self.page()
            count, complete = count + pulled.count, pulled.complete
        return count

    async def page(self) -> Pulled:
        """The next page, from the bookmark on. It is durable with its own bookmark when this returns."""
        async with self._store.open_tenant(self._tenant) as rows:
            known = await rows.bookmarks.get(self._crm.name)
        async for page in self._crm.changed_parties(known.bookmark if known else None):
            await self._keep(page)
            return Pulled(len(page.parties), page.complete)
        return Pulled(0, complete=True)

    async def _keep(self, page: PartyPage) -> None:
        async with self._store.open_tenant(self._tenant) as rows:
            await rows.parties.upsert([IndexedParty(party, self._phones(party)) for party in page.parties])
            await rows.bookmarks.put(self._crm.name, Bookmark(bookmark=page.bookmark, at=self._clock.now()))

    def _phones(self, party: PartyRecord) -> tuple[IndexedPhone, ...]:
        """Every reading of every number: a reading without E.164 is found by its last digits."""
        region = party.region or self._region
        return tuple(
            IndexedPhone(number.e164 or number.digits, phone.label)
            for phone in party.phones
            for number in stored_numbers(phone.raw, region)
        )


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
        log.info("parties synced", tenant=flow.tenant, count=count)
        return Again(flow.now() + EVERY)

    return Kind(name=KIND, version=1, run=run, is_patient=True)
