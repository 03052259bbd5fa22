"""Who talked to an arriving caller last, where a queue lets its callers wait for that agent."""

from collections.abc import Mapping, Sequence

import msgspec

from cordpair.core import events as e
from cordpair.core.caller import settled
from cordpair.core.floor import Floor
from cordpair.core.identify import Contact
from cordpair.core.ids import PartyRef
from cordpair.engine.facts import Told
from cordpair.store.doors import TenantRows


async def remember_agents(told: Sequence[Told], floor: Floor, rows: TenantRows) -> None:
    """Put the last agent beside every arriving caller who is settled: one look-up for the whole batch, if any."""
    if all(queue.last_agent_s <= 0 for queue in floor.queues.values()):
        return
    parties = {
        party
        for one in told
        for event in one.events
        if isinstance(event, e.Arrived) and (party := settled(event.candidates)) is not None
    }
    if parties:
        contacts = await rows.callers.contacts(parties)
        for one in told:
            one.events = [_with_agent(event, contacts) for event in one.events]


def _with_agent(event: e.AnyEvent, contacts: Mapping[PartyRef, Contact]) -> e.AnyEvent:
    party = settled(event.candidates) if isinstance(event, e.Arrived) else None
    contact = contacts.get(party) if party is not None else None
    if contact is None:
        return event
    return msgspec.structs.replace(event, last_agent=contact.agent, last_met_at=contact.at)
