"""Setups on the database in memory, with secrets as they are: there is nobody to keep them from."""

import msgspec

from cordpair.core.agent import Agent
from cordpair.core.ids import TenantId
from cordpair.core.party import ChatReference
from cordpair.core.tenant import Queue, TenantSetup
from cordpair.store.setups import Setups
from tests.sim.clock import NEVER
from tests.sim.database import Transaction


class Configured(msgspec.Struct, frozen=True):
    """A tenant's setup and the number of its revision."""

    setup: TenantSetup
    revision: int


class MemorySetups(Setups):
    """See Setups."""

    def __init__(self, transaction: Transaction, tenant: TenantId) -> None:
        self._tx, self._tenant = transaction, tenant

    async def get(self) -> TenantSetup | None:
        await self._tx.statement()
        found: Configured | None = self._tx.get("tenants", self._tenant)
        return None if found is None else found.setup

    async def queues(self) -> list[Queue]:
        setup = await self.get()
        return [] if setup is None else list(setup.queues)

    async def configure(self, setup: TenantSetup) -> None:
        await self._tx.statement()
        await self._tx.lock("tenants", self._tenant)
        former: Configured | None = self._tx.get("tenants", self._tenant)
        self._tx.put("tenants", self._tenant, Configured(setup, former.revision + 1 if former else 1))
        for one in setup.agents:
            await self._tx.lock("agents", (self._tenant, one.id))
            known: Agent | None = self._tx.get("agents", (self._tenant, one.id))
            agent = known or Agent(id=one.id, since=NEVER, idle_since=NEVER)
            configured = msgspec.structs.replace(agent, name=one.name, queues=one.queues, skills=one.skills)
            self._tx.put("agents", (self._tenant, one.id), configured)
            await self._tx.lock("chats", (self._tenant, one.id))
            chat = ChatReference(conversation=f"chat-{one.id}", service_url="https://chat.example", locale=one.locale)
            self._tx.put("chats", (self._tenant, one.id), chat)
