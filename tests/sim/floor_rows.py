"""Calls, agents and cards on the database in memory."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from cordpair.core.agent import Agent
from cordpair.core.bucket import Asked, Peer
from cordpair.core.call import Call
from cordpair.core.changes import HistoryEntry, OfferRecord, OfferState
from cordpair.core.identify import Contact, Known
from cordpair.core.ids import AgentId, CallId, PartyRef, TenantId
from cordpair.core.party import ChatReference
from cordpair.core.trunk import Trunk
from cordpair.store.agents import Agents
from cordpair.store.callers import Callers
from cordpair.store.calls import Calls, PendingCall
from cordpair.store.chats import Card, Cards, Chats, Sheet
from cordpair.store.parties import Parties, PartyHit
from cordpair.store.peers import Peers
from tests.sim.database import Transaction, refused


class MemoryCalls(Calls):
    """See Calls."""

    def __init__(self, transaction: Transaction, tenant: TenantId) -> None:
        self._tx, self._tenant = transaction, tenant

    async def load(self, ids: Sequence[CallId]) -> list[Call]:
        await self._tx.statement()
        found = (self._tx.get("calls", (self._tenant, one)) for one in ids)
        return [call for call in found if call is not None]

    async def of_floor(self, closed_after: datetime) -> list[Call]:
        await self._tx.statement()
        return self._ordered(it for it in self._all() if it.state != "closed" or _at(it.closed_at) >= closed_after)

    async def arrived_since(self, since: datetime) -> list[Call]:
        await self._tx.statement()
        return self._ordered(it for it in self._all() if it.arrived_at is not None and it.arrived_at >= since)

    async def count_since(self, since: datetime) -> int:
        await self._tx.statement()
        return sum(call.heard_at >= since for call in self._all())

    async def next_sequence(self) -> int:
        await self._tx.statement()
        return max((call.sequence for call in self._all()), default=0) + 1

    async def expect(self, ids: Sequence[CallId]) -> None:
        """There are no keys here."""

    async def save(self, calls: Sequence[Call]) -> None:
        await self._tx.statement()
        await self.write(calls)

    async def write(self, calls: Sequence[Call]) -> None:
        """What `save` does, as a part of somebody else's statement."""
        for call in calls:
            await self._tx.lock("calls", (self._tenant, call.id))
            self._tx.put("calls", (self._tenant, call.id), call)

    async def history_of(self, call: CallId) -> list[HistoryEntry]:
        await self._tx.statement()
        return [entry for entry in self._rows("history") if entry.call == call]

    async def offers_of(self, call: CallId) -> list[OfferRecord]:
        await self._tx.statement()
        return sorted((it for it in self._rows("offers") if it.call == call), key=lambda it: it.number)

    async def pending(self) -> list[PendingCall]:
        await self._tx.statement()
        items = sorted(self._rows("pending"), key=lambda item: (item.since, item.call))
        calls = {call.id: call for call in self._all()}
        return [PendingCall(item=it, call=calls[it.call]) for it in items]

    def _all(self) -> list[Call]:
        return self._rows("calls")

    def _rows(self, table: str) -> list[Any]:
        return [row for key, row in self._tx.scan(table) if key[0] == self._tenant]  # type: ignore[index]

    def _ordered(self, calls: Any) -> list[Call]:
        return sorted(calls, key=lambda call: (call.sequence, call.id))


class MemoryAgents(Agents):
    """See Agents."""

    def __init__(self, transaction: Transaction, tenant: TenantId) -> None:
        self._tx, self._tenant = transaction, tenant

    async def of_floor(self) -> list[Agent]:
        await self._tx.statement()
        agents = [row for key, row in self._tx.scan("agents") if key[0] == self._tenant]  # type: ignore[index]
        return sorted(agents, key=lambda agent: agent.id)

    async def save(self, agents: Sequence[Agent]) -> None:
        await self._tx.statement()
        await self.write(agents)

    async def write(self, agents: Sequence[Agent]) -> None:
        """What `save` does, as a part of somebody else's statement."""
        for agent in agents:
            key = (self._tenant, agent.id)
            await self._tx.lock("agents", key)
            known: Agent | None = self._tx.get("agents", key)
            # What the administrator sets is not the fold's to write.
            name, queues, skills = (known.name, known.queues, known.skills) if known else (agent.name, (), frozenset())
            self._tx.put("agents", key, replace(agent, name=name, queues=queues, skills=skills))


class MemoryChats(Chats):
    """See Chats."""

    def __init__(self, transaction: Transaction, tenant: TenantId) -> None:
        self._tx, self._tenant = transaction, tenant

    async def get(self, agent: AgentId) -> ChatReference | None:
        await self._tx.statement()
        chat: ChatReference | None = self._tx.get("chats", (self._tenant, agent))
        return chat


