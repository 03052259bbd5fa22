"""Whatever the network does to one call's notifications, the call ends in the truth of what happened."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cordpair.core.agent import AgentState
from cordpair.core.call import CallState, Outcome
from tests.core.one_call_world import Network, Reaction, World
from tests.core.people import ANA, BEN, CALL, CLEO, floor_with, ready

delays = st.one_of(st.just(0.1), st.floats(0.01, 5), st.floats(0.01, 300))
#: Every notification comes, once or more often, in any order.
reordering = st.lists(st.lists(delays, min_size=1, max_size=3).map(tuple), min_size=14, max_size=14)
#: Some come well, some late or doubled, some never.
losing = st.lists(
    st.one_of(st.just((0.1,)), st.just(()), st.lists(delays, max_size=3).map(tuple)), min_size=14, max_size=14
)
reactions = st.lists(
    st.one_of(
        st.builds(Reaction, st.sampled_from(["accept", "decline", "ignore"]), st.floats(0.5, 30, allow_nan=False)),
        st.just(Reaction("accept", 20.02)),  # between the last look at the roster and the withdrawal of the ring
    ),
    max_size=4,
)


def world(network: Network, does: list[Reaction], patience_s: float, talk_s: float, agent_hangs_up: bool) -> World:
    floor = floor_with(ready(ANA, 30), ready(BEN, 20), ready(CLEO, 10))
    return World(floor, does, network, patience_s, talk_s, agent_hangs_up)


@settings(max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(reordering, reactions, st.floats(1, 200), st.floats(0.5, 200), st.booleans())
def test_any_order_and_doubling_of_notifications_ends_in_the_same_truth(
    copies: list[tuple[float, ...]], does: list[Reaction], patience_s: float, talk_s: float, agent_hangs_up: bool
) -> None:
    one = world(Network(tuple(copies)), does, patience_s, talk_s, agent_hangs_up)
    one.live()
    assert_truth(one)


@settings(max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(losing, reactions, st.floats(1, 200), st.floats(75, 200), st.booleans())
def test_any_loss_of_notifications_is_made_good_by_re_reading(
    copies: list[tuple[float, ...]], does: list[Reaction], patience_s: float, talk_s: float, agent_hangs_up: bool
) -> None:
    one = world(Network(tuple(copies)), does, patience_s, talk_s, agent_hangs_up)
    one.live()
    if one.floor.calls:  # a call of which not one word came through is nobody's
        assert_truth(one)


def assert_truth(one: World) -> None:
    call = one.floor.calls[CALL]
    assert call.state is CallState.CLOSED
    if one.talked:
        assert (call.outcome, call.agent in one.talked, one.logged) == (Outcome.ANSWERED, True, 1)
    else:
        assert (call.outcome in (Outcome.ABANDONED, Outcome.FLOWED_OUT), call.agent, one.logged) == (True, None, 0)
    assert call.offer is None
    assert len(one.rings) == len(set(one.rings)), "an offer rang twice"
    resting = {AgentState.READY, AgentState.NOT_RESPONDING}
    assert {agent.state for agent in one.floor.agents.values()} <= resting


def test_a_perfect_network_tells_the_plain_story() -> None:
    one = world(Network(()), [Reaction("accept", 3)], 60, 100, False)
    one.live()
    assert_truth(one)
    assert (one.talked, one.floor.calls[CALL].inferred) == ([ANA], ())


def test_when_every_notification_after_the_answer_is_lost_the_truth_is_inferred_and_marked() -> None:
    one = world(Network(((0.1,), (0.1,), *[()] * 12)), [Reaction("accept", 3)], 60, 100, False)
    one.live()
    assert_truth(one)
    assert set(one.floor.calls[CALL].inferred) == {"connected_at", "ended_at"}


def test_when_even_the_arrival_is_lost_nothing_is_invented() -> None:
    one = world(Network(((),)), [], 60, 100, False)
    one.live()
    assert one.floor.calls[CALL].outcome_reason == "unseen"


def test_an_accept_that_crosses_our_withdrawal_costs_the_caller_nothing() -> None:
    one = world(Network(()), [Reaction("accept", 20.02), Reaction("accept", 3)], 200, 100, False)
    one.cuts = True
    one.live()
    assert_truth(one)
    assert (one.talked, len(one.rings)) == ([BEN], 2)


def test_nothing_is_folded_twice_into_effects() -> None:
    doubled = Network(tuple((0.1, 0.2) for _ in range(12)))
    plain, twice = (world(net, [Reaction("accept", 3)], 60, 100, True) for net in (Network(()), doubled))
    for one in (plain, twice):
        one.live()
    assert plain.rings == twice.rings
