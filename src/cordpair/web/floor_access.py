"""Who may see the floor page: a signed link that expires, then a session in a cookie.

The link's token and the session's are JWTs (HS256) that differ in their audience, so that neither passes as the other.
"""

import hashlib
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import jwt
from starlette.requests import Request
from starlette.responses import Response

from cordpair.core.audit import Actor, link_actor
from cordpair.core.ids import TenantId
from cordpair.errors import Rejected

_LINK = "floor"
_SESSION = "floor-session"
SESSION = timedelta(hours=12)  # a working day with its breaks


def floor_link(key: bytes, tenant: TenantId, *, public_url: str, now: datetime, valid: timedelta) -> str:
    """The address that opens the tenant's floor page until `now + valid`. Whoever holds it may look."""
    return f"{public_url.rstrip('/')}/floor/{_sign(key, tenant, _LINK, now + valid)}"


def tenant_of_link(key: bytes, token: str, now: datetime) -> TenantId:
    """The tenant whose page the link opens. Raises Rejected (403)."""
    return TenantId(_read(key, token, _LINK, now)["tid"])


def link_id(link: str) -> str:
    """Names a floor link (its address or its token) without opening it."""
    token = link.rpartition("/")[2]
    return hashlib.sha256(token.encode()).hexdigest()[:16]


class FloorSessions:
    """Sessions of one installation: `key` is at least 32 secret bytes, `public_url` is how browsers reach us."""

    def __init__(self, key: bytes, public_url: str) -> None:
        if len(key) < 32:
            raise ValueError("the key of floor links needs at least 32 bytes")
        address = urlsplit(public_url)
        self._key = key
        self._origin = f"{address.scheme}://{address.netloc}"
        self._secure = address.scheme == "https"
        self.cookie = "__Host-cordpair-floor" if self._secure else "cordpair-floor"

    def open(self, response: Response, tenant: TenantId, link: str, now: datetime) -> None:
        """Give the browser a session that knows by which link (its id) it was opened."""
        response.set_cookie(
            self.cookie,
            _sign(self._key, tenant, _SESSION, now + SESSION, link),
            max_age=int(SESSION.total_seconds()),
            httponly=True,
            secure=self._secure,
            samesite="lax",
            path="/",
        )

    def tenant(self, request: Request, now: datetime) -> TenantId:
        """The tenant of the request's session. Raises Rejected (403)."""
        return TenantId(self._claims(request, now)["tid"])

    def actor(self, request: Request, now: datetime) -> Actor:
        """Whoever acts in the request's session. Raises Rejected (403)."""
        return link_actor(self._claims(request, now)["sub"])

    def check_origin(self, request: Request) -> None:
        """Refuse a change that another site's page asks for. Raises Rejected (403)."""
        if request.headers.get("origin") != self._origin:
            raise Rejected("the request comes from another page", status=403)

    def _claims(self, request: Request, now: datetime) -> dict[str, str]:
        return _read(self._key, request.cookies.get(self.cookie, ""), _SESSION, now)


def _sign(key: bytes, tenant: TenantId, audience: str, until: datetime, subject: str = "") -> str:
    claims = {"aud": audience, "tid": tenant, "sub": subject, "exp": int(until.timestamp())}
    return jwt.encode(claims, key, algorithm="HS256")


def _read(key: bytes, token: str, audience: str, now: datetime) -> dict[str, str]:
    """What a valid token says of tenant (`tid`) and link (`sub`)."""
    # The clock is ours to pass in, so the expiry is ours to check.
    options = {"require": ["aud", "tid", "sub", "exp"], "verify_exp": False}
    try:
        claims = jwt.decode(token, key, algorithms=["HS256"], audience=audience, options=options)  # type: ignore[arg-type]
    except jwt.InvalidTokenError as refused:
        raise Rejected("the link or the session is not valid", status=403) from refused
    if not isinstance(claims["exp"], int) or claims["exp"] <= now.timestamp():
        raise Rejected("the link or the session has expired", status=403)
    return {"tid": str(claims["tid"]), "sub": str(claims["sub"])}
