"""Several agents are rung for one call: the first in the roster has it, the others lose nothing."""

from typing import Any

from msgspec.structs import replace

from cordpair.core import events as e
from cordpair.core import fold
from cordpair.core.agent import AgentState
from cordpair.core.call import CallState
from cordpair.core.changes import OfferState
from cordpair.core.effects import Face, InviteAgent, ShowCard, WithdrawInvite
from cordpair.core.floor import Floor
from cordpair.core.ids import AgentId
from tests.core.people import ANA, BEN, CALL, CLEO, GRAPH, NOON, QUEUE, after, arrived, nth_offer, ready, tell


def ringing(*agents: AgentId, **settings: Any) -> Floor:
    """A call rings at up to two of these agents, the first of them idle longest."""
    queue = replace(QUEUE, **{"parallel_offers": 2, **settings})
    floor = Floor([queue], [ready(agent, 60 - place) for place, agent in enumerate(agents)])
    fold.reopen(floor, NOON)
    return tell(floor, arrived(0), e.Established(at=after(1), call=CALL, graph_id=GRAPH))


def roster(seconds: float, *users: AgentId, sequence: int = 2) -> e.RosterSeen:
    return e.RosterSeen(at=after(seconds), call=CALL, graph_id=GRAPH, sequence=sequence, users=users)


def rung(floor: Floor) -> list[AgentId]:
    return [offer.agent for offer in floor.calls[CALL].rings]


def test_as_many_are_rung_at_once_as_the_queue_says() -> None:
    floor = ringing(ANA, BEN, CLEO)
    assert [effect.agent for effect in floor.changes.effects if isinstance(effect, InviteAgent)] == [ANA, BEN]


def test_who_becomes_free_while_there_is_room_is_rung_too() -> None:
    floor = ringing(ANA)
    floor.save_agent(replace(ready(BEN), state=AgentState.BREAK))
    floor.router.put_agent(BEN, floor.agents[BEN].ability)
    tell(floor, e.WentReady(at=after(3), agent=BEN))
    assert rung(floor) == [ANA, BEN]


def test_the_first_in_the_roster_has_the_call_and_the_others_are_taken_back() -> None:
    floor = tell(ringing(ANA, BEN), roster(5, BEN))
    assert (floor.calls[CALL].agent, rung(floor)) == (BEN, [])
    assert [effect.agent for effect in floor.changes.effects if isinstance(effect, WithdrawInvite)] == [ANA]


def test_whose_ring_was_taken_back_is_ready_and_keeps_their_turn() -> None:
    floor = tell(ringing(ANA, BEN), roster(5, BEN))
    assert (floor.agents[ANA].state, floor.agents[ANA].idle_since) == (AgentState.READY, ready(ANA, 60).idle_since)


def test_their_card_says_that_somebody_else_has_it() -> None:
    floor = tell(ringing(ANA, BEN), roster(5, BEN))
    shown = {effect.agent: effect.face for effect in floor.changes.effects if isinstance(effect, ShowCard)}
    assert shown == {ANA: Face.TAKEN, BEN: Face.STRIP}


def test_of_two_who_answer_at_once_one_has_the_call() -> None:
    floor = tell(ringing(ANA, BEN), roster(5, ANA, BEN))
    offers = {offer.agent: offer.state for offer in floor.changes.offers.values()}
    assert offers == {ANA: OfferState.ACCEPTED, BEN: OfferState.ENDED}


def test_one_who_declines_makes_room_for_the_next() -> None:
    floor = ringing(ANA, BEN, CLEO)
    tell(floor, e.OfferDeclined(at=after(4), call=CALL, offer=nth_offer(1), agent=ANA))
    assert rung(floor) == [BEN, CLEO]


def test_a_call_that_rings_at_one_of_two_still_is_offered() -> None:
    floor = tell(ringing(ANA, BEN), e.OfferDeclined(at=after(4), call=CALL, offer=nth_offer(1), agent=ANA))
    assert (floor.calls[CALL].state, rung(floor)) == (CallState.OFFERED, [BEN])


def test_each_ring_has_its_own_time() -> None:
    floor = tell(ringing(ANA, BEN), e.OfferTimedOut(at=after(21), call=CALL, offer=nth_offer(2)))
    tell(floor, e.CallRefreshed(at=after(22), call=CALL, number=1))
    assert rung(floor) == [ANA]
    assert floor.agents[BEN].state is AgentState.NOT_RESPONDING


def test_when_the_caller_leaves_nobody_is_rung_and_nobody_has_missed_it() -> None:
    floor = tell(ringing(ANA, BEN), e.CallEnded(at=after(9), call=CALL, graph_id=GRAPH))
    assert {agent.state for agent in floor.agents.values()} == {AgentState.READY}
    assert floor.calls[CALL].state is CallState.CLOSED


def test_a_floor_built_anew_rings_no_more_than_there_is_room_for() -> None:
    before = ringing(ANA, BEN, CLEO)
    floor = Floor(before.queues.values(), before.agents.values(), before.calls.values())
    fold.reopen(floor, after(5))
    assert rung(floor) == [ANA, BEN]
