"""Callers in a call flow, in the running product: what they hear and press goes through Graph, and where they come."""

import base64
import hashlib
import io
import json
import wave
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from msgspec.structs import replace

from cordpair.core.call import Call, CallState, Outcome
from cordpair.core.flow import Flow, Say, ToNumber, Treatment
from cordpair.core.ids import CallId, FlowId, GraphCallId, call_id
from cordpair.emulator.failing import Failing
from tests.databases import Server
from tests.product.house import Organisation, house, until
from tests.product.test_quota import change

pytestmark = pytest.mark.asyncio(loop_scope="module")

HELLO, MENU, SORRY = ({"prompt": name} for name in ("hello", "menu", "sorry"))


class Beeps:
    """A voice without words: silence, the longer the text the longer."""

    name, languages = "beeps", ("de", "en")

    async def speak(self, text: str, language: str) -> bytes:
        return bytes(2 * 160 * len(text))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def us(postgresql: Server) -> AsyncIterator[Organisation]:
    """An organisation whose first number begins in a flow, with one agent who is ready."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cordpair.app.Espeak", Beeps)
        async with postgresql.fresh() as pair, house(pair, rate=3.0) as one:
            org = one.lanterns
            for name in ("hello", "menu", "sorry"):
                await one.product.sounds.add(org.id, name, wav(1.0))
            await change(org, flows=(flow_of(org),), queues=treated(org))
            yield org


def wav(seconds: float) -> bytes:
    """A file of silence that can be uploaded."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(bytes(int(32_000 * seconds)))
    return out.getvalue()


def flow_of(org: Organisation) -> Flow:
    steps: dict[str, Any] = {
        "hello": {"do": "play", "say": [HELLO], "next": "when"},
        "when": {"do": "hours", "hours": HOURS, "open": "menu", "closed": "menu", "holiday": "sorry"},
        "menu": {
            "do": "menu",
            "say": [MENU],
            "choices": {"2": "wait"},
            "no_input": "operator",
            "retries": 1,
            "timeout_s": 5,
        },
        "wait": {"do": "queue", "queue": org.setup.queues[0].id},
        "operator": {"do": "to_user", "user": org.agents[1].id},
        "sorry": {"do": "hang_up", "say": [SORRY]},
    }
    account = org.setup.queues[0].resource_account
    flow = {"id": "main", "start": "hello", "steps": steps, "resource_accounts": [account], "language": "de"}
    return msgspec.convert(flow, Flow)


HOURS = {"time_zone": "Europe/Berlin", "week": ["mon-sun 00:00-24:00"], "holidays": "DE-BE"}


def treated(org: Organisation) -> Any:
    treatment = Treatment(music=(Say(prompt="hello"),), position=True, every_s=20)
    return tuple(replace(queue, treatment=treatment) for queue in org.setup.queues)


def press(org: Organisation, call: CallId, tone: str) -> None:
    on_the_line = org.house.parts.exchange.calls.values()
    org.house.parts.exchange.press_tone(
        next(one for one in on_the_line if call_id(org.id, GraphCallId(one.id)) == call), tone
    )


async def until_step(org: Organisation, call: CallId, step: str, *, told: int = 0) -> Call:
    """The call, once it is in this step and something was played there."""

    async def look() -> Call | None:
        found = await org.call(call)
        in_step = found is not None and found.flow is not None and found.flow.step == step
        return found if in_step and found is not None and found.prompts >= told else None

    found = await until(look)
    assert found is not None
    return found


def told_graph(org: Organisation, call: Call, tail: str) -> list[dict[str, Any]]:
    return [one for one in org.asked_graph(f"/{tail}") if call.graph_id in one["path"]]


def played(org: Organisation, call: Call) -> list[str]:
    """The names of the sounds that Graph was told to play."""
    links = [one["body"]["prompts"][0]["mediaInfo"]["uri"] for one in told_graph(org, call, "playPrompt")]
    parts = [link.rpartition("/")[2].split(".")[1] for link in links]
    return [json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))["sub"] for part in parts]


def spoken(text: str) -> str:
    """The part of a sound's name that stands for a spoken text."""
    return "s." + hashlib.sha256(f"beeps/de/{text}".encode()).hexdigest()[:32]


async def test_a_caller_hears_presses_is_told_the_place_waits_and_is_connected(us: Organisation) -> None:
    call = us.call_in(us.member().e164[0])
    await until_step(us, call, "menu", told=2)
    press(us, call, "tone2")
    waiting = await us.until_call(call, CallState.QUEUED)
    assert waiting.flow is not None
    assert waiting.flow.taken == ("hello.next", "when.open", "menu.choices.2")

    async def has_music() -> bool:
        found = await us.call(call)
        return found is not None and found.saying is not None and found.saying.why == "music"

    await until(has_music)
    assert await us.house.parts.floor.sign_in(us.agents[0].seat)
    assert await us.agents[0].say("ready")
    await us.until_call(call, CallState.OFFERED)
    await us.agents[0].answer()
    talking = await us.until_call(call, CallState.CONNECTED)
    us.caller_leaves(call)
    await us.agents[0].press("wrap_up", disposition=us.setup.queues[0].dispositions[0].id)
    await us.until_call(call, CallState.CLOSED)
    assert await us.agents[0].say("offline")

    assert len(told_graph(us, talking, "subscribeToTone")) == 1
    assert len(told_graph(us, talking, "cancelMediaProcessing")) >= 1
    assert spoken("Sie sind als Nächstes an der Reihe.") in ",".join(played(us, talking))


