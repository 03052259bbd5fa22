"""Who may speak to us, by webhook and bot: what is changed of a good request, and what becomes of it.

Whoever is refused costs no write: not one transaction number of the database is used for them.
"""

import uuid
from typing import Any

import httpx
import pytest

from tests.product.house import House, Organisation
from tests.product.signed import ISSUER, SOMEBODY, TOKENS, Case, asked, token

pytestmark = pytest.mark.asyncio(loop_scope="module")

# ---- the calling webhook


def call_item(us: Organisation, **data: object) -> dict[str, Any]:
    return {
        "changeType": "created",
        "resourceUrl": f"/communications/calls/{uuid.uuid4()}",
        "resourceData": {
            "@odata.type": "#microsoft.graph.call",
            "state": "incoming",
            "direction": "incoming",
            "tenantId": us.id,
            "source": {"identity": {"phone": {"id": "+493023125999"}}},
            "targets": [{"identity": {"applicationInstance": {"id": us.tenant.queues[0].resource_account}}}],
            **data,
        },
    }


CALLS = TOKENS | {
    "a call of another organisation": Case(403, body={"tenantId": SOMEBODY}),
    "a call that names no organisation": Case(202, body={"tenantId": None}),
}


@pytest.mark.parametrize("name", CALLS)
async def test_a_call_notification(asleep: House, name: str) -> None:
    us, case = asleep.lanterns, CALLS[name]
    bearer = token(asleep.parts.cloud.bot_key, {"iss": ISSUER, "aud": us.tenant.registration.client_id}, case)
    address, headers = f"{asleep.url}/graph/{us.tenant.registration.id}/calls", {"Authorization": f"Bearer {bearer}"}

    async def tell() -> httpx.Response:
        return await asleep.http.post(address, json={"value": [call_item(us, **case.body)]}, headers=headers)

    answer, is_stored = await asked(asleep, tell)
    assert (answer.status_code, is_stored) == (case.status, case.stored)


# ---- the bot

BOT = {
    name: Case(200 if case.stored else case.status, case.claims, case.times, case.signer)
    for name, case in TOKENS.items()
}
BOT |= {
    "no service address in the token": Case(403, {"serviceurl": None}),
    "another service address in the token": Case(403, {"serviceurl": "https://smba.trafficmanager.net/amer/"}),
    "another service address in the activity": Case(403, body={"serviceUrl": "https://smba.trafficmanager.net/amer/"}),
    "a channel that the key is not endorsed for": Case(403, body={"channelId": "emulator"}),
    "a channel that is not Teams": Case(403, body={"channelId": "webchat"}),
    "an organisation where we are not installed": Case(403, body={"channelData": {"tenant": {"id": SOMEBODY}}}),
    "a conversation of another organisation": Case(
        403, body={"conversation": {"conversationType": "personal", "tenantId": SOMEBODY, "id": "a:1"}}
    ),
}


async def tell_bot(house: House, case: Case, **changes: object) -> httpx.Response:
    """The bot is installed for an agent, who stays reachable by it: that writes."""
    us = house.lanterns
    seat = us.agents[0].seat
    whole = house.parts.chats._envelope(seat.chat) | {"type": "installationUpdate", "action": "add"} | changes
    # A chat of its own each time: to be told of one that is known writes nothing.
    chat = {"conversation": whole["conversation"] | {"id": f"a:{whole['id']}"}}
    activity = {**whole, **chat, **case.body}
    claims = {
        "iss": ISSUER,
        "aud": us.tenant.registration.client_id,
        "serviceurl": house.parts.cloud.service_url(us.tenant),
    }
    bearer = token(house.parts.cloud.bot_key, claims, case)
    url = f"{house.url}/bot/{us.tenant.registration.id}"
    return await house.http.post(url, json=activity, headers={"Authorization": f"Bearer {bearer}"})


@pytest.mark.parametrize("name", BOT)
async def test_an_activity(asleep: House, name: str) -> None:
    case = BOT[name]
    answer, is_stored = await asked(asleep, lambda: tell_bot(asleep, case))
    assert (answer.status_code, is_stored) == (case.status, case.stored)


async def test_a_service_address_in_other_letters_is_another(asleep: House) -> None:
    url = asleep.parts.cloud.service_url(asleep.lanterns.tenant)
    case = Case(403, {"serviceurl": url.replace("connector", "CONNECTOR")})
    answer, is_stored = await asked(asleep, lambda: tell_bot(asleep, case))
    assert (answer.status_code, is_stored) == (403, False)


@pytest.mark.parametrize("change", [{}, {"action": "remove"}], ids=["as it was", "with another body"])
async def test_an_activity_that_was_received_is_refused_when_it_is_played_again(
    asleep: House, change: dict[str, str]
) -> None:
    name = f"f:{uuid.uuid4()}"
    assert (await tell_bot(asleep, Case(200), id=name)).status_code == 200
    answer, is_stored = await asked(asleep, lambda: tell_bot(asleep, Case(403), id=name, **change))
    assert (answer.status_code, is_stored) == (403, False)
