"""What goes wrong on purpose."""

import asyncio

import httpx
import pytest

from tests.emulator.product import Product


async def test_lost_notifications_do_not_arrive_and_are_noted(product: Product) -> None:
    await product.control("faults", {"notifications": {"lose": 1.0}})
    call = await product.dial()
    assert product.of(call) == []
    assert len(product.cloud.parts.cloud.journal.since(0, "notification lost")) == 1


async def test_doubled_notifications_arrive_twice(product: Product) -> None:
    await product.control("faults", {"notifications": {"duplicate": 1.0}})
    call = await product.dial()
    assert product.states(call) == ["created incoming", "created incoming"]


async def test_reordered_notifications_change_places(product: Product) -> None:
    call = await product.dial()
    await product.control("faults", {"notifications": {"reorder": 1.0}})
    await product.graph("POST", f"/communications/calls/{call}/answer", product.answer_body())
    await product.advance(2)
    assert product.states(call)[1:] == ["updated established", "updated establishing"]


async def test_delayed_notifications_come_later(product: Product) -> None:
    await product.control("faults", {"notifications": {"delay": 1.0, "delay_s": 9}})
    call = await product.dial()
    assert product.states(call) == []
    await product.advance(10)
    assert product.states(call) == ["created incoming"]


async def test_faults_can_be_for_one_call_only(product: Product) -> None:
    first = await product.dial()
    await product.control("faults", {"notifications": {"lose": 1.0, "calls": [first]}})
    second = await product.dial()
    await product.control(f"calls/{first}/hang_up", {})
    await product.advance(1)
    assert product.states(first) == ["created incoming"]
    assert product.states(second) == ["created incoming"]


async def test_the_service_sometimes_writes_capitals_and_the_old_prefix(product: Product) -> None:
    await product.control("faults", {"notifications": {"capitalised": True, "old_prefix": True}})
    call = await product.dial()
    told = product.notifications[-1]
    assert (told["changeType"], told["resourceData"]["state"]) == ("Created", "Incoming")
    assert told["resourceUrl"] == f"/app/calls/{call}"


async def test_a_refused_call_notification_is_not_repeated(product: Product) -> None:
    product.status = 503
    call = await product.dial()
    product.status = 202
    await product.advance(10)
    assert product.of(call) == []
    assert [n["status"] for n in product.cloud.parts.cloud.journal.since(0, "notification")] == [503]


async def test_graph_fails_as_often_as_it_was_told_to(product: Product) -> None:
    await product.control("faults", {"graph": {"path": "/users", "status": 503, "times": 2}})
    statuses = [(await product.graph("GET", "/users")).status_code for _ in range(3)]
    assert statuses == [503, 503, 200]


async def test_a_request_whose_answer_is_lost_was_carried_out(product: Product) -> None:
    call = await product.dial()
    await product.control("faults", {"graph": {"path": "/answer", "status": 504, "times": 1, "after": True}})
    answer = await product.graph("POST", f"/communications/calls/{call}/answer", product.answer_body())
    await product.advance(2)
    assert answer.status_code == 504
    assert product.states(call)[-1] == "updated established"


async def test_a_failure_can_say_when_to_come_again(product: Product) -> None:
    await product.control("faults", {"graph": {"path": "/users", "status": 429, "times": 1, "retry_after": "7"}})
    assert (await product.graph("GET", "/users")).headers["retry-after"] == "7"


async def test_the_connector_fails_on_demand(product: Product) -> None:
    agent = await product.manual()
    await product.control("faults", {"connector": {"path": "/activities", "status": 502, "times": 1}})
    chat = f"/conversations/{agent.conversation}/activities"
    statuses = [(await product.connector("POST", chat, {"type": "message", "text": "x"})).status_code for _ in "ab"]
    assert statuses == [502, 201]


async def test_a_wrong_control_request_is_told_what_is_wrong(product: Product) -> None:
    answer = await product.http.post(f"{product.cloud.url}/_control/calls", json={"tenant": "nobody"})
    assert (answer.status_code, answer.json()["error"]) == (400, "Unusable: no such organisation")


async def test_an_answer_can_be_a_page_that_is_no_data(product: Product) -> None:
    await product.control("faults", {"graph": {"path": "/users", "times": 1, "kind": "page"}})
    answer = await product.graph("GET", "/users")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")


async def test_an_answer_can_break_off(product: Product) -> None:
    await product.control("faults", {"graph": {"path": "/users", "times": 1, "kind": "half"}})
    with pytest.raises(httpx.RemoteProtocolError):
        await product.graph("GET", "/users")


async def test_an_answer_can_be_far_too_long(product: Product) -> None:
    await product.control("faults", {"graph": {"path": "/users", "times": 1, "kind": "huge"}})
    assert len((await product.graph("GET", "/users")).content) > 10_000_000


async def test_an_answer_can_come_by_the_drop(product: Product) -> None:
    await product.control("faults", {"graph": {"path": "/users", "times": 1, "kind": "drip"}})
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(product.graph("GET", "/users"), 2.5)
