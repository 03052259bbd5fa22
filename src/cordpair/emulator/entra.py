"""Entra: an issuer per organisation. Client-credential tokens for Graph and for the Bot connector.

Answers keep the shapes of the Microsoft identity platform v2.0, errors their AADSTS numbers.
"""

import secrets
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import jwt
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from cordpair.emulator.cloud import Cloud
from cordpair.emulator.keys import SigningKey
from cordpair.emulator.world import Agent, Tenant

GRAPH = "https://graph.microsoft.com"
BOT_API = "https://api.botframework.com"
_SCOPES = {f"{GRAPH}/.default": GRAPH, f"{BOT_API}/.default": BOT_API}
_LIVES_S = 3599
_REUSED_S = 60.0
_PUBLISHER = "0bf30f3b-4a52-48df-9a82-234910c4a086"  # who sends Microsoft Graph's change notifications
_TEAMS_CLIENT = "1fec8e78-bce4-4aaf-ab1b-5451cc387264"  # Teams desktop and mobile


class NotAuthorized(Exception):
    """A bearer token is absent or not good; the text says why."""


def routes(entra: "Entra") -> list[Route]:
    """`/login/...`."""
    return [
        Route("/login/{tid}/oauth2/v2.0/token", entra.token, methods=["POST"]),
        Route("/login/{tid}/v2.0/.well-known/openid-configuration", entra.configuration),
        Route("/login/{tid}/.well-known/openid-configuration", entra.configuration),
        Route("/login/{tid}/discovery/v2.0/keys", entra.keys),
        Route("/login/{tid}/discovery/keys", entra.keys),
    ]


class Entra:
    """The issuers."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._given_out: dict[str, list[str]] = {}
        self._vouched: dict[str, tuple[float, str]] = {}

    def end_tokens(self, tenant: Tenant) -> int:
        """The tokens that an application holds end now, whatever it was told of their life. Returns how many."""
        ended = self._given_out.pop(tenant.id, [])
        self._cloud.ended_tokens.update(ended)
        self._cloud.journal.note("tokens ended early", tenant=tenant.id, tokens=len(ended))
        return len(ended)

    def validation_token(self, tenant: Tenant) -> str:
        """With what Graph says that it is the sender of encrypted change notifications; used for some of them."""
        key = self._cloud.entra_keys[tenant.id]
        made, token = self._vouched.get(key.kid, (0.0, ""))
        if not token or time.monotonic() - made > _REUSED_S:
            token = key.sign(validation_claims(tenant), _LIVES_S)
            self._vouched[key.kid] = time.monotonic(), token
        return token

    async def token(self, request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode(errors="replace")))
        tenant = self._cloud.world.tenant(request.path_params["tid"])
        refused = _refusal(tenant, form)
        if refused:
            self._cloud.journal.note("token refused", tenant=request.path_params["tid"], why=refused[1])
            return _error(*refused)
        assert tenant is not None
        audience = _SCOPES.get(form["scope"])
        own = tenant.registration.own_roles
        token = self.app_token(tenant, audience) if audience else self.program_token(tenant, own)
        return JSONResponse(
            {"token_type": "Bearer", "expires_in": _LIVES_S, "ext_expires_in": _LIVES_S, "access_token": token},
            headers={"Cache-Control": "no-store", "Pragma": "no-cache"},
        )

    def app_token(self, tenant: Tenant, audience: str) -> str:
        """An application's token: who it is, for which organisation, and what it may."""
        app = tenant.registration
        roles = {"roles": list(app.permissions)} if audience == GRAPH else {}
        uti = secrets.token_urlsafe(16)
        self._given_out.setdefault(tenant.id, []).append(uti)
        claims = {
            "aud": audience,
            "iss": f"https://sts.windows.net/{tenant.id}/",
            "tid": tenant.id,
            "uti": uti,
            "appid": app.client_id,
            "idtyp": "app",
            "ver": "1.0",
            "oid": app.id,
            "sub": app.id,
            **roles,
        }
        return self._cloud.entra_keys[tenant.id].sign(claims, _LIVES_S)

    def program_token(self, tenant: Tenant, roles: tuple[str, ...], *, client: str = "") -> str:
        """A program's v2.0 token for the app itself, with the app roles that an administrator has given it.

        `client` is the application that asks; empty: the app asks for itself.
        """
        app = tenant.registration
        claims = {
            "aud": app.client_id,
            "iss": f"https://login.microsoftonline.com/{tenant.id}/v2.0",
            "tid": tenant.id,
            "azp": client or app.client_id,
            "azpacr": "1",
            "idtyp": "app",
            "oid": app.id,
            "sub": app.id,
            "roles": list(roles),
            "ver": "2.0",
        }
        return self._cloud.entra_keys[tenant.id].sign(claims, _LIVES_S)

    def user_token(self, tenant: Tenant, agent: Agent, roles: tuple[str, ...]) -> str:
        """A user's v2.0 token for the app itself, as a Teams tab gets it by single sign-on."""
        claims = {
            "aud": tenant.registration.client_id,
            "iss": f"https://login.microsoftonline.com/{tenant.id}/v2.0",
            "tid": tenant.id,
            "oid": agent.id,
            "sub": agent.id,
            "azp": _TEAMS_CLIENT,
            "azpacr": "0",
            "name": agent.name,
            "preferred_username": agent.upn,
            "roles": list(roles),
            "scp": "access_as_user",
            "ver": "2.0",
        }
        return self._cloud.entra_keys[tenant.id].sign(claims, _LIVES_S)

    async def configuration(self, request: Request) -> Response:
        tid = request.path_params["tid"]
        if tid != "common" and self._cloud.world.tenant(tid) is None:
            return _error(400, f"AADSTS90002: Tenant '{tid}' not found.", "invalid_tenant")
        issuer = "{tenantid}" if tid == "common" else tid
        # The public addresses, as Entra announces them: client libraries refuse an authority that is not https.
        # Whoever talks to the emulated Entra maps that host to it.
        base = f"https://login.microsoftonline.com/{tid}"
        return JSONResponse(
            {
                "issuer": f"https://login.microsoftonline.com/{issuer}/v2.0",
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "token_endpoint": f"{base}/oauth2/v2.0/token",
                "jwks_uri": f"{self._cloud.url}/login/{tid}/discovery/v2.0/keys",
                "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
                "response_types_supported": ["code", "id_token"],
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": ["RS256"],
            }
        )

    async def keys(self, request: Request) -> Response:
        tid = request.path_params["tid"]
        chosen = [tenant for tenant in self._cloud.world.tenants if tid in ("common", tenant.id)]
        return JSONResponse({"keys": [key.jwk() for tenant in chosen for key in self._cloud.published(tenant)]})


