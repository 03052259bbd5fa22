"""Requirements, orders of agents, priorities, delays, preferred agents, several offers at once."""

from datetime import UTC, datetime, timedelta

from cordpair.core.ids import AgentId, CallId, QueueId
from cordpair.core.need import Ability, AgentOrder, AllOf, AnyOf, Channel, Compare, Comparison, Membership
from cordpair.core.routing import ContactKey, Match, Need, Router, Rule

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SERVICE, EVENTS = QueueId("service"), QueueId("events")
ANA, BEN, CARA = AgentId("ana"), AgentId("ben"), AgentId("cara")
FIRST, SECOND = CallId("first"), CallId("second")
ANYBODY = Need(SERVICE)
BEST_GERMAN = Need(SERVICE, frozenset({"german"}), None, AgentOrder.BEST_SKILL)
IN_TURN = Need(SERVICE, order=AgentOrder.ROUND_ROBIN)


def at(seconds: float) -> float:
    return NOON.timestamp() + seconds


def key(number: int) -> ContactKey:
    """The key of the call that came `number` seconds after noon."""
    return ContactKey(0, at(number), number)


def floor(*agents: AgentId, **german: float) -> Router:
    """A router with idle agents of the service queue, in the order of their names; some with a level of German."""
    router = Router()
    for agent in agents:
        router.put_agent(agent, Ability.of((SERVICE,)))
    for name, level in german.items():
        router.put_agent(AgentId(name), Ability.of((SERVICE,), attributes={"german": level}))
    for number, agent in enumerate(sorted({*agents, *(AgentId(name) for name in german)})):
        router.idle(agent, NOON + number * MINUTE)
    return router


def rung(matches: tuple[Match, ...]) -> list[AgentId]:
    return [match.agent for match in matches]


def test_a_level_that_is_too_low_is_not_enough() -> None:
    router = floor(ana=2, ben=3)
    need = Need(SERVICE, require=Compare("german", Comparison.AT_LEAST, 3))
    assert rung(router.wait(FIRST, need, key(1))) == [BEN]


def test_either_of_two_attributes_is_enough() -> None:
    router = floor(ana=1)
    english, german = (Compare(name, Comparison.AT_LEAST, 1) for name in ("english", "german"))
    assert rung(router.wait(FIRST, Need(SERVICE, require=AnyOf((english, german))), key(1))) == [ANA]
    assert router.wait(SECOND, Need(SERVICE, require=AllOf((english, german))), key(2)) == ()


def test_a_word_is_one_of_several_or_different() -> None:
    router = Router()
    router.put_agent(ANA, Ability.of((SERVICE,), attributes={"site": "Ulm"}))
    router.idle(ANA, NOON)
    elsewhere = Need(SERVICE, require=Compare("site", Comparison.DIFFERENT, "Ulm"))
    in_the_south = Need(SERVICE, require=Compare("site", Comparison.ONE_OF, ("Ulm", "Passau")))
    assert router.wait(FIRST, elsewhere, key(1)) == ()
    assert rung(router.wait(SECOND, in_the_south, key(2))) == [ANA]


def test_a_word_is_never_at_least_a_number() -> None:
    router = Router()
    router.put_agent(ANA, Ability.of((SERVICE,), attributes={"german": "good"}))
    router.idle(ANA, NOON)
    assert router.wait(FIRST, Need(SERVICE, require=Compare("german", Comparison.AT_LEAST, 1)), key(1)) == ()


def test_the_best_skilled_is_rung_before_the_longest_idle() -> None:
    router = floor(ana=1, ben=5, cara=5)
    (match,) = router.wait(FIRST, BEST_GERMAN, key(1))
    assert (match.agent, match.rule) == (BEN, Rule.BEST_SKILL)


def test_in_turn_everybody_is_rung_once_before_anybody_is_rung_twice() -> None:
    router = floor(ANA, BEN, CARA)
    order = []
    for number in range(6):
        (match,) = router.wait(CallId(f"call-{number}"), IN_TURN, key(number))
        order.append(match.agent)
        router.idle(match.agent, NOON)  # as if idle longest, which does not count
    assert order == [ANA, BEN, CARA, ANA, BEN, CARA]


def test_a_floor_built_anew_remembers_whose_turn_it_is() -> None:
    router = Router()
    for agent, offered_at in ((ANA, 50.0), (BEN, 40.0)):
        router.put_agent(agent, Ability.of((SERVICE,)))
        router.turn(agent, offered_at)
        router.idle(agent, NOON)
    assert rung(router.wait(FIRST, IN_TURN, key(1))) == [BEN]
    router.idle(BEN, NOON)
    assert rung(router.wait(SECOND, IN_TURN, key(2))) == [ANA]


