"""Stands between a bot client that has no credentials (the Agents Playground) and the product's bot endpoint.

`/playground/{tid}/api/messages` makes of each activity what Teams would have sent, and signs it as the Bot Framework
does, with the activity's own serviceUrl. So the product's checks are the same as with Teams. What the bot answers
goes to that serviceUrl, not through here.
"""

import json
from typing import Any

import httpx
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cordpair.emulator.botframework import Signer
from cordpair.emulator.chat import Chats
from cordpair.emulator.cloud import Cloud
from cordpair.emulator.world import Tenant

_NOT_PASSED = frozenset({"content-length", "connection", "date", "server", "transfer-encoding"})


def routes(cloud: Cloud, signer: Signer, chats: Chats) -> list[Route]:
    """`/playground/...`."""

    async def pass_on(request: Request) -> Response:
        if request.method != "POST":
            return Response(status_code=405)  # the Playground probes with HEAD, and 405 satisfies it
        tenant, raw = cloud.world.tenant(request.path_params["tid"]), await request.body()
        if tenant is None:
            return Response("no such organisation", status_code=404)
        try:
            activity = completed(json.loads(raw), tenant)
        except (ValueError, KeyError, TypeError, AttributeError):
            return Response("an activity with from, conversation and serviceUrl is needed", status_code=400)
        headers = signer.header(tenant, activity["serviceUrl"])
        try:
            answer = await cloud.http.post(cloud.messaging_endpoint(tenant), json=activity, headers=headers)
        except httpx.HTTPError as exc:
            return Response(f"the product does not answer: {type(exc).__name__}", status_code=502)
        _noted(cloud, chats, tenant, activity, answer.status_code)
        kept = {name: value for name, value in answer.headers.items() if name not in _NOT_PASSED}
        return Response(answer.content, answer.status_code, kept)

    return [Route("/playground/{tid}/api/messages", pass_on, methods=["POST", "HEAD", "GET"])]


def completed(activity: dict[str, Any], tenant: Tenant) -> dict[str, Any]:
    """The activity with what Teams knows and the Playground does not.

    That is the organisation, its user (the one named, else the first agent) and the language of the user's client:
    the Playground says en-US for everybody. Raises KeyError, TypeError or AttributeError for what is no activity.
    """
    person = tenant.agent(str(activity["from"].get("aadObjectId", ""))) or tenant.agents[0]
    whole = {
        **activity,
        "channelId": "msteams",
        "serviceUrl": str(activity["serviceUrl"]),
        "from": {**activity["from"], "aadObjectId": person.id},
        "conversation": {**activity["conversation"], "tenantId": tenant.id},
        "channelData": {**activity.get("channelData", {}), "tenant": {"id": tenant.id}},
    }
    # Teams leaves the language out where the Playground does: with conversationUpdate.
    return whole | {"locale": person.locale} if "locale" in activity else whole


def _noted(cloud: Cloud, chats: Chats, tenant: Tenant, activity: dict[str, Any], status: int) -> None:
    user = activity["from"]["aadObjectId"]
    if activity.get("type") == "installationUpdate" and 200 <= status < 300:
        chats.installed.add(user)
    cloud.journal.note("playground", tenant=tenant.id, user=user, type=activity.get("type"), status=status)