async def test_who_presses_nothing_comes_to_the_operator(us: Organisation) -> None:
    assert await us.house.parts.floor.sign_in(us.agents[1].seat)
    call = us.call_in(None)
    closed = await us.until_call(call, CallState.CLOSED, limit_s=30)

    assert (closed.outcome, closed.outcome_reason) == (Outcome.FLOWED_OUT, "to_user")
    assert closed.flow is not None
    assert closed.flow.taken[-1] == "menu.no_input"
    await us.agents[1].until_it_rings()


async def test_a_key_while_the_menu_is_said_cuts_it_short(us: Organisation) -> None:
    call = us.call_in(None)
    await until_step(us, call, "menu", told=2)
    press(us, call, "tone2")
    waiting = await us.until_call(call, CallState.QUEUED)

    async def cut() -> bool:
        return bool(told_graph(us, waiting, "cancelMediaProcessing"))

    await until(cut)
    us.caller_leaves(call)
    await us.until_call(call, CallState.CLOSED)


async def test_who_hangs_up_in_the_menu_has_abandoned_no_queue(us: Organisation) -> None:
    call = us.call_in(None)
    await until_step(us, call, "menu")
    us.caller_leaves(call)
    closed = await us.until_call(call, CallState.CLOSED)

    assert (closed.outcome, closed.outcome_reason, closed.queue) == (Outcome.ABANDONED, "in_menu", None)


async def test_no_key_that_was_pressed_stands_in_the_history(us: Organisation) -> None:
    call = us.call_in(None)
    await until_step(us, call, "menu")
    press(us, call, "tone7")
    await until_step(us, call, "menu", told=3)
    us.caller_leaves(call)
    await us.until_call(call, CallState.CLOSED)
    async with us.house.store.open_tenant(us.id) as rows:
        lines = await rows.calls.history_of(call)

    told = [f"{line.what} {line.before} {line.after} {line.detail}" for line in lines]
    assert any("ToneHeard" in line for line in told)
    assert not any("7" in line for line in told if "ToneHeard" in line)


async def test_a_sound_that_cannot_be_played_does_not_hold_the_caller(us: Organisation) -> None:
    us.house.parts.graph.failing = Failing(path="/playPrompt", status=403, times=1)
    call = us.call_in(None)
    await until_step(us, call, "hello")
    await us.house.pass_time(31)
    await until_step(us, call, "menu")
    us.caller_leaves(call)
    await us.until_call(call, CallState.CLOSED)


async def test_a_flow_hands_the_caller_to_a_telephone_outside(us: Organisation) -> None:
    outside, number = us.house.parts.outside, "+493023125777"
    outside.is_manual = True
    away = Flow(
        id=FlowId("away"),
        start="away",
        steps={"away": ToNumber(number=number)},
        resource_accounts=(us.setup.queues[1].resource_account,),
    )
    await change(us, flows=(*us.setup.flows, away))
    caller = us.house.parts.callers.call(us.tenant, us.tenant.queues[1], None, is_manual=True)
    call = call_id(us.id, GraphCallId(caller.call.id))
    closed = await us.until_call(call, CallState.CLOSED)

    async def rings() -> bool:
        return number in outside.rings

    await until(rings)
    assert outside.answer(number)
    assert (closed.outcome, closed.outcome_reason) == (Outcome.FLOWED_OUT, "to_number")
    assert caller.call.is_released


async def test_who_waits_accepts_a_call_back_and_is_let_go(us: Organisation) -> None:
    offer = Treatment(
        every_s=15,
        callback_after_s=15,
        say_callback=(Say(text="Rückruf: 1"),),
        say_goodbye=(Say(text="Wir rufen zurück."),),
    )
    first, *others = us.setup.queues
    await change(us, queues=(replace(first, treatment=offer), *others))
    call = us.call_in(us.member(1).e164[0])
    await until_step(us, call, "menu", told=2)
    press(us, call, "tone2")
    await us.until_call(call, CallState.QUEUED)

    async def is_asked() -> bool:
        found = await us.call(call)
        return found is not None and found.treated.callback_said

    await until(is_asked)
    press(us, call, "tone1")
    closed = await us.until_call(call, CallState.CLOSED, limit_s=20)

    assert (closed.outcome, closed.outcome_reason) == (Outcome.FLOWED_OUT, "callback")
    assert spoken("Wir rufen zurück.") in ",".join(played(us, closed))
