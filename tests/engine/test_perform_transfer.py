"""A transfer that fails while its orders are on their way: nobody is left ringing, nobody hears music for ever."""

from typing import Any, cast

from msgspec.structs import replace

from cordpair.connectors.kit import Calls
from cordpair.core.call import Call, CallState
from cordpair.core.caller import Caller, CallerKind
from cordpair.core.effects import HoldCaller, RemoveAgent, RingTarget
from cordpair.core.ids import AgentId, CallId, GraphCallId, participant_id, transfer_id
from cordpair.core.transfer import Target, TargetKind, Transfer, TransferEnd, TransferFailure, TransferKind
from cordpair.engine.attempt import Attempt
from cordpair.engine.perform_transfer import TransferEffect, TransferPerformer
from tests.engine.conftest import StandingClock
from tests.store.world import NOON

ANA, BEN = AgentId("ana"), AgentId("ben")
NAME, GRAPH = CallId("22222222-2222-4222-8222-222222222222"), GraphCallId("graph-1")
TO_BEN = Target(kind=TargetKind.AGENT, id=BEN)
TRANSFER = Transfer(id=transfer_id(NAME, 1), number=1, kind=TransferKind.CONSULT, target=TO_BEN, agent=ANA, at=NOON)
TALKING = Call(
    id=NAME,
    graph_id=GRAPH,
    state=CallState.CONNECTED,
    heard_at=NOON,
    agent=ANA,
    caller=Caller(kind=CallerKind.NUMBER),
    transfer=TRANSFER,
    transfers=1,
)
FAILED = replace(TALKING, transfer=None, failure=TransferFailure(target=TO_BEN, why=TransferEnd.CANCELLED))
ONCE = Attempt(1, repeat=False)


class Told:
    """A call in Graph that does what it is asked, and what it was asked."""

    def __init__(self, *stored: Call) -> None:
        self.stored, self.asked = list(stored), list[tuple[Any, ...]]()

    async def load(self, _call: CallId) -> Call:
        """What is stored changes from look to look; the last stays."""
        return self.stored.pop(0) if len(self.stored) > 1 else self.stored[0]

    async def invite(self, _call: GraphCallId, agent: AgentId, participant: str, context: str) -> None:
        self.asked.append(("invite", agent, context))

    async def remove(self, _call: GraphCallId, participant: str) -> None:
        self.asked.append(("remove", participant))

    async def remove_user(self, _call: GraphCallId, user: str) -> None:
        self.asked.append(("remove_user", user))

    async def hold(self, _call: GraphCallId, _user: str | None, _but: str, *, on: bool) -> None:
        self.asked.append(("hold", on))


async def asked(effect: TransferEffect, *stored: Call) -> list[tuple[Any, ...]]:
    """What Graph was asked to carry the effect out, while the call was stored so from look to look."""
    told = Told(*stored)
    await TransferPerformer(cast(Calls, told), told.load, StandingClock()).perform(effect, ONCE)
    return told.asked


RING = RingTarget(call=NAME, graph_id=GRAPH, transfer=TRANSFER.id)
HOLD = HoldCaller(call=NAME, graph_id=GRAPH, on=True, number=1)


async def test_a_ring_is_begun_once_under_the_transfers_name() -> None:
    assert await asked(RING, TALKING) == [("invite", BEN, TRANSFER.id)]


async def test_a_transfer_that_is_over_before_its_ring_rings_nobody() -> None:
    assert await asked(RING, FAILED) == []


async def test_a_ring_that_began_just_after_its_transfer_failed_is_taken_back() -> None:
    assert (await asked(RING, TALKING, FAILED))[-1] == ("remove", participant_id(TRANSFER.id))


async def test_who_took_the_caller_at_once_is_not_taken_out() -> None:
    handed_over = replace(TALKING, transfer=None, agent=BEN)
    assert [it[0] for it in await asked(RING, TALKING, handed_over)] == ["invite"]


async def test_music_that_began_just_after_its_transfer_was_over_is_stopped() -> None:
    assert await asked(HOLD, TALKING) == [("hold", True)]
    assert await asked(HOLD, TALKING, FAILED) == [("hold", True), ("hold", False)]


async def test_an_agent_to_whom_the_caller_has_come_back_stays() -> None:
    order = RemoveAgent(call=NAME, graph_id=GRAPH, agent=ANA, number=1)
    assert await asked(order, replace(TALKING, transfer=None)) == []
    assert await asked(order, replace(TALKING, transfer=None, agent=BEN)) == [("remove_user", ANA)]
