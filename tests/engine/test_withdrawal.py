"""Taking a ring back: only who has answered that ring themselves stays in the call."""

from collections.abc import Sequence
from typing import Any, cast

import pytest

from cordpair.connectors.kit import Calls
from cordpair.core.call import Call, CallState
from cordpair.core.effects import ShowCard, TellAgent, WithdrawInvite
from cordpair.core.events import CallEvent, RosterSeen
from cordpair.core.ids import AgentId, GraphCallId, TenantId, offer_id, participant_id
from cordpair.engine.attempt import Attempt
from cordpair.engine.names import Names
from cordpair.engine.perform import Performer
from cordpair.store.doors import Store
from tests.engine.conftest import StandingClock
from tests.silence import Silence
from tests.store.world import NOON, A, call, configured, setup

ANA, BEN = AgentId("ana"), AgentId("ben")
WAITING = call(state=CallState.QUEUED, agent=None, established_at=NOON)
OFFER = offer_id(WAITING.id, 2)


class OneCall:
    """A Teams call in which these people stand, as far as withdrawing asks of it."""

    def __init__(self, *people: AgentId) -> None:
        self.people = people
        self.removed: list[str] = []

    async def read(self, graph_id: GraphCallId) -> Sequence[CallEvent]:
        return [RosterSeen(at=NOON, call=WAITING.id, graph_id=graph_id, sequence=5, users=self.people, inferred=True)]

    async def remove(self, graph_id: GraphCallId, participant: str) -> None:
        self.removed.append(participant)


class NoCards:
    async def show(self, tenant: TenantId, order: ShowCard) -> None:
        raise NotImplementedError

    async def tell(self, tenant: TenantId, order: TellAgent) -> None:
        raise NotImplementedError


async def taken_back(store: Store, there: OneCall, known: Call = WAITING) -> bool:
    """Whether the ring at Ben was taken back."""
    await configured(store, A)
    async with store.open_tenant(A) as rows:
        await rows.calls.save([known])
    calls = cast(Calls, there)
    others: dict[str, Any] = {"cards": NoCards(), "crm": None, "names": Names(setup(A)), "sounds": Silence()}
    performer = Performer(A, store, StandingClock(), calls=calls, **others)
    order = WithdrawInvite(call=known.id, graph_id=known.graph_id, offer=OFFER, agent=BEN)
    await performer.perform(order, Attempt(1, repeat=False))
    return there.removed == [participant_id(OFFER)]


async def test_a_ring_that_nobody_has_answered_is_taken_back(store: Store) -> None:
    assert await taken_back(store, OneCall())


async def test_who_has_just_answered_it_stays(store: Store) -> None:
    assert not await taken_back(store, OneCall(BEN))


async def test_somebody_else_in_the_call_does_not_leave_it_ringing(store: Store) -> None:
    assert await taken_back(store, OneCall(ANA))


@pytest.mark.parametrize("people", [(ANA,), (ANA, BEN)])
async def test_where_somebody_has_the_call_it_is_taken_back_from_everybody_else(
    store: Store, people: tuple[AgentId, ...]
) -> None:
    has_it = call(state=CallState.CONNECTED, agent=ANA, established_at=NOON, connected_at=NOON)
    assert await taken_back(store, OneCall(*people), has_it)
