"""Sounds that callers hear: WAV files that Microsoft fetches from a signed address."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import jwt
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_AUDIENCE = "media"
_LIFE = timedelta(hours=2)

#: Gives the WAV file of a sound's name, or None.
Fetch = Callable[[str], Awaitable[bytes | None]]


class MediaLinks:
    """Makes and checks the signed addresses. `key` is at least 32 secret bytes; `now` is the machine's real time."""

    def __init__(self, key: bytes, public_url: str, now: Callable[[], datetime]) -> None:
        self._key, self._public_url, self._now = key, public_url, now

    def address(self, sound: str) -> str:
        """Where Graph fetches a sound; good for two hours, and the same for most of one (Graph caches by address)."""
        hour = self._now().replace(minute=0, second=0, microsecond=0)
        claims = {"sub": sound, "aud": _AUDIENCE, "exp": hour + _LIFE}
        return f"{self._public_url}/media/{jwt.encode(claims, self._key, algorithm='HS256')}"

    def sound(self, token: str) -> str | None:
        """The name of the sound that an address stands for; None when it is forged or too old."""
        try:
            claims = jwt.decode(
                token, self._key, algorithms=["HS256"], audience=_AUDIENCE, options={"require": ["exp"]}
            )
        except jwt.InvalidTokenError:
            return None
        return str(claims.get("sub"))

    def route(self, fetch: Fetch) -> Route:
        """GET /media/{token}"""

        async def serve(request: Request) -> Response:
            sound = self.sound(request.path_params["token"])
            data = await fetch(sound) if sound is not None else None
            return Response(status_code=404) if data is None else Response(data, media_type="audio/wav")

        return Route("/media/{token}", serve, methods=["GET"])
