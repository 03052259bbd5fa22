"""Who gets the offer."""

from datetime import UTC, datetime, timedelta

import pytest

from cordpair.core.ids import AgentId, CallId, QueueId
from cordpair.core.need import Ability
from cordpair.core.routing import ContactKey, Match, Need, Router, Rule

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SERVICE, EVENTS = QueueId("service"), QueueId("events")
ANA, BEN, CARA = AgentId("ana"), AgentId("ben"), AgentId("cara")
FIRST, SECOND, THIRD = CallId("first"), CallId("second"), CallId("third")
ANYBODY = Need(SERVICE)
GERMAN = Need(SERVICE, frozenset({"german"}))


def key(number: int, *, tier: int = 0, credit_s: float = 0.0) -> ContactKey:
    """The key of the call that came `number` seconds after noon."""
    return ContactKey(tier, NOON.timestamp() + number - credit_s, number)


def floor(**skills: str) -> Router:
    """A router with these agents of the service queue, all busy."""
    router = Router()
    for agent, has in skills.items():
        router.put_agent(AgentId(agent), Ability.of((SERVICE,), frozenset(has.split())))
    return router


def agent_of(matches: tuple[Match, ...]) -> AgentId | None:
    """The agent of a single match."""
    return matches[0].agent if len(matches) == 1 else None


def contact_of(match: Match | None) -> CallId | None:
    return match.contact if match else None


def test_the_agent_who_is_idle_longest_is_rung() -> None:
    router = floor(ana="", ben="")
    router.idle(BEN, NOON)
    router.idle(ANA, NOON + MINUTE)
    assert agent_of(router.wait(FIRST, ANYBODY, key(1))) == BEN


def test_of_two_agents_idle_since_one_instant_the_smaller_id_is_rung() -> None:
    router = floor(ana="", ben="")
    router.idle(BEN, NOON)
    router.idle(ANA, NOON)
    assert agent_of(router.wait(FIRST, ANYBODY, key(1))) == ANA


def test_an_agent_is_rung_for_one_contact_at_a_time() -> None:
    router = floor(ana="")
    router.idle(ANA, NOON)
    router.wait(FIRST, ANYBODY, key(1))
    assert router.wait(SECOND, ANYBODY, key(2)) == ()


def test_an_agent_who_lacks_the_skill_is_not_rung() -> None:
    router = floor(ana="english")
    router.idle(ANA, NOON)
    assert router.wait(FIRST, GERMAN, key(1)) == ()


def test_an_agent_of_another_queue_is_not_rung() -> None:
    router = floor(ana="german")
    router.idle(ANA, NOON)
    assert router.wait(FIRST, Need(EVENTS), key(1)) == ()


def test_an_agent_with_more_skills_than_needed_is_rung() -> None:
    router = floor(ana="english german")
    router.idle(ANA, NOON)
    assert agent_of(router.wait(FIRST, GERMAN, key(1))) == ANA


def test_an_agent_who_becomes_idle_takes_the_contact_that_came_first() -> None:
    router = floor(ana="german")
    router.wait(SECOND, ANYBODY, key(2))
    router.wait(FIRST, GERMAN, key(1))
    assert contact_of(router.idle(ANA, NOON)) == FIRST


def test_a_credit_counts_like_time_waited() -> None:
    router = floor(ana="")
    router.wait(FIRST, ANYBODY, key(1))
    router.wait(SECOND, ANYBODY, key(60, credit_s=90))
    assert contact_of(router.idle(ANA, NOON)) == SECOND


def test_a_lower_tier_goes_before_any_credit() -> None:
    router = floor(ana="")
    router.wait(FIRST, ANYBODY, key(1, tier=1, credit_s=900))
    router.wait(SECOND, ANYBODY, key(2))
    assert contact_of(router.idle(ANA, NOON)) == SECOND


def test_of_two_contacts_of_one_instant_the_lower_sequence_goes_first() -> None:
    router = floor(ana="")
    router.wait(SECOND, ANYBODY, ContactKey(0, 5.0, 2))
    router.wait(FIRST, ANYBODY, ContactKey(0, 5.0, 1))
    assert contact_of(router.idle(ANA, NOON)) == FIRST