def test_the_least_loaded_is_rung_before_the_longest_idle() -> None:
    router = floor(ANA, BEN)
    router.idle(ANA, NOON, load=0.5)
    need = Need(SERVICE, order=AgentOrder.LEAST_LOADED)
    assert rung(router.wait(FIRST, need, key(1))) == [BEN]


def test_an_agent_without_room_for_the_channel_is_not_rung() -> None:
    router = floor(ANA)
    router.idle(ANA, NOON, channels=frozenset({Channel.TASK}))
    assert router.wait(FIRST, ANYBODY, key(1)) == ()
    assert rung(router.wait(SECOND, Need(SERVICE, channel=Channel.TASK), key(2))) == [ANA]


def test_an_agent_takes_the_queue_that_comes_first_for_them_whoever_waits_longer() -> None:
    router = Router()
    router.put_agent(ANA, Ability.of((Membership(SERVICE, priority=2), Membership(EVENTS, priority=1))))
    router.wait(FIRST, ANYBODY, key(1))
    router.wait(SECOND, Need(EVENTS), key(60))
    match = router.idle(ANA, NOON)
    assert match is not None
    assert match.contact == SECOND


def test_a_contact_is_hidden_until_it_has_waited_out_the_delay() -> None:
    router = Router()
    router.put_agent(ANA, Ability.of((Membership(SERVICE, delay_s=30),)))
    router.idle(ANA, NOON)
    assert router.delays(SERVICE) == (30,)
    assert router.wait(FIRST, ANYBODY, key(1), now=at(30.9)) == ()
    assert rung(router.wait(FIRST, ANYBODY, key(1), now=at(31))) == [ANA]


def test_an_agent_who_becomes_idle_sees_what_has_waited_out_their_delay() -> None:
    router = Router()
    router.put_agent(ANA, Ability.of((Membership(SERVICE, delay_s=30),)))
    router.wait(FIRST, ANYBODY, key(1), now=at(1))
    assert router.idle(ANA, NOON, now=at(30)) is None
    match = router.idle(ANA, NOON, now=at(31))
    assert match is not None
    assert match.contact == FIRST


def test_without_a_delay_nothing_is_hidden_though_it_came_by_a_clock_that_is_ahead() -> None:
    router = floor(ANA)
    assert rung(router.wait(FIRST, ANYBODY, key(1), now=at(0))) == [ANA]
    router.wait(SECOND, ANYBODY, key(2), now=at(0))
    match = router.idle(ANA, NOON, now=at(0))
    assert match is not None
    assert match.contact == SECOND


def test_a_preferred_agent_is_waited_for_though_others_are_idle() -> None:
    router = floor(ANA, BEN)
    router.busy(ANA)
    assert router.wait(FIRST, ANYBODY, key(1), preferred=(ANA,)) == ()
    match = router.idle(ANA, NOON)
    assert match is not None
    assert match.contact == FIRST


def test_a_preferred_agent_need_not_have_the_skill() -> None:
    router = floor(ANA)
    (match,) = router.wait(FIRST, BEST_GERMAN, key(1), preferred=(ANA,))
    assert (match.agent, match.rule) == (ANA, Rule.PREFERRED)


def test_when_the_preferred_step_is_over_anybody_is_rung() -> None:
    router = floor(BEN)
    router.wait(FIRST, ANYBODY, key(1), preferred=(ANA,))
    assert rung(router.wait(FIRST, ANYBODY, key(1))) == [BEN]


def test_three_offers_at_once_ring_three_agents() -> None:
    router = floor(ANA, BEN, CARA)
    assert rung(router.wait(FIRST, ANYBODY, key(1), room=3)) == [ANA, BEN, CARA]


def test_an_agent_who_becomes_idle_is_rung_beside_the_others() -> None:
    router = floor(ANA, BEN)
    router.busy(BEN)
    assert rung(router.wait(FIRST, ANYBODY, key(1), room=2)) == [ANA]
    match = router.idle(BEN, NOON)
    assert match is not None
    assert match.contact == FIRST


def test_an_agent_is_not_rung_twice_by_offers_at_once() -> None:
    router = floor(ANA)
    router.wait(FIRST, ANYBODY, key(1), room=2)
    assert router.idle(ANA, NOON) is None