class TokenReader:
    """Checks the bearer tokens that the product sends back to us. Good ones are remembered until they end."""

    def __init__(self, cloud: Cloud, audience: str) -> None:
        self._cloud = cloud
        self._audience = audience
        self._known: dict[str, dict[str, Any]] = {}
        self._readable = cloud.withdrawn

    def read(self, headers: Mapping[str, str]) -> dict[str, Any]:
        """The claims. Raises NotAuthorized."""
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise NotAuthorized("Access token is empty.")
        claims = self._known.get(token)
        if self._readable != self._cloud.withdrawn:  # what was read with a key that is gone is read no more
            self._known.clear()
            self._readable, claims = self._cloud.withdrawn, None
        if claims is None or claims["exp"] < time.time():
            claims = self._known[token] = self._verify(token)
        if claims.get("uti") in self._cloud.ended_tokens:
            raise NotAuthorized("Lifetime validation failed, the token is expired.")
        return claims

    def _verify(self, token: str) -> dict[str, Any]:
        try:
            key = self._key(token)
            if key is None:
                raise NotAuthorized("Signing key is invalid.")
            return key.read(token, self._audience)
        except jwt.InvalidTokenError as exc:
            raise NotAuthorized(f"Access token validation failure. {exc}") from exc

    def _key(self, token: str) -> SigningKey | None:
        kid = jwt.get_unverified_header(token).get("kid")
        keys = (key for tenant in self._cloud.world.tenants for key in self._cloud.published(tenant))
        return next((key for key in keys if key.kid == kid), None)


def validation_claims(tenant: Tenant) -> dict[str, Any]:
    """What Graph says of itself to the application of an organisation."""
    issuer = f"https://sts.windows.net/{tenant.id}/"
    return {
        "aud": tenant.registration.client_id,
        "iss": issuer,
        "idp": issuer,
        "appid": _PUBLISHER,
        "appidacr": "2",
        "tid": tenant.id,
        "ver": "1.0",
    }


def _refusal(tenant: Tenant | None, form: Mapping[str, str]) -> tuple[int, str, str] | None:
    if tenant is None:
        return 400, "AADSTS90002: Tenant not found.", "invalid_request"
    if form.get("grant_type") != "client_credentials":
        return 400, "AADSTS70003: The app requested an unsupported grant type.", "unsupported_grant_type"
    if form.get("client_id", "").lower() != tenant.registration.client_id:
        return 400, "AADSTS700016: Application was not found in the directory.", "unauthorized_client"
    if form.get("client_secret") != tenant.registration.client_secret:
        return 401, "AADSTS7000215: Invalid client secret provided.", "invalid_client"
    if form.get("scope") not in {*_SCOPES, f"api://{tenant.registration.client_id}/.default"}:
        return 400, "AADSTS70011: The provided value for the input parameter 'scope' is not valid.", "invalid_scope"
    return None


def _error(status: int, description: str, error: str) -> Response:
    number = int("".join(c for c in description.partition(":")[0] if c.isdigit()) or 0)
    body = {"error": error, "error_description": description, "error_codes": [number]}
    return JSONResponse(body, status_code=status)
