"""Who asks: access tokens that Entra has made for an organisation's own app registration.

Source: learn.microsoft.com, "Microsoft identity platform access tokens" and "Claims validation". A person's token comes
from single sign-on in Teams (or from our own client), a program's from client credentials. A person is named by their
object id in their organisation, never by an address or a name, since those change hands.
"""

import uuid
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

import httpx
import jwt
import msgspec

from cordpair.connectors.teams.keys import SigningKeys
from cordpair.connectors.teams.verdicts import Verdicts
from cordpair.core.audit import Actor
from cordpair.core.ids import TenantId
from cordpair.core.tenant import TenantSetup
from cordpair.errors import Rejected

_LONGEST = 16_384  # characters; Entra's tokens stay far below
_ISSUER = "https://login.microsoftonline.com/{tid}/v2.0"
_SCOPE = "access_as_user"
#: Through what people come: Teams, Microsoft 365 and Outlook, each on the desktop, on the web and mobile.
_HOSTS = frozenset(
    {
        "1fec8e78-bce4-4aaf-ab1b-5451cc387264",
        "5e3ce6c0-2b1f-4285-8d4b-75ee78787346",
        "4765445b-32c6-49b0-83e6-1d93765276ca",
        "0ec893e0-5785-4de6-99da-4ed124e5296c",
        "d3590ed6-52b3-4102-aeff-aad2292ab01c",
        "bc59ab01-8403-45c6-8796-ac3ef710b3e3",
        "27922004-5251-4030-b22d-91ecd9a37ea4",
    }
)


class Role(StrEnum):
    """The app roles of the registration, as Entra names them in `roles`."""

    AGENT = "Agent"
    SUPERVISOR = "Supervisor"
    ADMIN = "Admin"
    AUDITOR = "Auditor"
    DATA_PROTECTION = "DataProtection"


class SignedIn(msgspec.Struct, frozen=True, kw_only=True):
    """Whoever asks. `subject` is the Entra object id of the person, or of the program's service principal."""

    tenant: TenantId
    subject: str
    roles: frozenset[Role]
    is_program: bool

    @property
    def actor(self) -> Actor:
        """As the audit trail names them."""
        return Actor(f"{'program' if self.is_program else 'person'}:{self.subject}")


#: The setup of an organisation. Raises Rejected for one that is not set up here.
SetupOf = Callable[[TenantId], Awaitable[TenantSetup]]


class SignIn:
    """Judges bearer tokens. `now` is real time, aware UTC; `login_url` is where Entra publishes its keys."""

    def __init__(
        self, http: httpx.AsyncClient, login_url: str, *, setup_of: SetupOf, now: Callable[[], datetime]
    ) -> None:
        self._http, self._login_url, self._setup_of, self._now = http, login_url, setup_of, now
        self._verdicts: dict[TenantId, Verdicts] = {}

    async def who(self, authorization: str | None) -> SignedIn:
        """The one who asks. Raises Rejected (401), and TemporaryFailure while Entra's keys could never be fetched."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not 0 < len(token) <= _LONGEST:
            raise Rejected("an access token of Entra is needed", status=401)
        try:
            return await self._who(token)
        except Rejected as exc:
            raise Rejected("the access token does not hold", status=401) from exc

    async def _who(self, token: str) -> SignedIn:
        """The organisation is read before the signature is checked: its keys are what the signature is checked by."""
        tenant = _named(token)
        setup = await self._setup_of(tenant)
        # By this organisation's keys alone: another one's would open this one's door.
        verdicts = self._verdicts.get(tenant)
        if verdicts is None:
            keys = SigningKeys(self._http, f"{self._login_url}/{tenant}/discovery/v2.0/keys", is_jwks=True)
            verdicts = self._verdicts[tenant] = Verdicts(keys, now=self._now)
        claims = (await verdicts.of(token)).claims
        client = setup.registration.client_id
        if claims.get("tid") != tenant or claims["iss"] != _ISSUER.format(tid=tenant) or claims.get("ver") != "2.0":
            raise Rejected("made by another issuer")
        if claims["aud"] != client:
            raise Rejected("made for somebody else")
        subject = claims.get("oid")
        if not isinstance(subject, str) or not subject:
            raise Rejected("names nobody")
        roles = frozenset(role for role in Role if role in _texts(claims.get("roles")))
        return SignedIn(
            tenant=tenant, subject=subject.lower(), roles=roles, is_program=_is_program(claims, frozenset({client}))
        )


def _is_program(claims: Mapping[str, Any], own: frozenset[str]) -> bool:
    """A program has roles and no scope; a person has our scope, and comes through a client that we know."""
    if claims.get("idtyp") == "app" and "scp" not in claims:
        return True
    scopes = claims.get("scp")
    if claims.get("idtyp") == "app" or not isinstance(scopes, str) or _SCOPE not in scopes.split():
        raise Rejected("neither a person nor a program")
    if claims.get("azp") not in _HOSTS | own:
        raise Rejected("comes through an unknown client")
    return False


def _named(token: str) -> TenantId:
    """The organisation that a token names, which nothing has proved yet."""
    try:
        claims = jwt.decode(token, options={"verify_signature": False, "verify_exp": False, "verify_aud": False})
    except (jwt.InvalidTokenError, RecursionError, ValueError) as exc:
        raise Rejected("cannot be read") from exc
    tid = claims.get("tid")
    try:
        if isinstance(tid, str) and str(uuid.UUID(tid)) == tid:
            return TenantId(tid)
    except ValueError:
        pass
    raise Rejected("names no organisation")


def _texts(value: object) -> tuple[str, ...]:
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()
