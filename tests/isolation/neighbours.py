"""Two organisations in one running product: one that asks, and one whose every personal text would be recognised.

Both have calls in every stage. Then time stands (almost) still, so that whatever changes at the second one was changed
by somebody.
"""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator

import asyncpg
import httpx
import msgspec
from msgspec.structs import replace

from cordpair.core.call import CallState
from cordpair.core.ids import CallId
from cordpair.emulator.members import Member
from cordpair.store.databases import Databases
from tests.isolation.rows import rows_of
from tests.product.house import House, Organisation, Person, house, until

CANARY = "Kanarienvogel"  #: in every text of the second organisation that we choose
STILL = 0.0001  #: emulated seconds in a real one, from the moment on when everything is in place
STRANGER = "+493023125999"
SETTLED_S = 0.5


class Names(msgspec.Struct, frozen=True, kw_only=True):
    """Everything by which something of an organisation is named. What nobody outside can know is left out."""

    tenant: str
    registration: str
    client: str
    bot: str
    queue: str
    resource_account: str
    agent: str
    teams_id: str
    upn: str
    conversation: str
    activity: str  #: Teams' id of a card
    writing: str  #: a call that is written up
    ringing: str
    queued: str
    graph: str  #: Graph's id of the call that rings
    offer: str
    party: str
    member: str  #: the CRM's own id of that party
    number: str
    parked: str
    subscription: str
    item: str  #: key of an inbox row

    def each(self) -> dict[str, str]:
        return {name: getattr(self, name) for name in self.__struct_fields__}


def of_nobody(names: Names) -> Names:
    """Names of the same shape, and nobody's."""
    call = _uuid("writing")
    shaped = {name: _shaped(value) for name, value in names.each().items()}
    uuids = {name: _uuid(name) for name, value in names.each().items() if _is_uuid(value)}
    return Names(
        **{
            **shaped,
            **uuids,
            "bot": f"28:{_uuid('client')}",
            "offer": f"{call}/1",
            "party": "imis:99999",
            "member": "99999",
            "number": "+493023125777",
            "parked": str(10**9),
            "registration": "reg-nowhere",
            "queue": "nowhere",
            "subscription": _uuid("subscription"),
        }
    )


def _uuid(name: str) -> str:
    return str(uuid.uuid5(uuid.UUID(int=7), name))


def _is_uuid(value: str) -> bool:
    with contextlib.suppress(ValueError):
        return str(uuid.UUID(value)) == value
    return False


def _shaped(value: str) -> str:
    """The same form with other letters; what stands before a colon (`29:`, `a:`) is part of the form."""
    before, colon, rest = value.rpartition(":")
    return before + colon + "".join(map(_other, rest))


def _other(letter: str) -> str:
    """Another letter of the same kind (hexadecimal digits stay such)."""
    if letter.isdigit():
        return str((int(letter) + 3) % 10)
    return chr((ord(letter) - ord("a") + 1) % 6 + ord("a")) if "a" <= letter <= "f" else letter


class Neighbours:
    """`us` asks; `them` must not be seen."""

    def __init__(self, one: House, databases: Databases) -> None:
        self.house, self.databases = one, databases
        self.us, self.them = one.harbours, one.lanterns
        self.asking: Person = self.us.agents[0]
        self.writing = CallId("")  #: a call of ours that `asking` writes up
        self.theirs: Names
        self.texts: frozenset[str] = frozenset()  #: what would give them away
        self.browser: httpx.AsyncClient

    async def rows(self) -> dict[str, str]:
        """What stands in the databases of theirs."""
        return await rows_of(self.databases, self.them.id)

    def given_away(self, content: str) -> list[str]:
        """Texts of theirs in what we got."""
        return sorted(text for text in self.texts if text in content)


@contextlib.asynccontextmanager
async def neighbours(databases: Databases) -> AsyncIterator[Neighbours]:
    await _number_effects(databases)
    async with house(databases) as one:
        two = Neighbours(one, databases)
        await _name_canaries(two)
        await _fill_theirs(two)
        await _fill_ours(two)
        await _stop_time(two)
        two.browser = await one_with_session(two)
        try:
            yield two
        finally:
            await two.browser.aclose()


async def _number_effects(databases: Databases) -> None:
    """From a number on that stands nowhere by chance."""
    owner = await asyncpg.connect(databases.main_url)
    try:
        await owner.execute("alter table outbox alter column id restart with 700000000")
    finally:
        await owner.close()


async def one_with_session(two: Neighbours) -> httpx.AsyncClient:
    """A browser that has opened our floor page by its link."""
    browser = httpx.AsyncClient(timeout=20, trust_env=False)
    assert (await browser.get(two.house.floor_page(two.us))).status_code == 303
    return browser


