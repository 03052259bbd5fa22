"""Webhooks: in order, once each, for more than a day, to a receiver over real HTTP."""

import json
from collections.abc import AsyncIterator, Callable

import httpx
import pytest
from msgspec.structs import replace
from starlette.responses import Response

from cordpair.connectors.cloudtoolz import new_secret
from cordpair.connectors.cloudtoolz.messages import DEFAULT_FIELDS
from cordpair.core.call import CallState, Outcome
from cordpair.core.changes import Changes, HistoryEntry
from cordpair.engine.hooks import EVENTS, HookSender
from cordpair.engine.outward import outward_client
from cordpair.store.doors import Store
from cordpair.store.hooks import Delivery, Hook
from tests.engine.conftest import StandingClock
from tests.engine.hook_receiver import Receiver
from tests.store.world import CANARY, NOBODY, NOON, A, call, configured, leased, setup

SECRET = new_secret(b"a" * 32)
OTHER = new_secret(b"b" * 32)
DAY_S = 86_400.0


@pytest.fixture
def receiver() -> Receiver:
    made = Receiver([SECRET])
    made.start()
    return made


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with outward_client("127.0.0.0/8") as client:
        yield client


@pytest.fixture
async def hooked(store: Store, receiver: Receiver) -> Hook:
    await configured(store, A)
    hook = Hook(
        id="flows",
        url=receiver.url,
        profile="cloudevents",
        events=frozenset(EVENTS.values()),
        fields=DEFAULT_FIELDS,
        secrets=(SECRET,),
    )
    await put(store, hook)
    return hook


@pytest.fixture
def sender(store: Store, clock: StandingClock, http: httpx.AsyncClient) -> HookSender:
    return HookSender(setup(A), store, clock, http, lambda: 0.5)


async def put(store: Store, hook: Hook) -> None:
    async with store.open_tenant(A) as rows:
        await rows.hooks.put(hook)


async def happened(store: Store, *states: CallState, name: str = "g1") -> None:
    """A call comes to these states, one after the other."""
    epoch = await leased(store, A)
    one = call(name=name, state=states[-1], outcome=Outcome.ANSWERED)
    before = ["ringing", *(state.value for state in states)]
    history = [
        HistoryEntry(at=NOON, what="Identified", call=one.id, before=former, after=state.value)
        for former, state in zip(before, states, strict=False)
    ]
    async with store.open_tenant(A) as rows:
        await rows.write_fold(
            owner="node-1",
            epoch=epoch,
            changes=Changes(calls={one.id: one}, history=history),
            folded={},
            fired=(),
            now=NOON,
        )


async def turns(sender: HookSender, count: int = 6) -> None:
    for _ in range(count):
        await sender.turn()


async def given_up(store: Store) -> list[Delivery]:
    async with store.open_tenant(A) as rows:
        return await rows.hooks.dead()


def types(receiver: Receiver) -> list[str]:
    return [json.loads(one.body)["type"] for one in receiver.taken]


async def test_a_call_is_told_in_the_order_of_its_events(
    store: Store, hooked: Hook, receiver: Receiver, sender: HookSender
) -> None:
    await happened(store, CallState.QUEUED, CallState.CONNECTED, CallState.CLOSED)
    await turns(sender)
    assert types(receiver) == [
        "org.cordpair.call.queued.v1",
        "org.cordpair.call.answered.v1",
        "org.cordpair.call.closed.v1",
    ]


async def test_a_message_is_a_cloud_event_whose_id_is_that_of_the_signature(
    store: Store, hooked: Hook, receiver: Receiver, sender: HookSender
) -> None:
    await happened(store, CallState.QUEUED)
    await turns(sender, 1)
    event, taken = json.loads(receiver.taken[0].body), receiver.taken[0]
    assert (event["specversion"], event["id"], event["subject"]) == ("1.0", taken.id, call().id)
    assert taken.headers["content-type"] == "application/cloudevents+json"


async def test_nothing_personal_is_told_unless_it_was_asked_for(
    store: Store, hooked: Hook, receiver: Receiver, sender: HookSender
) -> None:
    await happened(store, CallState.QUEUED)
    await turns(sender, 1)
    assert CANARY not in receiver.taken[0].body.decode()
    assert "+493012345" not in receiver.taken[0].body.decode()


async def test_a_field_that_was_asked_for_is_told(
    store: Store, hooked: Hook, receiver: Receiver, sender: HookSender
) -> None:
    await put(store, replace(hooked, fields=frozenset({"caller_number"})))
    await happened(store, CallState.QUEUED)
    await turns(sender, 1)
    assert json.loads(receiver.taken[0].body)["data"] == {"caller_number": "+493012345"}


async def test_while_an_event_is_not_taken_later_ones_of_its_call_wait_and_other_calls_do_not(
    store: Store, hooked: Hook, receiver: Receiver, sender: HookSender, clock: StandingClock
) -> None:
    receiver.answers = [Response(status_code=503)]
    await happened(store, CallState.QUEUED, CallState.CONNECTED)
    await turns(sender)
    assert types(receiver) == []
    await happened(store, CallState.CLOSED, name="g2")
    await turns(sender)
    assert types(receiver) == ["org.cordpair.call.closed.v1"]
    clock.move(60)
    await turns(sender)
    assert types(receiver)[1:] == ["org.cordpair.call.queued.v1", "org.cordpair.call.answered.v1"]


