"""Stands between a bot client that has no credentials (the Agents Playground) and the product's bot endpoint.

`/playground/{tid}/api/messages` signs each activity as Bot Framework would, with the activity's own serviceUrl, and
passes it on unchanged. So the same checks are exercised as with Teams.
"""

import json

import httpx
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cordpair.emulator.botframework import Signer
from cordpair.emulator.cloud import Cloud


def routes(cloud: Cloud, signer: Signer) -> list[Route]:
    """`/playground/...`."""

    async def pass_on(request: Request) -> Response:
        if request.method != "POST":
            return Response(status_code=405)
        tenant, raw = cloud.world.tenant(request.path_params["tid"]), await request.body()
        try:
            activity = json.loads(raw)
            service_url = str(activity["serviceUrl"])
        except (ValueError, KeyError, TypeError):
            return Response("an activity with a serviceUrl is needed", status_code=400)
        if tenant is None:
            return Response("no such organisation", status_code=404)
        headers = signer.header(tenant, service_url) | {"Content-Type": "application/json"}
        try:
            answer = await cloud.http.post(cloud.messaging_endpoint(tenant), content=raw, headers=headers)
        except httpx.HTTPError as exc:
            return Response(f"the product does not answer: {type(exc).__name__}", status_code=502)
        cloud.journal.note("playground", tenant=tenant.id, type=activity.get("type"), status=answer.status_code)
        return Response(answer.content, answer.status_code, media_type=answer.headers.get("content-type"))

    return [Route("/playground/{tid}/api/messages", pass_on, methods=["POST", "HEAD", "GET"])]
