"""Who speaks to us: bearer tokens of the Bot Framework, tokens and secrets of change notifications.

Sources: MicrosoftDocs/bot-docs "Authentication with the Bot Connector API" (issuer, audience, 5 minutes of skew,
`serviceurl`, endorsements, 403 for what does not hold); microsoftgraph/microsoft-graph-docs-contrib "change
notifications with resource data" (validation tokens).
"""

import hmac
from collections.abc import Mapping, Sequence
from typing import Any

import jwt

from cordpair.connectors.teams.keys import SigningKeys
from cordpair.core.ids import TenantId
from cordpair.core.tenant import Registration
from cordpair.errors import Rejected

_LEEWAY_S = 300
_NOBODY = "nobody"  # no client id: those are UUIDs
#: The application that publishes change notifications of Microsoft Graph, the same in every tenant.
GRAPH_PUBLISHER = "0bf30f3b-4a52-48df-9a82-234910c4a086"


class BotTokens:
    """Tokens with which Teams calls our bot and calling webhooks. `issuer` is Settings.bot_issuer."""

    def __init__(self, keys: SigningKeys, *, issuer: str) -> None:
        self._keys = keys
        self._issuer = issuer

    async def verify(
        self,
        authorization: str | None,
        *,
        audience: str,
        service_url: str | None = None,
        channel: str | None = None,
    ) -> dict[str, Any]:
        """The claims of a bearer token made for `audience` (our client id).

        `service_url` (of the activity) must equal the claim `serviceurl`; the signing key must be endorsed for
        `channel`. Raises Rejected: 401 without a bearer token, 403 with one that does not hold; TemporaryFailure
        when no signing keys could be fetched yet.
        """
        token = _bearer(authorization)
        kid = _key_id(token)
        claims = await _claims(token, kid, self._keys, audience=audience, issuers=[self._issuer])
        claimed = str(claims.get("serviceurl") or "")
        if service_url is not None and (not claimed or claimed.rstrip("/") != service_url.rstrip("/")):
            raise Rejected("the token is for another service address", status=403)
        if channel is not None and channel not in await self._keys.endorsements(kid):
            raise Rejected("the token's key is not endorsed for this channel", status=403)
        return claims

    async def verify_for(
        self,
        registration: Registration | None,
        authorization: str | None,
        *,
        service_url: str | None = None,
        channel: str | None = None,
    ) -> Registration:
        """`registration`, when the token is made for it; see `verify`. Raises Rejected.

        For None (an address that is nobody's) every token is one that is made for somebody else: the answer tells no
        stranger which addresses there are.
        """
        audience = registration.client_id if registration else _NOBODY
        await self.verify(authorization, audience=audience, service_url=service_url, channel=channel)
        if registration is None:
            raise Rejected("the token does not hold", status=403)
        return registration


class ChangeTokens:
    """Validation tokens of change notifications that carry resource data. `keys` is Entra's common key set."""

    def __init__(self, keys: SigningKeys, *, login_url: str) -> None:
        self._keys = keys
        self._login_url = login_url

    async def verify(self, tokens: Sequence[str], *, audience: str, tenant: TenantId) -> None:
        """Every token must hold for our client id, tenant and Graph as its publisher. Raises Rejected (403)."""
        if not tokens:
            raise Rejected("a notification with data carries no validation token", status=403)
        issuers = [f"https://sts.windows.net/{tenant}/", f"{self._login_url}/{tenant}/v2.0"]
        for token in tokens:
            claims = await _claims(token, _key_id(token), self._keys, audience=audience, issuers=issuers)
            if claims.get("tid") != tenant:
                raise Rejected("the validation token is of another tenant", status=403)
            if str(claims.get("appid") or claims.get("azp")) != GRAPH_PUBLISHER:
                raise Rejected("the validation token is not Graph's", status=403)


def same_client_state(item: Mapping[str, object], secret: str) -> bool:
    """Whether a change notification carries the secret of its subscription, compared in constant time."""
    state = item.get("clientState")
    return bool(secret) and isinstance(state, str) and hmac.compare_digest(state.encode(), secret.encode())


async def _claims(token: str, kid: str, keys: SigningKeys, *, audience: str, issuers: list[str]) -> dict[str, Any]:
    key = await keys.key(kid)
    if key is None:
        raise Rejected("the token is signed with an unknown key", status=403)
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=["RS256"],
            audience=audience,
            issuer=issuers,
            leeway=_LEEWAY_S,
            options={"require": ["exp", "iss", "aud"]},
        )
    except jwt.InvalidTokenError as exc:
        raise Rejected("the token does not hold", status=403) from exc
    if claims["aud"] not in (audience, [audience]):
        raise Rejected("the token is made for others too", status=403)
    return claims


def _bearer(authorization: str | None) -> str:
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Rejected("a bearer token is missing", status=401)
    return token.strip()


def _key_id(token: str) -> str:
    try:
        header = jwt.get_unverified_header(token)
    except jwt.InvalidTokenError as exc:
        raise Rejected("the token cannot be read", status=403) from exc
    kid = header.get("kid")
    if header.get("alg") != "RS256" or not isinstance(kid, str):
        raise Rejected("the token is not signed as it must be", status=403)
    return kid