async def test_a_message_has_the_same_id_in_every_try(
    store: Store, hooked: Hook, receiver: Receiver, sender: HookSender, clock: StandingClock
) -> None:
    receiver.secrets = []
    await happened(store, CallState.QUEUED)
    await turns(sender, 1)
    receiver.secrets = [SECRET]
    clock.move(60)
    await turns(sender, 1)
    assert receiver.asked == [receiver.taken[0].id] * 2


async def test_during_a_rotation_either_secret_opens(
    store: Store, hooked: Hook, receiver: Receiver, sender: HookSender
) -> None:
    await put(store, replace(hooked, secrets=(OTHER, SECRET)))
    await happened(store, CallState.QUEUED, CallState.CONNECTED)
    await turns(sender, 1)
    receiver.secrets = [OTHER]
    await turns(sender, 1)
    assert len(receiver.taken) == 2


async def test_it_is_tried_for_more_than_a_day_and_then_waits_for_a_person_who_replays_it(
    store: Store, hooked: Hook, receiver: Receiver, sender: HookSender, clock: StandingClock
) -> None:
    receiver.secrets = []
    await happened(store, CallState.QUEUED)
    await turns(sender, 1)
    clock.move(DAY_S)
    await turns(sender, 1)
    assert await given_up(store) == []
    clock.move(DAY_S)
    await turns(sender, 1)
    dead = await given_up(store)
    assert [(one.event, one.reason) for one in dead] == [("call.queued", "status 401")]
    receiver.secrets = [SECRET]
    async with store.open_tenant(A) as rows:
        assert await rows.hooks.replay([dead[0].id], clock.now()) == 1
    await turns(sender, 1)
    assert types(receiver) == ["org.cordpair.call.queued.v1"]


async def state(store: Store) -> str:
    async with store.open_tenant(A) as rows:
        return (await rows.hooks.all())[0].state


async def test_an_endpoint_at_which_nothing_arrives_for_days_is_disabled(
    store: Store, hooked: Hook, receiver: Receiver, sender: HookSender, clock: StandingClock
) -> None:
    receiver.secrets = []
    for number in range(7):
        await happened(store, CallState.QUEUED, name=f"g{number}")
        await turns(sender, 1)
        assert await state(store) == ("active" if number < 5 else "disabled")
        clock.move(DAY_S)


async def test_an_endpoint_that_says_gone_is_disabled_at_once(
    store: Store, hooked: Hook, receiver: Receiver, sender: HookSender
) -> None:
    receiver.answers = [Response(status_code=410)]
    await happened(store, CallState.QUEUED)
    await turns(sender, 1)
    assert await state(store) == "disabled"


async def test_an_event_of_a_call_that_is_gone_is_given_up_and_others_go_on(
    store: Store, hooked: Hook, receiver: Receiver, sender: HookSender
) -> None:
    epoch = await leased(store, A)
    gone = HistoryEntry(at=NOON, what="Arrived", call=NOBODY, before="ringing", after="queued")
    async with store.open_tenant(A) as rows:
        await rows.write_fold(
            owner="node-1", epoch=epoch, changes=Changes(history=[gone]), folded={}, fired=(), now=NOON
        )
    await happened(store, CallState.QUEUED)
    await turns(sender, 2)
    assert [one.reason for one in await given_up(store)] == ["the call is not stored any more"]
    assert types(receiver) == ["org.cordpair.call.queued.v1"]


async def test_a_redirect_is_not_followed(store: Store, hooked: Hook, receiver: Receiver, sender: HookSender) -> None:
    receiver.answers = [Response(status_code=302, headers={"Location": receiver.url})]
    await happened(store, CallState.QUEUED)
    await turns(sender, 1)
    assert len(receiver.asked) == 1
    assert receiver.taken == []


async def test_a_private_address_is_not_spoken_to_unless_it_is_allowed(
    store: Store, hooked: Hook, receiver: Receiver, clock: StandingClock
) -> None:
    await happened(store, CallState.QUEUED)
    async with outward_client() as http:
        await HookSender(setup(A), store, clock, http, lambda: 0.5).turn()
    assert receiver.asked == []


async def test_a_new_endpoint_is_not_told_of_the_past(
    store: Store, hooked: Hook, receiver: Receiver, sender: HookSender
) -> None:
    await happened(store, CallState.QUEUED)
    async with store.open_tenant(A) as rows:
        await rows.hooks.remove("flows")
    await put(store, hooked)
    await turns(sender, 2)
    assert receiver.taken == []


@pytest.mark.parametrize(
    ("profile", "header"),
    [
        ("flowz", lambda taken: taken.headers["x-correlation-id"] == call().id),
        ("cti", lambda taken: b"newCall" in taken.body),
    ],
)
async def test_other_profiles_say_it_in_their_own_way(
    profile: str,
    header: Callable[[object], bool],
    store: Store,
    hooked: Hook,
    receiver: Receiver,
    sender: HookSender,
) -> None:
    await put(store, replace(hooked, profile=profile))
    await happened(store, CallState.QUEUED)
    await turns(sender, 1)
    assert header(receiver.taken[0])
