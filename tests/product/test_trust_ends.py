"""Trust that ends in the midst of work: keys roll over, tokens end early, keys for encrypted content grow old."""

from collections.abc import AsyncIterator

import pytest
from msgspec.structs import replace

from cordpair.core.agent import Agent
from cordpair.core.content_keys import GOOD_FOR
from cordpair.core.ids import CallId
from cordpair.emulator.failing import Failing
from cordpair.engine.presence import AGAIN, LIFE, LOOK_S, PresenceWatch
from cordpair.store.databases import Databases
from cordpair.store.marks import Subscription
from tests.product.house import House, Organisation, Person, house, until

UNKNOWN = "+493023125999"
HALF_A_LIFE_S = LIFE.total_seconds() / 2 + LOOK_S + 1


@pytest.fixture
async def sealed(databases: Databases) -> AsyncIterator[House]:
    """A house whose presence comes encrypted."""
    async with house(databases, encrypted_notifications=True) as one:
        yield one


async def control(one: House, path: str, **body: object) -> None:
    answer = await one.http.post(f"{one.parts.cloud.url}/_control/{path}", json=body)
    assert answer.status_code == 200, answer.text


async def standing(us: Organisation) -> Subscription:
    """The subscription as we know it, once it has a name at Graph."""

    async def look() -> Subscription | None:
        async with us.house.store.open_tenant(us.id) as rows:
            return next((row for row in await rows.subscriptions.all() if row.graph_id), None)

    found = await until(look)
    assert found is not None
    return found


async def until_seen(person: Person, availability: str) -> None:
    async def look() -> bool:
        agent: Agent = await person.known()
        return agent.presence is not None and agent.presence.availability == availability

    await until(look)


async def goes(person: Person, availability: str, activity: str) -> None:
    person.organisation.house.parts.presences.set(person.organisation.tenant, person.id, availability, activity)
    await until_seen(person, availability)


async def until_known(us: Organisation, call: CallId) -> None:
    """Its notification was believed and folded; what becomes of the call is not the question here."""
    await until(lambda: us.call(call))


async def test_presence_that_comes_encrypted_is_known(sealed: House) -> None:
    us = sealed.lanterns
    await standing(us)
    await goes(us.agents[0], "Busy", "InACall")
    told = [one.body for one in sealed.parts.subscriptions.of(us.tenant)]
    assert [body["includeResourceData"] for body in told] == [True]


@pytest.mark.parametrize("failing", [0, 1], ids=["at once", "after the request has failed"])
async def test_a_key_that_is_old_changes_at_a_renewal_and_is_kept_beside_the_new_one(
    databases: Databases, failing: int
) -> None:
    async with house(databases, runs=False) as one:
        us = one.lanterns
        watching = await watch(us, encrypted=True)
        await watching.once()
        former = await grown_old(us)
        one.parts.graph.failing = Failing(path="/subscriptions/", status=500, times=failing)
        for wait in (HALF_A_LIFE_S, AGAIN.total_seconds()):
            await one.parts.cloud.clock.advance(wait)
            await watching.once()
        now, (at_graph,) = await standing(us), one.parts.subscriptions.of(us.tenant)
        assert (now.graph_id, now.keys[1:]) == (former.graph_id, former.keys)
        assert now.keys[0] != former.keys[0]
        assert (at_graph.id, at_graph.body["encryptionCertificateId"]) == (former.graph_id, now.keys[0].id)


async def grown_old(us: Organisation) -> Subscription:
    """The subscription, its key made long ago."""
    row = await standing(us)
    old = replace(row, keys=tuple(replace(key, made_at=key.made_at - GOOD_FOR) for key in row.keys))
    async with us.house.store.open_tenant(us.id) as rows:
        await rows.subscriptions.put(old)
    return old


@pytest.mark.long
async def test_within_its_time_a_renewal_changes_no_key(sealed: House) -> None:
    us = sealed.lanterns
    before = await standing(us)
    await sealed.pass_time(HALF_A_LIFE_S)

    async def renewed() -> bool:
        return (await standing(us)).expires_at > before.expires_at

    await until(renewed)
    after = await standing(us)
    assert (after.graph_id, after.keys) == (before.graph_id, before.keys)


async def test_entras_keys_roll_over_and_presence_is_believed_by_the_new_one(sealed: House) -> None:
    us = sealed.lanterns
    await standing(us)
    await goes(us.agents[0], "Busy", "InACall")
    await control(sealed, "keys", tenant=us.id, withdrawn=True)
    await goes(us.agents[0], "Away", "Away")


async def test_the_keys_of_the_bot_framework_roll_over_and_calls_come_in(here: House) -> None:
    us = here.lanterns
    await until_known(us, us.call_in(UNKNOWN))
    await control(here, "keys", withdrawn=True)
    await until_known(us, us.call_in(UNKNOWN))


async def test_a_token_that_ends_between_check_and_use_is_fetched_anew(here: House) -> None:
    us = here.lanterns
    await standing(us)
    await control(here, "tokens/end", tenant=us.id)
    here.parts.subscriptions.remove((await standing(us)).graph_id)  # so that Graph is asked for something
    await until_graph_refused_and_then_granted(here)
    assert await us.parked_effects() == []


async def until_graph_refused_and_then_granted(one: House) -> None:
    async def look() -> bool:
        await one.pass_time(LOOK_S)
        statuses = [entry["status"] for entry in one.parts.cloud.journal.since(0, "graph")]
        return 401 in statuses and any(status < 300 for status in statuses[statuses.index(401) :])

    await until(look)


@pytest.mark.parametrize("wanted", [True, False], ids=["on", "off"])
async def test_who_switches_encryption_gets_another_subscription_in_the_place_of_the_former(
    databases: Databases, wanted: bool
) -> None:
    async with house(databases, runs=False) as one:
        us = one.lanterns
        await (await watch(us, encrypted=not wanted)).once()
        former = await standing(us)
        await (await watch(us, encrypted=wanted)).once()
        now = await standing(us)
        assert (bool(former.keys), bool(now.keys)) == (not wanted, wanted)
        assert [there.id for there in one.parts.subscriptions.of(us.tenant)] == [now.graph_id]


async def watch(us: Organisation, *, encrypted: bool) -> PresenceWatch:
    product = us.house.product
    parts = await product.workshop.of(us.id)
    return PresenceWatch(
        us.id,
        us.house.store,
        product.clock,
        presence=parts.presence,
        subscriptions=parts.subscriptions,
        agents=[agent.id for agent in us.setup.agents],
        encrypted=encrypted,
    )
