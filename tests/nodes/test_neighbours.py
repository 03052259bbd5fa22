"""Two nodes on one database: they share the organisations, and whichever is asked answers for all of them."""

from datetime import timedelta

from msgspec.structs import replace

from cordpair.core import events as e
from cordpair.core.call import CallState
from cordpair.core.ids import TenantId
from cordpair.engine.commands import Commands
from cordpair.web.floor_access import floor_link
from tests.nodes.neighbour import Neighbour, neighbour
from tests.product.house import House, Organisation, until


async def shared_evenly(here: House, other: Neighbour) -> tuple[Organisation, Organisation]:
    """Whose organisation is whose, once each node has one: the house's, the neighbour's."""

    async def one_each() -> bool:
        return len(here.product.node.tenants) == len(other.product.node.tenants) == 1

    await until(one_each)
    both = (here.lanterns, here.harbours)
    ours = next(org for org in both if org.id in here.product.node.tenants)
    theirs = next(org for org in both if org.id in other.product.node.tenants)
    assert ours is not theirs
    return ours, theirs


def all_of(here: House) -> frozenset[TenantId]:
    return frozenset({here.lanterns.id, here.harbours.id})


async def test_who_joins_gets_its_share_and_who_leaves_gives_it_back(here: House) -> None:
    async with neighbour(here) as other:
        await shared_evenly(here, other)
        await other.leave()
        assert other.product.node.tenants == frozenset()

        async def is_back() -> bool:
            return here.product.node.tenants == all_of(here)

        await until(is_back)


async def test_the_organisations_of_a_node_that_is_gone_are_served_by_the_other(here: House) -> None:
    async with neighbour(here) as other:
        _, theirs = await shared_evenly(here, other)
    call = theirs.call_in("+493023125999")
    await theirs.until_call(call, CallState.QUEUED)


async def test_a_command_to_a_node_that_does_not_own_the_organisation_is_answered(here: House) -> None:
    async with neighbour(here) as other:
        _, theirs = await shared_evenly(here, other)
        product = here.product
        commands = Commands(here.store, product.clock, product.wall)
        agent = theirs.agents[0].id
        verdict = await commands.submit(theirs.id, e.WentReady(at=product.clock.now(), agent=agent), key="k1")
        assert verdict == "ok"


async def test_every_node_shows_the_floor_of_every_organisation_live(here: House) -> None:
    async with neighbour(here) as other:
        ours, _ = await shared_evenly(here, other)
        now, key = here.product.clock.now(), here.product.link_key
        link = floor_link(key, ours.id, public_url=other.url, now=now, valid=timedelta(hours=1))

        async def page() -> str:
            answer = await here.http.get(link, follow_redirects=True)
            return answer.text if answer.status_code == 200 else ""

        assert ours.setup.name in await until(page)
        shown = other.product.floor.changes(ours.id)
        try:
            waiting = [await anext(shown)]
            call = ours.call_in("+493023125999")
            await ours.until_call(call, CallState.QUEUED)
            while not any(tile.numbers.waiting for tile in waiting[-1].queues):
                waiting.append(await anext(shown))
        finally:
            await shown.aclose()  # type: ignore[attr-defined]


async def test_a_changed_setup_is_known_to_nodes_that_do_not_own_the_organisation(here: House) -> None:
    async with neighbour(here) as other:
        ours, _ = await shared_evenly(here, other)
        renamed = tuple(replace(queue, name="Service desk") for queue in ours.setup.queues)
        async with here.store.open_tenant(ours.id) as rows:
            await rows.setups.configure(replace(ours.setup, queues=renamed))

        async def is_known() -> bool:
            parts = other.product.workshop.in_memory(ours.id)
            return parts is not None and parts.setup.queues[0].name == "Service desk"

        await until(is_known)
