"""Fetches prompts as the service does, and looks whether it could play them."""

import io
import wave

import httpx

from cordpair.emulator.cloud import Cloud

_LIMIT_BYTES = 30_000_000


async def playing_time(cloud: Cloud, uri: str) -> float | None:
    """Seconds that the prompt plays, or None when it cannot be fetched or is not WAV 16 kHz mono 16-bit PCM."""
    try:
        with cloud.clock.working():
            answer = await cloud.http.get(uri)
    except httpx.HTTPError as exc:
        cloud.journal.note("media", uri=uri, problem=type(exc).__name__)
        return None
    seconds, problem = _examine(answer)
    cloud.journal.note("media", uri=uri, status=answer.status_code, seconds=seconds, problem=problem)
    return seconds


def _examine(answer: httpx.Response) -> tuple[float | None, str | None]:
    kind = answer.headers.get("content-type", "").split(";")[0].strip().lower()
    if answer.status_code != 200 or len(answer.content) > _LIMIT_BYTES:
        return None, f"status {answer.status_code}"
    if kind not in ("audio/wav", "audio/x-wav", "audio/wave", "audio/vnd.wave"):
        return None, f"content type {kind}"
    try:
        with wave.open(io.BytesIO(answer.content)) as sound:
            form = sound.getnchannels(), sound.getsampwidth(), sound.getframerate()
            seconds = sound.getnframes() / sound.getframerate()
    except (wave.Error, EOFError) as exc:
        return None, f"not a PCM WAV file: {exc}"
    return (seconds, None) if form == (1, 2, 16000) else (None, f"format {form}")
