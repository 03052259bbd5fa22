"""Who speaks to us: bearer tokens of the Bot Framework, secrets of change notifications.

Source: MicrosoftDocs/bot-docs "Authentication with the Bot Connector API" (issuer, audience, 5 minutes of skew,
`serviceurl`, endorsements, 403 for what does not hold).
"""

import hmac
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from cordpair.connectors.teams.keys import SigningKeys
from cordpair.connectors.teams.verdicts import Verdicts
from cordpair.core.tenant import Registration
from cordpair.errors import Rejected

_NOBODY = "nobody"  # no client id: those are UUIDs


class BotTokens:
    """Tokens with which Teams calls our bot and calling webhooks. `issuer` is Settings.bot_issuer.

    `now` is real time (aware UTC), whatever the product's clock does: tokens are made elsewhere.
    """

    def __init__(self, keys: SigningKeys, *, issuer: str, now: Callable[[], datetime]) -> None:
        self._keys = keys
        self._issuer = issuer
        self._verdicts = Verdicts(keys, now=now)

    async def claims(self, authorization: str | None) -> dict[str, Any]:
        """The claims of a bearer token that the Bot Framework has made, for whomever.

        Raises Rejected: 401 without a bearer token, 403 with one that does not hold; TemporaryFailure when no
        signing keys could be fetched yet.
        """
        claims = (await self._verdicts.of(_bearer(authorization))).claims
        if claims["iss"] != self._issuer:
            raise Rejected("the token does not hold", status=403)
        return claims

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
        `channel`. Raises Rejected and TemporaryFailure as `claims` does.
        """
        claims = await self.claims(authorization)
        _must_be_for(audience, claims)
        claimed = str(claims.get("serviceurl") or "")
        if service_url is not None and (not claimed or claimed.rstrip("/") != service_url.rstrip("/")):
            raise Rejected("the token is for another service address", status=403)
        if channel is not None:
            verdict = await self._verdicts.of(_bearer(authorization))
            if channel not in await self._keys.endorsements(verdict.kid):
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
        """`registration`, when the token is made for it; see `verify` and `made_for`. Raises Rejected."""
        audience = registration.client_id if registration else _NOBODY
        claims = await self.verify(authorization, audience=audience, service_url=service_url, channel=channel)
        return made_for(registration, claims)


def made_for(registration: Registration | None, claims: Mapping[str, Any]) -> Registration:
    """`registration`, when the token of these claims is made for it. Raises Rejected (403).

    For None (an address that is nobody's) every token is one that is made for somebody else: the answer tells no
    stranger which addresses there are.
    """
    _must_be_for(registration.client_id if registration else _NOBODY, claims)
    if registration is None:
        raise Rejected("the token does not hold", status=403)
    return registration


def same_client_state(item: Mapping[str, object], secret: str) -> bool:
    """Whether a change notification carries the secret of its subscription, compared in constant time."""
    state = item.get("clientState")
    if not secret or not isinstance(state, str):
        return False
    return hmac.compare_digest(state.encode(errors="replace"), secret.encode())


def _must_be_for(audience: str, claims: Mapping[str, Any]) -> None:
    if claims["aud"] not in (audience, [audience]):
        raise Rejected("the token does not hold", status=403)


def _bearer(authorization: str | None) -> str:
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Rejected("a bearer token is missing", status=401)
    return token.strip()