def test_a_contact_that_has_left_is_not_offered() -> None:
    router = floor(ana="")
    router.wait(FIRST, ANYBODY, key(1))
    router.gone(FIRST)
    router.gone(FIRST)
    assert router.idle(ANA, NOON) is None


def test_an_agent_on_a_break_is_not_rung() -> None:
    router = floor(ana="")
    router.idle(ANA, NOON)
    router.busy(ANA)
    router.busy(ANA)
    assert router.wait(FIRST, ANYBODY, key(1)) == ()


def test_an_agent_who_signed_out_is_not_rung() -> None:
    router = floor(ana="")
    router.idle(ANA, NOON)
    router.remove_agent(ANA)
    router.remove_agent(ANA)
    assert router.wait(FIRST, ANYBODY, key(1)) == ()


def test_an_agent_nobody_put_in_cannot_become_idle() -> None:
    with pytest.raises(KeyError):
        Router().idle(ANA, NOON)


def test_an_excluded_agent_is_passed_over() -> None:
    router = floor(ana="", ben="")
    router.idle(ANA, NOON)
    router.idle(BEN, NOON + MINUTE)
    assert agent_of(router.wait(FIRST, ANYBODY, key(1), frozenset({ANA}))) == BEN


def test_an_agent_passed_over_keeps_their_place_for_the_next_contact() -> None:
    router = floor(ana="", ben="", cara="")
    for number, agent in enumerate((ANA, BEN, CARA)):
        router.idle(agent, NOON + number * MINUTE)
    router.wait(FIRST, ANYBODY, key(1), frozenset({ANA}))
    assert agent_of(router.wait(SECOND, ANYBODY, key(2))) == ANA


def test_two_agents_passed_over_keep_their_order() -> None:
    router = floor(ana="", ben="")
    router.idle(BEN, NOON)
    router.idle(ANA, NOON + MINUTE)
    router.wait(FIRST, ANYBODY, key(1), frozenset({ANA, BEN}))
    assert agent_of(router.wait(SECOND, ANYBODY, key(2))) == BEN


def test_a_contact_waits_rather_than_ring_the_only_agent_who_declined_it() -> None:
    router = floor(ana="")
    router.idle(ANA, NOON)
    router.wait(FIRST, ANYBODY, key(1))
    router.idle(ANA, NOON)
    assert router.wait(FIRST, ANYBODY, key(1), frozenset({ANA})) == ()


def test_an_agent_who_declined_takes_the_next_contact_and_the_declined_one_keeps_its_place() -> None:
    router = floor(ana="", ben="")
    router.wait(FIRST, ANYBODY, key(1), frozenset({ANA}))
    router.wait(SECOND, ANYBODY, key(2))
    router.wait(THIRD, ANYBODY, key(3))
    assert (contact_of(router.idle(ANA, NOON)), contact_of(router.idle(BEN, NOON))) == (SECOND, FIRST)


def test_lifting_an_exclusion_rings_the_agent_at_once() -> None:
    router = floor(ana="")
    router.idle(ANA, NOON)
    router.wait(FIRST, ANYBODY, key(1), frozenset({ANA}))
    assert agent_of(router.wait(FIRST, ANYBODY, key(1))) == ANA


def test_an_agent_whose_ring_was_taken_back_is_first_again() -> None:
    router = floor(ana="", ben="")
    router.idle(ANA, NOON)
    router.idle(BEN, NOON + MINUTE)
    router.wait(FIRST, ANYBODY, key(1))
    router.idle(ANA, NOON)
    assert agent_of(router.wait(SECOND, ANYBODY, key(2))) == ANA


def test_an_agent_who_took_a_call_has_lost_the_old_place_in_every_class() -> None:
    router = floor(ana="german", ben="")
    router.wait(FIRST, ANYBODY, key(1))  # so that both classes exist
    router.gone(FIRST)
    router.idle(ANA, NOON)
    router.wait(FIRST, GERMAN, key(1))
    router.idle(BEN, NOON + MINUTE)
    router.idle(ANA, NOON + 2 * MINUTE)
    assert agent_of(router.wait(SECOND, ANYBODY, key(2))) == BEN


