"""Prompts that callers hear: WAV files that Microsoft fetches from a signed address.

Built-in prompts are short chimes, made here: 16 kHz, mono, 16-bit PCM, the only form that Graph plays.
"""

import io
import math
import struct
import wave
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache

import jwt
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_RATE = 16_000
_AUDIENCE = "media"
_LIFE = timedelta(hours=2)

#: Notes of each prompt: (frequency in Hz, seconds).
_MELODIES: dict[str, tuple[tuple[float, float], ...]] = {
    "greeting": ((523.25, 0.25), (659.25, 0.25), (783.99, 0.5)),
    "waiting": ((392.0, 0.4), (523.25, 0.4), (440.0, 0.8)),
}

PROMPTS = tuple(_MELODIES)


class MediaLinks:
    """Makes and checks the signed addresses. `key` is at least 32 secret bytes; `now` is the machine's real time."""

    def __init__(self, key: bytes, public_url: str, now: Callable[[], datetime]) -> None:
        self._key, self._public_url, self._now = key, public_url, now

    def address(self, prompt: str) -> str:
        """Where Graph fetches a prompt; good for two hours, and the same for most of one (Graph caches by address)."""
        hour = self._now().replace(minute=0, second=0, microsecond=0)
        claims = {"sub": prompt, "aud": _AUDIENCE, "exp": hour + _LIFE}
        return f"{self._public_url}/media/{jwt.encode(claims, self._key, algorithm='HS256')}"

    def prompt(self, token: str) -> str | None:
        """The prompt that an address stands for; None when it is forged or too old."""
        try:
            claims = jwt.decode(
                token, self._key, algorithms=["HS256"], audience=_AUDIENCE, options={"require": ["exp"]}
            )
        except jwt.InvalidTokenError:
            return None
        return str(claims.get("sub"))

    def route(self) -> Route:
        """GET /media/{token}"""

        async def fetch(request: Request) -> Response:
            prompt = self.prompt(request.path_params["token"])
            if prompt is None or prompt not in _MELODIES:
                return Response(status_code=404)
            return Response(chime(prompt), media_type="audio/wav")

        return Route("/media/{token}", fetch, methods=["GET"])


@cache
def chime(prompt: str) -> bytes:
    """The WAV file of a built-in prompt."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(_RATE)
        for frequency, seconds in _MELODIES[prompt]:
            file.writeframes(_note(frequency, seconds))
    return out.getvalue()


def _note(frequency: float, seconds: float) -> bytes:
    """A sine that begins at once and dies away."""
    count = int(_RATE * seconds)
    fade = (math.exp(-4 * n / count) for n in range(count))
    samples = (int(9_000 * f * math.sin(2 * math.pi * frequency * n / _RATE)) for n, f in enumerate(fade))
    return b"".join(struct.pack("<h", sample) for sample in samples)
