"""Change notifications: handshake, life, delivery and repetition; presence."""

from datetime import timedelta
from typing import Any

import httpx

from tests.emulator.product import Product


def body(product: Product, minutes: float = 60, **changes: Any) -> dict[str, Any]:
    now = product.cloud.parts.cloud.clock.now()
    return {
        "changeType": "updated",
        "notificationUrl": f"{product.url}/graph/{product.tenant.registration.id}/changes",
        "resource": f"/communications/presences?$filter=id in ('{product.tenant.agents[0].id}')",
        "expirationDateTime": (now + timedelta(minutes=minutes)).isoformat(),
        "clientState": "secret",
    } | changes


async def subscribe(product: Product, **changes: Any) -> httpx.Response:
    return await product.graph("POST", "/subscriptions", body(product, **changes))


async def go_busy(product: Product) -> None:
    agent = product.tenant.agents[0]
    await product.control(f"agents/{agent.id}/presence", {"availability": "Busy", "activity": "InACall"})
    await product.advance(10)


async def test_a_change_of_presence_is_told_to_the_subscriber(product: Product) -> None:
    made = (await subscribe(product)).json()
    await go_busy(product)
    told = product.changes[-1]
    assert (told["subscriptionId"], told["clientState"]) == (made["id"], "secret")
    assert (told["resourceData"]["availability"], told["resourceData"]["activity"]) == ("Busy", "InACall")
    assert told["tenantId"] == product.tenant.id


async def test_presence_of_others_is_not_told(product: Product) -> None:
    await subscribe(product)
    await product.manual(5)
    await product.advance(10)
    assert product.changes == []


async def test_an_endpoint_that_does_not_give_the_token_back_gets_no_subscription(product: Product) -> None:
    product.handshakes = False
    answer = await subscribe(product)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "ValidationError")


async def test_presence_cannot_be_subscribed_to_for_more_than_an_hour(product: Product) -> None:
    assert (await subscribe(product, minutes=70)).status_code == 400


async def test_a_short_subscription_is_raised_to_45_minutes(product: Product) -> None:
    made = (await subscribe(product, minutes=5)).json()
    assert made["expirationDateTime"] > (
        product.cloud.parts.cloud.clock.now() + timedelta(minutes=44)
    ).isoformat().replace("+00:00", "Z")


async def test_a_subscription_ends_when_it_is_not_renewed(product: Product) -> None:
    made = (await subscribe(product)).json()
    await product.advance(61 * 60)
    await go_busy(product)
    assert product.changes == []
    assert (await product.graph("GET", f"/subscriptions/{made['id']}")).status_code == 404


async def test_a_renewed_subscription_lives_on(product: Product) -> None:
    made = (await subscribe(product)).json()
    await product.advance(40 * 60)
    renewed = {"expirationDateTime": body(product)["expirationDateTime"]}
    assert (await product.graph("PATCH", f"/subscriptions/{made['id']}", renewed)).status_code == 200
    await product.advance(40 * 60)
    await go_busy(product)
    assert len(product.changes) == 1


async def test_a_change_that_was_not_taken_is_sent_again(product: Product) -> None:
    await subscribe(product)
    product.status = 503
    await go_busy(product)
    assert product.changes == []
    product.status = 202
    await product.advance(60)
    assert len(product.changes) == 1


async def test_a_deleted_subscription_tells_nothing(product: Product) -> None:
    made = (await subscribe(product)).json()
    assert (await product.graph("DELETE", f"/subscriptions/{made['id']}")).status_code == 204
    await go_busy(product)
    assert product.changes == []


async def test_presences_are_read_for_many_at_once(product: Product) -> None:
    agent = await product.manual()
    ids = [agent.id, product.tenant.agents[1].id]
    answer = (await product.graph("POST", "/communications/getPresencesByUserId", {"ids": ids})).json()["value"]
    assert [p["availability"] for p in answer] == ["Available", "Offline"]


async def test_presence_follows_a_call(product: Product) -> None:
    agent, call = await product.manual(), await product.answered()
    await product.invited(call, agent)
    await product.act(agent, "accept")
    during = (await product.graph("GET", f"/communications/presences/{agent.id}")).json()
    await product.act(agent, "hang_up")
    after = (await product.graph("GET", f"/communications/presences/{agent.id}")).json()
    assert (during["activity"], after["activity"]) == ("InACall", "Available")
    assert int(after["sequenceNumber"]) > int(during["sequenceNumber"])
