"""The Bot Framework's signing: metadata, keys, and the bearer of every request that Teams sends to the product.

Source: MicrosoftDocs/bot-docs, "Authentication with the Bot Connector API": issuer https://api.botframework.com,
audience the app id, `serviceurl` the body's serviceUrl, keys with the channels that they are endorsed for.
"""

import time

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from cordpair.emulator.cloud import Cloud
from cordpair.emulator.world import Tenant

ISSUER = "https://api.botframework.com"
_LIVES_S = 300
_REUSED_S = 60


def routes(cloud: Cloud) -> list[Route]:
    """`/botframework/v1/.well-known/...`."""

    async def configuration(_request: Request) -> Response:
        return JSONResponse(
            {
                "issuer": ISSUER,
                "authorization_endpoint": "https://invalid.botframework.com",
                "jwks_uri": f"{cloud.url}/botframework/v1/.well-known/keys",
                "id_token_signing_alg_values_supported": ["RS256"],
                "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            }
        )

    async def keys(_request: Request) -> Response:
        return JSONResponse({"keys": [key.jwk() for key in cloud.published(None)]})

    return [
        Route("/botframework/v1/.well-known/openidconfiguration", configuration),
        Route("/botframework/v1/.well-known/keys", keys),
    ]


class Signer:
    """Makes the bearer of requests to the product."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._made: dict[tuple[str, str, str], tuple[float, str]] = {}

    def header(self, tenant: Tenant, service_url: str | None) -> dict[str, str]:
        """The Authorization header for an activity (with its serviceUrl) or a call notification (None)."""
        key = tenant.registration.client_id, service_url or "", self._cloud.bot_key.kid
        made, token = self._made.get(key, (0.0, ""))
        if time.monotonic() - made > _REUSED_S or not token:
            claims = {"iss": ISSUER, "aud": tenant.registration.client_id}
            token = self._cloud.bot_key.sign(claims | ({"serviceurl": service_url} if service_url else {}), _LIVES_S)
            self._made[key] = time.monotonic(), token
        return {"Authorization": f"Bearer {token}"}
