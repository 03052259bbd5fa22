"""Where agents are reached in Teams, and which card of theirs shows which call."""

import msgspec

from cordpair.core.call import Call
from cordpair.core.changes import OfferRecord
from cordpair.core.ids import AgentId, CallId
from cordpair.core.party import ChatReference
from cordpair.store.calls import read_call, read_offers
from cordpair.store.scope import Scope
from cordpair.store.sealing import Keyring, agent_subject, call_subject

_SEALED = "chats.sealed"


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """A posted card: Teams' activity id of it, and the number of the face it shows."""

    activity_id: str
    number: int


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """What one card of a call and an agent is made of; None for what there is not."""

    card: Card | None
    chat: ChatReference | None
    call: Call | None
    offers: list[OfferRecord]


class Cards:
    """The one card of each call and agent."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    async def get(self, call: CallId, agent: AgentId) -> Card | None:
        row = await self._scope.connection.fetchrow(
            "select activity_id, number from cards where tenant = $1 and call = $2 and agent = $3",
            self._scope.tenant,
            call,
            agent,
        )
        return None if row is None else Card(**row)

    async def sheet(self, call: CallId, agent: AgentId) -> Sheet:
        """All that a card is made of, with one question. It may be asked at a glance: see Store.glance."""
        row = await self._scope.connection.fetchrow(_SHEET, self._scope.tenant, call, agent)
        assert row is not None  # one row always
        keys = await self._scope.reading([call_subject(call), agent_subject(agent)])
        found = row["sealed"] is not None
        return Sheet(
            card=None if row["number"] is None else Card(activity_id=row["activity_id"], number=row["number"]),
            chat=None if row["chat"] is None else _chat(keys, agent, row["chat"]),
            call=read_call(row["call"], row["body"], row["sealed"], keys) if found else None,
            offers=read_offers(call, msgspec.json.decode(row["offers"])),
        )

    async def put(self, call: CallId, agent: AgentId, card: Card) -> None:
        """Remember what the card shows now. A lower number than the known one is late and changes nothing."""
        await self._scope.connection.execute(
            "insert into cards (tenant, call, agent, activity_id, number) values ($1, $2, $3, $4, $5) "
            "on conflict (tenant, call, agent) do update set activity_id = excluded.activity_id, "
            "number = excluded.number where cards.number <= excluded.number",
            self._scope.tenant,
            call,
            agent,
            card.activity_id,
            card.number,
        )


class Chats:
    """The 1:1 chat of each agent with the bot."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    async def get(self, agent: AgentId) -> ChatReference | None:
        sealed = await self._scope.connection.fetchval(
            "select sealed from chats where tenant = $1 and agent = $2", self._scope.tenant, agent
        )
        if sealed is None:
            return None
        keys = await self._scope.reading([agent_subject(agent)])
        return _chat(keys, agent, sealed)

    async def put(self, agent: AgentId, chat: ChatReference) -> None:
        keys = await self._scope.writing([agent_subject(agent)])
        await self._scope.connection.execute(
            "insert into chats (tenant, agent, sealed) values ($1, $2, $3) "
            "on conflict (tenant, agent) do update set sealed = excluded.sealed",
            self._scope.tenant,
            agent,
            keys.seal(_SEALED, agent_subject(agent), msgspec.json.encode(chat), agent),
        )


def _chat(keys: Keyring, agent: AgentId, sealed: bytes) -> ChatReference:
    return msgspec.json.decode(keys.open(_SEALED, agent_subject(agent), sealed, agent), type=ChatReference)


# It opens the tenant's door by itself. `offset 0` keeps each question apart from the others and after the door: none is
# asked before it is open.
_SHEET = """
with door as materialized (select set_config('app.tenant', $1::text, true)::uuid as tenant)
select k.activity_id, k.number, h.sealed as chat, c.call, c.body, c.sealed, o.offers
from door d
left join lateral (select activity_id, number from cards
                   where tenant = d.tenant and call = $2 and agent = $3 offset 0) k on true
left join lateral (select sealed from chats where tenant = d.tenant and agent = $3 offset 0) h on true
left join lateral (select call, body, sealed from calls where tenant = d.tenant and call = $2 offset 0) c on true
left join lateral (select coalesce(jsonb_agg(to_jsonb(o) - 'tenant' - 'call' order by number), '[]') as offers
                   from offers o where tenant = d.tenant and call = $2 offset 0) o on true
"""
