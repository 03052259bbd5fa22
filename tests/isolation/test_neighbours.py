"""Whoever asks with ids of another organisation learns what an id of nobody would have told, and changes nothing."""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

import jwt
import pytest
import pytest_asyncio

from cordpair.web.api_roles import OPERATIONS
from cordpair.web.floor_access import floor_link
from tests.databases import Server
from tests.isolation.neighbours import CANARY, Neighbours, neighbours, of_nobody
from tests.isolation.order_slots import FITTING_ORDERS, ORDERS
from tests.isolation.slots import API, ASKED, ASKED_OPERATIONS, BOT, FITTING, PAGES, PLAIN, WEBHOOKS, Ask

pytestmark = pytest.mark.asyncio(loop_scope="module")

SLOTS: dict[str, Ask] = {**PAGES, **BOT, **WEBHOOKS, **API, **ORDERS}
FITS = FITTING | FITTING_ORDERS
#: What is put into a place of the webhooks: each new call of ours costs work, so only what means something there.
TELLING = ("tenant", "registration", "resource_account", "agent", "ringing", "graph", "offer", "number", "subscription")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def two(postgresql: Server) -> AsyncIterator[Neighbours]:
    async with postgresql.fresh() as pair, neighbours(pair) as both:
        yield both


async def learned(two: Neighbours, ask: Ask, names: Sequence[str]) -> list[str]:
    """What is wrong with the answers to these names of theirs."""
    theirs, nobody = two.theirs.each(), of_nobody(two.theirs).each()
    found = []
    for name in names:
        other, nowhere = await ask(two, theirs[name]), await ask(two, nobody[name])
        if other.told != nowhere.told:  # a second that passed between the two answers makes no difference any more
            other, nowhere = await ask(two, theirs[name]), await ask(two, nobody[name])
        if other.told != nowhere.told:
            found.append(f"{name} is told from nobody's:\n{other.told[:500]}\n--\n{nowhere.told[:500]}")
        found += [f"{name} gives away {text}" for text in two.given_away(other.raw.replace(theirs[name], ""))]
    return found


@pytest.mark.parametrize("slot", SLOTS)
async def test_an_id_of_another_organisation_is_an_id_of_nobody(two: Neighbours, slot: str) -> None:
    await _asked(two, slot, FITS[slot].split())


@pytest.mark.long
@pytest.mark.parametrize("slot", SLOTS)
async def test_any_name_of_another_organisation_is_a_name_of_nobody_anywhere(two: Neighbours, slot: str) -> None:
    await _asked(two, slot, TELLING if slot in WEBHOOKS else two.theirs.__struct_fields__)


async def _asked(two: Neighbours, slot: str, names: Sequence[str]) -> None:
    before = await two.rows()
    assert await learned(two, SLOTS[slot], names) == []
    await two.us.until_folded()
    assert await two.rows() == before


async def test_the_live_page_shows_the_own_organisation_only(two: Neighbours) -> None:
    seen = ""
    async with two.browser.stream("GET", f"{two.house.url}/floor/live") as stream:
        async for chunk in stream.aiter_text():
            seen += chunk
            if two.us.setup.queues[0].name in seen:
                break
    assert two.given_away(seen) == []


async def test_a_link_or_session_whose_organisation_was_exchanged_opens_nothing(two: Neighbours) -> None:
    cookie, ours = next(iter(two.browser.cookies.items()))
    claims = jwt.decode(ours, options={"verify_signature": False}) | {"tid": two.them.id}
    forged = [jwt.encode(claims, "x" * 32, algorithm="HS256"), jwt.encode(claims, "", algorithm="none")]
    head, _, signature = ours.split(".")
    forged += [".".join([head, forged[0].split(".")[1], signature])]
    for token in forged:
        page = await two.house.http.get(f"{two.house.url}/floor", headers={"Cookie": f"{cookie}={token}"})
        link = await two.browser.get(f"{two.house.url}/floor/{token}")
        assert (page.status_code, link.status_code) == (403, 403)
        assert two.given_away(page.text + link.text) == []


async def test_nothing_that_we_were_sent_or_that_we_keep_is_of_another_organisation(two: Neighbours) -> None:
    us, house = two.us, two.house
    chats = [(person.seat.chat.cards, person.seat.chat.texts) for person in us.agents]
    asked = [one for one in house.parts.cloud.journal.since(0, "graph") if one["tenant"] == us.id]
    async with house.store.open_tenant(us.id) as rows:
        kept = await rows.load_floor(timedelta(days=400), house.product.clock.now())
        waiting, setup = await rows.calls.pending(), await rows.setups.get()
    page = (await two.browser.get(f"{house.url}/floor")).text
    numbers = {text for text in two.texts if text.startswith("+")}  # a caller may have any number: we sent some above
    given = set(two.given_away(repr([chats, asked, us.activities(), kept, waiting, setup, page]))) - numbers
    assert given == set()


async def test_what_is_looked_for_would_be_found(two: Neighbours) -> None:
    async with two.house.store.open_tenant(two.them.id) as rows:
        floor = await rows.load_floor(timedelta(days=1), two.house.product.clock.now())
        setup, subscriptions = await rows.setups.get(), await rows.subscriptions.all()
    assert subscriptions
    assert set(two.given_away(repr([floor, setup]))) == two.texts
    product = two.house.product
    valid = timedelta(minutes=5)
    link = floor_link(product.link_key, two.them.id, public_url=two.house.url, now=product.clock.now(), valid=valid)
    session = await two.house.http.get(link)
    headers = {"Cookie": session.headers["set-cookie"].partition(";")[0]}
    shown = await two.house.http.get(f"{two.house.url}/floor", headers=headers)
    assert CANARY in shown.text


def test_every_operation_of_the_api_that_takes_an_id_is_asked() -> None:
    assert {one.name for one in OPERATIONS.values() if "{" in one.path} <= ASKED_OPERATIONS


async def test_every_address_of_the_product_is_asked(two: Neighbours) -> None:
    paths = {getattr(route, "path", "") for route in two.house.product.entrance.app.router.routes}
    paths |= set(two.house.product.entrance.webhooks.paths)
    assert paths == ASKED | PLAIN
