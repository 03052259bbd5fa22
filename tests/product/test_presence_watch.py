"""Subscriptions of presence live on, whatever becomes of them at Microsoft's."""

import pytest

from cordpair.emulator.failing import Failing
from cordpair.emulator.graph.subscriptions import Subscription
from cordpair.engine.presence import AGAIN, LIFE, LOOK_S, SEEK
from tests.product.house import House, Organisation, until

A_LOOK = LOOK_S + 1


async def standing(us: Organisation) -> Subscription:
    """The one subscription of an organisation, once it is there and we know its name."""

    async def look() -> Subscription | None:
        there = us.house.parts.subscriptions.of(us.tenant)
        known = await known_names(us)
        return there[0] if len(there) == 1 and known == [there[0].id] else None

    found = await until(look)
    assert found is not None
    return found


async def known_names(us: Organisation) -> list[str]:
    async with us.house.store.open_tenant(us.id) as rows:
        return [row.graph_id for row in await rows.subscriptions.all()]


async def until_another_than(us: Organisation, former: Subscription) -> None:
    async def look() -> bool:
        return (await standing(us)).id != former.id

    await until(look)


def reads(us: Organisation) -> int:
    return len(us.asked_graph("/getPresencesByUserId"))


async def until_read_again(us: Organisation, before: int) -> None:
    async def look() -> bool:
        return reads(us) > before

    await until(look)


async def test_a_subscription_that_goes_without_a_word_is_found_and_made_anew(here: House) -> None:
    us = here.lanterns
    former, before = await standing(us), reads(us)
    here.parts.subscriptions.remove(former.id, silently=True)
    await here.pass_time(SEEK.total_seconds() + A_LOOK)
    await until_another_than(us, former)
    await until_read_again(us, before)


async def test_a_subscription_that_is_said_to_be_removed_is_made_anew_at_the_next_look(here: House) -> None:
    us = here.lanterns
    former = await standing(us)
    here.parts.subscriptions.remove(former.id)
    await heard(us)
    await here.pass_time(A_LOOK)
    await until_another_than(us, former)


@pytest.mark.parametrize("event", ["reauthorizationRequired", "missed"])
async def test_a_subscription_that_wants_to_be_looked_after_is_renewed_and_read_again(here: House, event: str) -> None:
    us = here.lanterns
    lives, before = await standing(us), reads(us)
    here.parts.subscriptions.lifecycle(lives, event)
    await heard(us)
    await here.pass_time(A_LOOK)
    await until_read_again(us, before)
    assert us.asked_graph(f"/subscriptions/{lives.id}")
    assert (await standing(us)).id == lives.id


async def heard(us: Organisation) -> None:
    """A lifecycle event has reached the product."""

    async def look() -> bool:
        now = us.house.product.clock.now()
        async with us.house.store.open_tenant(us.id) as rows:
            return any(row.expires_at - now < LIFE / 2 for row in await rows.subscriptions.all())

    await until(look)


async def test_a_subscription_is_renewed_at_half_its_life(here: House) -> None:
    us = here.lanterns
    lives = await standing(us)
    ends = lives.expires
    await here.pass_time(LIFE.total_seconds() / 2 + A_LOOK)

    async def look() -> bool:
        return lives.expires > ends

    await until(look)


async def test_a_renewal_that_is_refused_is_tried_again_until_it_is_allowed(here: House) -> None:
    us = here.lanterns
    lives = await standing(us)
    ends, here.parts.graph.failing = lives.expires, Failing(path=f"/subscriptions/{lives.id}", status=403, times=2)
    await here.pass_time(LIFE.total_seconds() / 2 + A_LOOK)

    async def look() -> bool:
        await here.pass_time(AGAIN.total_seconds())
        return lives.expires > ends

    await until(look)
    assert here.parts.graph.failing.times == 0
