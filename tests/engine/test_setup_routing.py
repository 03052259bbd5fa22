"""A setup of the routing that cannot be meant is refused with its place; a good one comes back as it was given."""

from typing import Any

import pytest
from msgspec.structs import replace

from cordpair.core.callback import CallbackRules
from cordpair.core.ids import QueueId
from cordpair.core.need import AgentOrder, AllOf, AnyOf, Compare, Comparison, Membership, Step
from cordpair.core.tenant import TenantSetup
from cordpair.engine.setup_check import check_setup
from cordpair.errors import Rejected
from cordpair.store.doors import Store
from tests.engine.test_quota import whole
from tests.store.world import A, setup

STEPS = (
    Step(skills=frozenset({"de"}), order=AgentOrder.BEST_SKILL),
    Step(
        after_s=20,
        require=AnyOf((Compare("tax", Comparison.AT_LEAST, 2), AllOf((Compare("site", Comparison.EQUAL, "Ulm"),)))),
    ),
    Step(after_s=60),
)


def with_queue(**change: Any) -> TenantSetup:
    known = whole()
    return replace(known, queues=tuple(replace(queue, **change) for queue in known.queues))


def with_agents(**change: Any) -> TenantSetup:
    known = whole()
    return replace(known, agents=tuple(replace(agent, **change) for agent in known.agents))


def test_steps_can_be_applied() -> None:
    check_setup(with_queue(steps=STEPS, tier=1, overtake_s=300.0))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"steps": STEPS[1:]}, "steps must begin at after_s = 0"),
        ({"steps": STEPS, "skills": frozenset({"de"})}, "skills belong into the steps"),
        ({"credit_s": -1.0}, "credit_s and tier must not be negative"),
        ({"overtake_s": 0.0}, "overtake_s must be more than 0"),
    ],
)
def test_a_mistake_in_a_queue_is_said(change: dict[str, Any], said: str) -> None:
    with pytest.raises(Rejected, match=said):
        check_setup(with_queue(**change))


@pytest.mark.parametrize(
    ("memberships", "said"),
    [
        ((Membership(QueueId("nowhere")),), "memberships names nowhere, which is not among its queues"),
        ((Membership(QueueId("sales"), priority=0),), "priority must be at least 1"),
        ((Membership(QueueId("sales")), Membership(QueueId("sales"), 2)), "memberships"),
    ],
)
def test_a_mistake_in_a_membership_is_said(memberships: tuple[Membership, ...], said: str) -> None:
    with pytest.raises(Rejected, match=said):
        check_setup(with_agents(queues=(QueueId("sales"),), memberships=memberships))


async def test_what_routing_goes_by_comes_back_as_it_was_given(store: Store) -> None:
    known = setup(A)
    queue = replace(known.queues[0], skills=frozenset(), steps=STEPS, tier=1, overtake_s=300.0, credit_s=30.0)
    agent = replace(
        known.agents[0],
        queues=(queue.id,),
        memberships=(Membership(queue.id, priority=2, delay_s=15.0),),
        attributes={"tax": 3.0, "site": "Ulm"},
    )
    changed = replace(known, queues=(queue,), agents=(agent,))
    async with store.open_tenant(A) as rows:
        await rows.setups.configure(changed)
    async with store.open_tenant(A) as rows:
        assert await rows.setups.get() == changed
        (loaded,) = await rows.agents.of_floor()
    assert (loaded.memberships, loaded.attributes) == (agent.memberships, agent.attributes)


@pytest.mark.parametrize("change", [{"tries": 0}, {"offer_s": 0.0}, {"keep_s": -1.0}])
def test_callbacks_that_could_never_be_made_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(Rejected, match="callbacks: times must be more than 0, tries at least 1"):
        check_setup(with_queue(callbacks=CallbackRules(**change)))
