"""The phone index of a tenant follows its CRM: everything once, then what has changed, hourly, over one connection."""

import structlog

from cordpair.connectors.kit import Crm
from cordpair.core.ids import TenantId
from cordpair.core.number_plan import stored_numbers
from cordpair.core.party import PartyRecord
from cordpair.engine.clock import Clock
from cordpair.store.doors import Store
from cordpair.store.marks import Bookmark
from cordpair.store.parties import IndexedParty, IndexedPhone

log = structlog.get_logger(__name__)

EVERY_S = 3600.0  #: the CRM vendor's rule: at most one poll an hour
AGAIN_S = 300.0


class PartySync:
    """Keeps one tenant's parties and numbers up to date."""

    def __init__(self, tenant: TenantId, store: Store, crm: Crm, clock: Clock, region: str) -> None:
        self._tenant, self._store, self._crm, self._clock, self._region = tenant, store, crm, clock, region

    async def run(self) -> None:
        """Sync now and then every hour, until cancelled. A failure is tried again, from the last page on."""
        while True:
            try:
                await self.once()
                pause_s = EVERY_S
            except Exception as exc:  # noqa: BLE001 - the outermost place of this work: calls go on without it
                log.warning("the party sync waits", connector=self._crm.name, error=type(exc).__name__)
                pause_s = AGAIN_S
            await self._clock.sleep(pause_s)

    async def once(self) -> int:
        """One sync; returns how many parties came. Every page is durable with its bookmark before the next is read."""
        async with self._store.open_tenant(self._tenant) as rows:
            known = await rows.bookmarks.get(self._crm.name)
        count = 0
        async for page in self._crm.changed_parties(known.bookmark if known else None):
            async with self._store.open_tenant(self._tenant) as rows:
                await rows.parties.upsert([IndexedParty(party, self._phones(party)) for party in page.parties])
                await rows.bookmarks.put(self._crm.name, Bookmark(bookmark=page.bookmark, at=self._clock.now()))
            count += len(page.parties)
        log.info("parties synced", connector=self._crm.name, count=count)
        return count

    def _phones(self, party: PartyRecord) -> tuple[IndexedPhone, ...]:
        """Every reading of every number: a reading without E.164 is found by its last digits."""
        region = party.region or self._region
        return tuple(
            IndexedPhone(number.e164 or number.digits, phone.label)
            for phone in party.phones
            for number in stored_numbers(phone.raw, region)
        )