async def _name_canaries(two: Neighbours) -> None:
    setup = two.them.setup
    agents = tuple(replace(agent, name=f"{CANARY} {agent.name}") for agent in setup.agents)
    queues = tuple(replace(queue, name=f"{CANARY} {queue.name}") for queue in setup.queues)
    two.them.setup = replace(setup, name=f"{CANARY} {setup.name}", agents=agents, queues=queues)
    await two.them.configure()

    async def taken_up() -> bool:
        parts = two.house.product.workshop._parts.get(two.them.id)
        return parts is not None and parts.setup.name == two.them.setup.name

    await until(taken_up)


async def _fill_theirs(two: Neighbours) -> None:
    """Written up and logged, unknown and pending, parked, being written up, ringing, waiting: one call of each."""
    them = two.them
    ours = {member.party_id for member in two.house.parts.members[two.us.id]}
    known = [member for member in map(them.member, range(10)) if member.party_id not in ours]
    members = known[:3]
    for member in members:
        await them.until_known(member)
    for person in them.agents:
        await person.come_in()
    await _talked_and_written(them, members[0].e164[0])
    await _talked_and_written(them, STRANGER)
    await until(lambda: _is_logged(them))
    await _park_one(two)
    person, writing = await them.talked(members[1].e164[0])
    ringing = them.call_in(members[2].e164[0])
    await them.until_call(ringing, CallState.OFFERED)
    queued = them.call_in(members[0].e164[0])
    await them.until_call(queued, CallState.QUEUED)
    two.theirs = await _names(two, person, members[0], writing, ringing, queued)
    two.texts = _texts(two, members)


async def _talked_and_written(them: Organisation, number: str) -> None:
    person, call = await them.talked(number)
    await person.press("wrap_up", disposition=them.setup.queues[0].dispositions[0].id, note=f"{CANARY} asks.")
    await them.until_call(call, CallState.CLOSED)


async def _is_logged(them: Organisation) -> bool:
    return len(them.activities()) == 1 and len(await them.pending()) == 1


async def _park_one(two: Neighbours) -> None:
    """One effect as if it had been given up."""
    owner = await asyncpg.connect(two.databases.main_url)
    try:
        await owner.execute(
            "update outbox set state = 'parked', reason = 'refused' where tenant = $1 and id = "
            "(select min(id) from outbox where tenant = $1 and kind = 'LogActivity')",
            two.them.id,
        )
    finally:
        await owner.close()


async def _fill_ours(two: Neighbours) -> None:
    us = two.us
    await us.until_known(us.member())
    for person in us.agents:
        await person.come_in()
    two.asking, two.writing = await us.talked(us.member().e164[0])


async def _stop_time(two: Neighbours) -> None:
    """From here on only what somebody does happens."""
    clock = two.house.parts.cloud.clock
    await clock.advance(0)
    clock.rate = STILL
    clock._arm()
    await two.us.until_folded()
    await two.them.until_folded()

    async def settled() -> bool:
        before = await two.rows()
        await asyncio.sleep(SETTLED_S)
        return await two.rows() == before

    await until(settled)


async def _names(
    two: Neighbours, person: Person, member: Member, writing: CallId, ringing: CallId, queued: CallId
) -> Names:
    them, seat = two.them, person.seat
    ours = {queue.id for queue in two.us.tenant.queues}
    queue = next(queue for queue in them.tenant.queues if queue.id not in ours)
    rings = await them.call(ringing)
    assert rings is not None
    async with two.house.store.open_tenant(them.id) as rows:
        parked = (await rows.outbox.parked())[0]
        subscription = (await rows.subscriptions.all())[0]
        card = await rows.cards.get(writing, person.id)
    assert card is not None
    return Names(
        tenant=them.id,
        registration=them.tenant.registration.id,
        client=them.tenant.registration.client_id,
        bot=them.tenant.registration.bot_id,
        queue=queue.id,
        resource_account=queue.resource_account,
        agent=person.id,
        teams_id=seat.agent.teams_id,
        upn=seat.agent.upn,
        conversation=seat.agent.conversation,
        activity=card.activity_id,
        writing=writing,
        ringing=ringing,
        queued=queued,
        graph=rings.graph_id,
        offer=f"{ringing}/1",
        party=f"imis:{member.party_id}",
        member=member.party_id,
        number=member.e164[0],
        parked=str(parked.id),
        subscription=subscription.graph_id,
        item=(await them.inbox("graph"))[0],
    )


def _texts(two: Neighbours, members: list[Member]) -> frozenset[str]:
    """Their texts that are not by chance ours too."""
    ours = repr([two.us.setup, two.house.parts.members[two.us.id]])
    chosen = [text for member in members for text in (member.name, member.company, *member.e164)]
    crm = two.them.setup.crm
    secrets = [two.them.setup.registration.client_secret, *(crm.secrets.values() if crm else ())]
    found = {CANARY, STRANGER, *secrets, *(text for text in chosen if text)}
    return frozenset(text for text in found if text not in ours)