class MemoryCards(Cards):
    """See Cards."""

    def __init__(self, transaction: Transaction, tenant: TenantId) -> None:
        self._tx, self._tenant = transaction, tenant

    async def get(self, call: CallId, agent: AgentId) -> Card | None:
        await self._tx.statement()
        card: Card | None = self._tx.get("cards", (self._tenant, call, agent))
        return card

    async def sheet(self, call: CallId, agent: AgentId) -> Sheet:
        await self._tx.statement()
        numbers = range(1, 1 + (found.offers if (found := self._tx.get("calls", (self._tenant, call))) else 0))
        offers = (self._tx.get("offers", (self._tenant, call, number)) for number in numbers)
        return Sheet(
            card=self._tx.get("cards", (self._tenant, call, agent)),
            chat=self._tx.get("chats", (self._tenant, agent)),
            call=found,
            offers=[offer for offer in offers if offer is not None],
        )

    async def put(self, call: CallId, agent: AgentId, card: Card) -> None:
        await self._tx.statement()
        key = (self._tenant, call, agent)
        await self._tx.lock("cards", key)
        known: Card | None = self._tx.get("cards", key)
        if known is None or known.number <= card.number:
            self._tx.put("cards", key, card)


class MemoryParties(Parties):
    """See Parties. Nobody's number but the whole one is asked for."""

    def __init__(self, transaction: Transaction, tenant: TenantId) -> None:
        self._tx, self._tenant = transaction, tenant

    async def find_many(self, numbers: Sequence[str]) -> dict[str, list[PartyHit]]:
        await self._tx.statement()
        return {number: self._tx.get("parties", (self._tenant, number)) or [] for number in numbers}


class MemoryCallers(Callers):
    """See Callers. Nothing is remembered of anybody."""

    def __init__(self, transaction: Transaction) -> None:
        self._tx = transaction

    async def known(self, e164: str, refs: Collection[PartyRef]) -> dict[PartyRef, Known]:
        await self._tx.statement()
        return {}

    async def trunks_of(self, numbers: Collection[str]) -> dict[str, list[Trunk]]:
        await self._tx.statement()
        return {number: [] for number in numbers}

    async def met(self, party: PartyRef, contact: Contact) -> None:
        await self._tx.statement()

    async def chose(self, e164: str, party: PartyRef, at: datetime) -> None:
        await self._tx.statement()


class MemoryPeers(Peers):
    """See Peers."""

    def __init__(self, transaction: Transaction, tenant: TenantId) -> None:
        self._tx, self._tenant = transaction, tenant

    async def asked(self) -> dict[Peer, Asked]:
        await self._tx.statement()
        found = {peer: self._tx.get("peers", (self._tenant, peer)) for peer in Peer}
        return {peer: asked for peer, asked in found.items() if asked is not None}

    async def put(self, peer: Peer, asked: Asked) -> None:
        await self._tx.statement()
        await self._tx.lock("peers", (self._tenant, peer))
        self._tx.put("peers", (self._tenant, peer), asked)


async def write_offers(tx: Transaction, tenant: TenantId, offers: Sequence[OfferRecord]) -> None:
    """Write offers under the constraints: one accepted one of a call, one ringing one of an agent."""
    ended = [it for it in offers if it.ended_at is not None or it.state is OfferState.ENDED]
    rest = [it for it in offers if it not in ended]
    for offer in [*ended, *sorted(rest, key=lambda it: it.state is OfferState.RINGING)]:
        key = (tenant, offer.call, offer.number)
        await tx.lock("offers", key)
        former: OfferRecord | None = tx.get("offers", key)
        # An offer that is there already changes in these three only.
        written = offer if former is None else _changed(former, offer)
        tx.put("offers", key, written)
        _check_constraints(tx, tenant, written)


def _check_constraints(tx: Transaction, tenant: TenantId, offer: OfferRecord) -> None:
    if offer.state is OfferState.RINGING:
        ringing = (row for key, row in tx.scan("offers", "offers.ringing") if key[0] == tenant)  # type: ignore[index]
        if sum(row.state is OfferState.RINGING and row.agent == offer.agent for row in ringing) > 1:
            raise refused("offers_one_ring")
    if offer.state is OfferState.ACCEPTED and offer.ended_at is None:
        others = (tx.get("offers", (tenant, offer.call, number)) for number in range(1, offer.number + 50))
        if sum(row is not None and row.state is OfferState.ACCEPTED and row.ended_at is None for row in others) > 1:
            raise refused("offers_one_accepted")


def _changed(former: OfferRecord, offer: OfferRecord) -> OfferRecord:
    return OfferRecord(
        id=former.id,
        call=former.call,
        agent=former.agent,
        number=former.number,
        made_at=former.made_at,
        state=offer.state,
        ended_at=offer.ended_at,
        why=offer.why,
    )


def _at(instant: datetime | None) -> datetime:
    assert instant is not None
    return instant
