"""What an organisation has set up comes back as it was given, secrets included, and can be given again."""

from datetime import timedelta

from msgspec.structs import replace

from cordpair.core.agent import Agent, AgentState
from cordpair.core.changes import Changes
from cordpair.core.hours import AtClosing, Hours
from cordpair.core.quota import QuotaAct, QuotaPolicy
from cordpair.core.tenant import Queue
from cordpair.store.doors import Store
from tests.store.world import ANA, BEN, NOBODY, NOON, SALES, A, call, configured, leased, setup


async def test_a_setup_comes_back_as_it_was_given(store: Store) -> None:
    await configured(store, A)
    await configured(store, A)
    async with store.open_tenant(A) as rows:
        assert await rows.setups.get() == setup(A)


async def test_limits_fallbacks_and_the_end_of_the_secret_come_back_as_they_were_given(store: Store) -> None:
    whole = setup(A)
    registration = replace(
        whole.registration,
        secret_expires_at=NOON + timedelta(days=90),
        quota=QuotaPolicy(calls_per_month=500, at_90=QuotaAct.REDIRECT),
    )
    queues = tuple(replace(queue, fallback_user=BEN) for queue in whole.queues)
    given = replace(whole, registration=registration, queues=queues, fallback_user=ANA)
    await configured(store, A)  # without them, as before somebody thought of them
    async with store.open_tenant(A) as rows:
        await rows.setups.configure(given)
        assert await rows.setups.get() == given


async def test_opening_hours_come_back_as_they_were_given(store: Store) -> None:
    office = Hours(
        time_zone="Europe/Berlin",
        week=("mon-fri 08:00-12:00, 13:00-17:00",),
        holidays="DE-BE",
        exceptions=("2026-12-24 closed",),
        at_closing=AtClosing.MOVE,
    )
    whole = setup(A)
    given = replace(whole, queues=tuple(replace(queue, hours=office, closed_user=BEN) for queue in whole.queues))
    await configured(store, A)
    async with store.open_tenant(A) as rows:
        await rows.setups.configure(given)
        assert await rows.setups.get() == given


async def test_only_a_change_makes_a_new_revision(store: Store) -> None:
    await configured(store, A)
    await configured(store, A)
    async with store.open_queue() as queue:
        assert (await queue.revisions())[A] == 1
    async with store.open_tenant(A) as rows:
        await rows.setups.configure(replace(setup(A), name="Neu"))
    async with store.open_queue() as queue:
        assert (await queue.revisions())[A] == 2


async def test_nothing_is_set_up_at_first(store: Store) -> None:
    async with store.open_tenant(A) as rows:
        assert await rows.setups.get() is None


async def test_a_new_setup_takes_the_place_of_the_old_one(store: Store) -> None:
    await configured(store, A)
    support = Queue(id=SALES, name="Support", resource_account="other", service_level_s=30.0)
    changed = replace(setup(A), name="Neu", queues=(support,), agents=setup(A).agents[:1], crm=None)
    async with store.open_tenant(A) as rows:
        await rows.setups.configure(changed)
        assert await rows.setups.get() == changed


async def test_an_agent_who_left_is_not_on_the_floor(store: Store) -> None:
    await configured(store, A)
    async with store.open_tenant(A) as rows:
        await rows.setups.configure(replace(setup(A), agents=setup(A).agents[:1]))
        assert [agent.id for agent in await rows.agents.of_floor()] == [ANA]


async def test_an_agent_who_left_during_a_call_stays_until_it_is_over(store: Store) -> None:
    await configured(store, A)
    epoch = await leased(store, A)
    ben = Agent(id=BEN, state=AgentState.TALKING, since=NOON, idle_since=NOON, call=NOBODY)
    async with store.open_tenant(A) as rows:
        await rows.write_fold(
            owner="node-1", epoch=epoch, changes=Changes(agents={BEN: ben}), folded={}, fired=[], now=NOON
        )
        await rows.setups.configure(replace(setup(A), agents=setup(A).agents[:1]))
        assert [agent.id for agent in await rows.agents.of_floor()] == [ANA, BEN]


async def test_what_the_administrator_set_is_not_undone_by_a_fold(store: Store) -> None:
    await configured(store, A)
    epoch = await leased(store, A)
    remembered = Agent(id=ANA, name="old name", queues=(), since=NOON, idle_since=NOON)
    async with store.open_tenant(A) as rows:
        await rows.write_fold(
            owner="node-1", epoch=epoch, changes=Changes(agents={ANA: remembered}), folded={}, fired=[], now=NOON
        )
        (ana, _) = await rows.agents.of_floor()
    assert (ana.name, ana.queues, ana.skills) == ("Ana Kanari", (SALES,), frozenset({"de"}))


async def test_somebody_who_was_never_set_up_can_stand_in_a_call(store: Store) -> None:
    await configured(store, A)
    epoch = await leased(store, A)
    stranger = Agent(id=call().id, name="x", state=AgentState.TALKING, since=NOON, idle_since=NOON, call=call().id)  # type: ignore[arg-type]
    async with store.open_tenant(A) as rows:
        await rows.write_fold(
            owner="node-1", epoch=epoch, changes=Changes(agents={stranger.id: stranger}), folded={}, fired=[], now=NOON
        )
        floor = await rows.load_floor(timedelta(0), NOON)
    assert stranger in floor.agents