def test_an_agent_reported_idle_twice_counts_once_since_the_newer_report() -> None:
    router = floor(ana="")
    router.wait(FIRST, ANYBODY, key(1))  # so that the class exists
    router.gone(FIRST)
    router.idle(ANA, NOON)
    router.idle(ANA, NOON + MINUTE)
    assert router.wait(FIRST, ANYBODY, key(1)) == (Match(FIRST, ANA, Rule.LONGEST_IDLE, 1, key(1), NOON + MINUTE),)


def test_a_contact_that_comes_back_keeps_its_place() -> None:
    router = floor(ana="", ben="")
    router.idle(ANA, NOON)
    router.wait(FIRST, ANYBODY, key(1))
    router.wait(SECOND, ANYBODY, key(2))
    router.wait(FIRST, ANYBODY, key(1), frozenset({ANA}))
    assert contact_of(router.idle(BEN, NOON)) == FIRST


def test_learning_a_skill_serves_a_waiting_contact_at_once() -> None:
    router = floor(ana="")
    router.idle(ANA, NOON)
    router.wait(FIRST, GERMAN, key(1))
    assert contact_of(router.put_agent(ANA, Ability.of((SERVICE,), frozenset({"german"})))) == FIRST


def test_losing_a_skill_ends_the_calls_that_need_it() -> None:
    router = floor(ana="german")
    router.idle(ANA, NOON)
    router.wait(FIRST, GERMAN, key(1), frozenset({ANA}))
    router.put_agent(ANA, Ability.of((SERVICE,), frozenset()))
    assert router.wait(SECOND, GERMAN, key(2)) == ()


def test_an_agent_whose_skills_change_keeps_their_place() -> None:
    router = floor(ana="", ben="")
    router.idle(ANA, NOON)
    router.idle(BEN, NOON + MINUTE)
    router.put_agent(ANA, Ability.of((SERVICE,), frozenset({"german"})))
    assert agent_of(router.wait(FIRST, ANYBODY, key(1))) == ANA


def test_a_contact_whose_need_widens_is_matched_at_once() -> None:
    router = floor(ana="")
    router.idle(ANA, NOON)
    router.wait(FIRST, GERMAN, key(1))
    assert agent_of(router.wait(FIRST, ANYBODY, key(1))) == ANA


def test_many_departures_leave_the_order_of_the_others_as_it_was() -> None:
    router = floor(ana="")
    shuffled = [number * 37 % 301 for number in range(301)]
    for number in shuffled:
        router.wait(CallId(f"call-{number}"), ANYBODY, key(number))
        if number % 3:
            router.gone(CallId(f"call-{number}"))
    taken = [contact_of(router.idle(ANA, NOON)) for _ in range(0, 301, 3)]
    assert taken == [f"call-{number}" for number in range(0, 301, 3)]


def test_many_who_come_back_and_leave_again_leave_the_order_of_the_others_as_it_was() -> None:
    shuffled = [number * 37 % 301 for number in range(301)]
    router = floor(**{f"agent-{number}": "" for number in shuffled})
    router.wait(FIRST, ANYBODY, key(1), frozenset(AgentId(f"agent-{number}") for number in shuffled))
    router.gone(FIRST)
    for number in shuffled:
        router.idle(AgentId(f"agent-{number}"), NOON + number * MINUTE)
        if number % 3:
            router.busy(AgentId(f"agent-{number}"))
    rung = [agent_of(router.wait(CallId(f"call-{number}"), ANYBODY, key(number))) for number in range(0, 301, 3)]
    assert rung == [f"agent-{number}" for number in range(0, 301, 3)]


def test_a_match_says_why() -> None:
    router = floor(ana="", ben="")
    router.idle(ANA, NOON)
    router.idle(BEN, NOON)
    assert router.wait(FIRST, ANYBODY, key(1)) == (Match(FIRST, ANA, Rule.LONGEST_IDLE, 2, key(1), NOON),)


def test_a_match_made_by_an_idle_agent_says_how_many_contacts_waited() -> None:
    router = floor(ana="german")
    router.wait(FIRST, ANYBODY, key(1))
    router.wait(SECOND, GERMAN, key(2))
    assert router.idle(ANA, NOON) == Match(FIRST, ANA, Rule.LOWEST_KEY, 2, key(1), NOON)
