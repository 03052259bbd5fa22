"""Whole lives of calls in the emulated cloud, over real HTTP."""

import io
import wave
from typing import Any

from tests.emulator.product import Product


def sound(seconds: float = 2.0, rate: int = 16000) -> bytes:
    data = io.BytesIO()
    with wave.open(data, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(b"\0\0" * int(seconds * rate))
    return data.getvalue()


async def roster(product: Product, call: str) -> list[str]:
    answer = await product.graph("GET", f"/communications/calls/{call}/participants")
    return [p["info"]["identity"].get("user", {}).get("id", "-") for p in answer.json()["value"]]


async def test_an_incoming_call_tells_who_calls_and_what_was_dialled(product: Product) -> None:
    call = await product.dial(number="+493023125001", queue="billing")
    told = product.of(call)[0]
    data = told["resourceData"]
    assert (told["changeType"], data["state"]) == ("created", "incoming")
    assert data["source"]["identity"]["phone"]["id"] == "+493023125001"
    billing = product.tenant.queue("billing")
    assert data["targets"][0]["identity"]["applicationInstance"]["id"] == billing.resource_account


async def test_a_withheld_number_comes_as_anonymous(product: Product) -> None:
    call = await product.dial(number=None)
    assert product.of(call)[0]["resourceData"]["source"]["identity"]["phone"]["id"] == "anonymous"


async def test_an_answered_call_is_established(product: Product) -> None:
    call = await product.answered(number="+493023125001")
    assert product.states(call) == ["created incoming", "updated establishing", "updated established"]


async def test_a_call_not_answered_within_15_seconds_is_dropped(product: Product) -> None:
    call = await product.dial(number="+493023125001")
    await product.advance(14.5)
    assert product.states(call)[-1] == "deleted terminated"
    late = await product.graph("POST", f"/communications/calls/{call}/answer", product.answer_body())
    assert (late.status_code, late.json()["error"]["code"]) == (404, "8522")
    assert (await product.control("truth"))["calls"][0]["ended_by"] == "cloud"


async def test_an_agent_who_accepts_stands_in_the_roster_under_the_id_of_the_invite(product: Product) -> None:
    agent, call = await product.manual(), await product.answered()
    await product.invited(call, agent)
    await product.act(agent, "accept")
    operation = product.of(call, "/operations")[-1]
    assert operation["changeType"] == "deleted"
    assert operation["resourceData"]["status"] == "completed"
    assert operation["resourceData"]["clientContext"] == "offer-1"
    last = product.of(call, "/participants")[-1]["resourceData"]
    assert [p["id"] for p in last if p["info"]["identity"].get("user", {}).get("id") == agent.id] == ["p-offer-1"]


async def test_every_roster_has_a_higher_number_than_the_one_before(product: Product) -> None:
    agent, call = await product.manual(), await product.answered()
    await product.invited(call, agent)
    await product.act(agent, "accept")
    await product.act(agent, "hang_up")
    numbers = [n["resourceData"][0]["rosterSequenceNumber"] for n in product.of(call, "/participants")]
    assert len(numbers) == 3
    assert numbers == sorted(set(numbers))


async def test_the_roster_of_a_peer_to_peer_call_reads_as_empty(product: Product) -> None:
    call = await product.answered()
    assert await roster(product, call) == []


async def test_a_transfer_is_refused_after_the_first_invite(product: Product) -> None:
    agent, call = await product.manual(), await product.answered()
    await product.invited(call, agent)
    target = {"transferTarget": {"identity": {"user": {"id": product.tenant.agents[1].id}}}}
    refused = await product.graph("POST", f"/communications/calls/{call}/transfer", target)
    assert refused.status_code == 400
    assert "group call" in refused.json()["error"]["message"]


async def test_after_a_transfer_nothing_is_told_but_the_end(product: Product) -> None:
    agent, call = await product.manual(), await product.answered()
    target = {"transferTarget": {"identity": {"user": {"id": agent.id}}}}
    assert (await product.graph("POST", f"/communications/calls/{call}/transfer", target)).status_code == 202
    await product.advance(2)
    await product.act(agent, "accept")
    await product.act(agent, "hang_up")
    await product.advance(300)
    assert product.states(call)[3:] == ["updated transferring", "updated transferAccepted", "deleted terminated"]
    assert product.of(call)[-1]["resourceData"]["resultInfo"]["subcode"] == 7015
    truth = (await product.control("truth"))["calls"][0]
    assert (truth["is_released"], truth["ended_by"], truth["answered_by"]) == (True, "agent", agent.id)


async def test_a_transfer_that_nobody_takes_gives_the_call_back(product: Product) -> None:
    agent, call = await product.manual(), await product.answered(is_manual=True)
    target = {"transferTarget": {"identity": {"user": {"id": agent.id}}}}
    await product.graph("POST", f"/communications/calls/{call}/transfer", target)
    await product.advance(2)
    await product.act(agent, "decline")
    assert product.states(call)[-1] == "updated established"
    assert product.of(call)[-1]["resourceData"]["resultInfo"]["code"] == 500


async def test_a_declined_invite_fails_with_603(product: Product) -> None:
    agent, call = await product.manual(), await product.answered()
    await product.invited(call, agent)
    await product.act(agent, "decline")
    operation = product.of(call, "/operations")[-1]["resourceData"]
    assert (operation["status"], operation["resultInfo"]["code"]) == ("failed", 603)


async def test_an_invite_rings_for_a_minute_and_then_fails_with_487(product: Product) -> None:
    agent, call = await product.manual(), await product.answered(is_manual=True)
    await product.invited(call, agent)
    await product.advance(50)
    assert product.of(call, "/operations") == []
    await product.advance(12)
    assert product.of(call, "/operations")[-1]["resourceData"]["resultInfo"]["code"] == 487
    assert (await product.control(f"agents/{agent.id}"))["ringing"] is None


async def test_an_agent_in_another_call_is_busy(product: Product) -> None:
    agent = await product.manual()
    first, second = await product.answered(), await product.answered()
    await product.invited(first, agent)
    await product.act(agent, "accept")
    await product.invited(second, agent, "offer-2")
    assert product.of(second, "/operations")[-1]["resourceData"]["resultInfo"]["code"] == 486


async def test_an_agent_without_a_client_is_not_found(product: Product) -> None:
    call = await product.answered()
    await product.invited(call, product.tenant.agents[3])
    info = product.of(call, "/operations")[-1]["resourceData"]["resultInfo"]
    assert (info["code"], info["subcode"]) == (480, 10037)


async def test_removing_a_participant_who_rings_stops_the_ring(product: Product) -> None:
    agent, call = await product.manual(), await product.answered()
    await product.invited(call, agent)
    assert (await product.control(f"agents/{agent.id}"))["ringing"] == call
    removed = await product.graph("DELETE", f"/communications/calls/{call}/participants/p-offer-1")
    await product.advance(1)
    assert removed.status_code == 204
    assert (await product.control(f"agents/{agent.id}"))["ringing"] is None
    assert product.of(call, "/operations")[-1]["resourceData"]["status"] == "failed"


async def test_an_agent_who_leaves_goes_from_the_roster_and_the_call_stays(product: Product) -> None:
    agent, call = await product.manual(), await product.answered(is_manual=True)
    await product.invited(call, agent)
    await product.act(agent, "accept")
    await product.act(agent, "hang_up")
    assert agent.id not in await roster(product, call)
    assert product.states(call)[-1] == "updated established"


async def test_a_caller_who_leaves_ends_the_call(product: Product) -> None:
    call = await product.answered()
    await product.control(f"calls/{call}/hang_up", {})
    await product.advance(1)
    assert product.states(call)[-1] == "deleted terminated"
    assert product.of(call)[-1]["resourceData"]["resultInfo"]["subcode"] == 560000
    assert (await product.graph("GET", f"/communications/calls/{call}")).status_code == 404


async def test_a_caller_who_leaves_while_a_client_rings_stops_the_ring(product: Product) -> None:
    agent, call = await product.manual(), await product.answered()
    await product.invited(call, agent)
    await product.control(f"calls/{call}/hang_up", {})
    await product.advance(1)
    assert (await product.control(f"agents/{agent.id}"))["ringing"] is None
    assert product.of(call, "/operations")[-1]["resourceData"]["status"] == "failed"


async def test_hanging_up_ends_the_call_for_everybody(product: Product) -> None:
    agent, call = await product.manual(), await product.answered()
    await product.invited(call, agent)
    await product.act(agent, "accept")
    assert (await product.graph("DELETE", f"/communications/calls/{call}")).status_code == 204
    await product.advance(1)
    assert (await product.control(f"agents/{agent.id}"))["in_call"] is None
    truth = (await product.control("truth"))["calls"][0]
    assert (truth["ended_by"], truth["stays"][0]["user"]) == ("bot", agent.id)


async def test_a_call_that_is_not_kept_alive_ends_after_45_minutes(product: Product) -> None:
    kept, forgotten = await product.answered(is_manual=True), await product.answered(is_manual=True)
    await product.advance(30 * 60)
    assert (await product.graph("POST", f"/communications/calls/{kept}/keepAlive")).status_code == 200
    await product.advance(20 * 60)
    assert product.states(forgotten)[-1] == "deleted terminated"
    assert product.of(forgotten)[-1]["resourceData"]["resultInfo"]["subcode"] == 8537
    assert product.states(kept)[-1] == "updated established"


async def test_a_prompt_is_fetched_and_its_operation_completes_when_it_was_played(product: Product) -> None:
    product.media["hello.wav"] = sound(2.0), "audio/wav"
    assert await played(product, "hello.wav") == "completed"


async def test_a_prompt_in_another_format_fails(product: Product) -> None:
    product.media["music.wav"] = sound(2.0, 44100), "audio/wav"
    assert await played(product, "music.wav") == "failed"


async def test_a_prompt_that_is_not_there_fails(product: Product) -> None:
    assert await played(product, "nothing.wav") == "failed"


async def played(product: Product, name: str) -> str:
    call = await product.answered()
    prompt = {"mediaInfo": {"uri": f"{product.url}/media/{name}", "resourceId": "1"}}
    body = {"prompts": [prompt], "clientContext": "greeting"}
    answer = await product.graph("POST", f"/communications/calls/{call}/playPrompt", body)
    assert (answer.status_code, answer.json()["status"]) == (200, "Running")
    await product.advance(5)
    operation = product.of(call, "/operations")[-1]["resourceData"]
    assert operation["clientContext"] == "greeting"
    return str(operation["status"])


async def test_keys_are_told_to_who_subscribed(product: Product) -> None:
    call = await product.answered()
    await product.graph("POST", f"/communications/calls/{call}/subscribeToTone", {"clientContext": "menu"})
    await product.control(f"calls/{call}/tone", {"tone": "tone2"})
    await product.advance(1)
    assert product.of(call)[-1]["resourceData"]["toneInfo"]["tone"] == "tone2"


async def test_a_rejected_call_ends(product: Product) -> None:
    call = await product.dial()
    assert (await product.graph("POST", f"/communications/calls/{call}/reject", {"reason": "busy"})).status_code == 202
    await product.advance(1)
    assert product.states(call) == ["created incoming", "deleted terminated"]


async def test_a_redirected_call_is_over_for_the_bot_when_the_other_takes_it(product: Product) -> None:
    agent, call = await product.manual(), await product.dial()
    targets = {"targets": [{"identity": {"user": {"id": agent.id}}}]}
    assert (await product.graph("POST", f"/communications/calls/{call}/redirect", targets)).status_code == 202
    await product.advance(2)
    await product.act(agent, "accept")
    assert product.states(call) == ["created incoming", "updated redirecting", "deleted terminated"]
    assert (await product.control(f"agents/{agent.id}"))["in_call"] == call


async def test_the_101st_call_at_once_is_not_put_through(product: Product) -> None:
    for _ in range(100):
        assert "call" in await product.control("calls", {})
    refused = await product.control("calls", {})
    assert refused["error"]["code"] == "TooManyRequests"


NUMBER = "+493023125777"


async def invited_number(product: Product, call: str, number: str = NUMBER) -> int:
    person = {"identity": {"phone": {"id": number}}, "participantId": "p-out"}
    body = {"participants": [person], "clientContext": "out-1"}
    answer = await product.graph("POST", f"/communications/calls/{call}/participants/invite", body)
    await product.advance(2)
    return answer.status_code


async def test_a_telephone_that_is_picked_up_stands_in_the_roster_until_it_hangs_up(product: Product) -> None:
    outside = product.cloud.parts.outside
    outside.is_manual = True
    call = await product.answered(is_manual=True)
    assert await invited_number(product, call) == 200
    assert outside.answer(NUMBER)
    await product.advance(1)
    answer = await product.graph("GET", f"/communications/calls/{call}/participants")
    assert [p["id"] for p in answer.json()["value"] if p["info"]["identity"].get("phone", {}).get("id") == NUMBER] == [
        "p-out"
    ]
    outside.hang_up(product.cloud.parts.exchange.calls[call], NUMBER)
    await product.advance(1)
    assert "p-out" not in [p["id"] for p in product.of(call, "/participants")[-1]["resourceData"]]


async def test_a_number_that_is_none_is_not_rung(product: Product) -> None:
    call = await product.answered(is_manual=True)
    assert await invited_number(product, call, "110") == 400


async def test_music_is_heard_by_one_participant_at_a_time(product: Product) -> None:
    agent, call = await product.manual(), await product.answered(is_manual=True)
    await product.invited(call, agent)
    await product.act(agent, "accept")
    path = f"/communications/calls/{call}/participants"
    assert (await product.graph("POST", f"{path}/caller-{call}/startHoldMusic", {})).status_code == 200
    assert (await product.graph("POST", f"{path}/p-offer-1/startHoldMusic", {})).status_code == 409
    assert (await product.graph("POST", f"{path}/caller-{call}/stopHoldMusic", {})).status_code == 200
    assert (await product.graph("POST", f"{path}/p-offer-1/startHoldMusic", {})).status_code == 200


def placed(product: Product, user: str, account: str) -> dict[str, Any]:
    source = {"identity": {"applicationInstance": {"id": account}}}
    wanted = {key: value for key, value in product.answer_body().items() if key != "acceptedModalities"}
    return {
        **wanted,
        "source": source,
        "targets": [{"identity": {"user": {"id": user}}}],
        "tenantId": product.tenant.id,
    }


async def test_a_user_whom_the_application_calls_is_in_the_call_when_they_answer(product: Product) -> None:
    agent = await product.manual()
    body = placed(product, agent.id, product.tenant.queues[0].resource_account)
    answer = await product.graph("POST", "/communications/calls", body)
    call = answer.json()["id"]
    assert (answer.status_code, answer.json()["direction"]) == (201, "outgoing")
    await product.advance(2)
    await product.act(agent, "accept")
    assert product.states(call)[-1] == "updated established"
    product.cloud.parts.outside.is_manual = True
    assert await invited_number(product, call) == 200
    await product.act(agent, "hang_up")
    assert agent.id not in await roster(product, call)


async def test_a_user_who_does_not_answer_the_applications_call_ends_it(product: Product) -> None:
    agent = await product.manual()
    body = placed(product, agent.id, product.tenant.queues[0].resource_account)
    call = (await product.graph("POST", "/communications/calls", body)).json()["id"]
    await product.advance(2)
    await product.act(agent, "decline")
    assert product.of(call)[-1]["resourceData"]["resultInfo"]["code"] == 603


async def test_nobody_is_called_in_the_name_of_a_strange_account(product: Product) -> None:
    agent = await product.manual()
    answer = await product.graph("POST", "/communications/calls", placed(product, agent.id, agent.id))
    assert answer.status_code == 403
