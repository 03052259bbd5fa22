"""What callers hear: prompts and texts become one sound, which Graph fetches from us by its name.

The name of a sound lists its parts, so that every node can put it together: `mix/TENANT/SECONDS/PART,PART`. A part is
a built-in chime (`b.greeting`) or a stored sound (`s.HASH`). A text is spoken once, and kept by the hash of itself.
"""

import hashlib
from collections.abc import Sequence

import msgspec
import structlog

from cordpair.connectors.kit import Speech
from cordpair.connectors.teams.chimes import CHIMES, chime
from cordpair.connectors.teams.wav import filled_s, put_together, read_wav, seconds_of
from cordpair.core.flow import Say
from cordpair.core.ids import TenantId
from cordpair.engine.clock import Clock
from cordpair.errors import CordpairError
from cordpair.store.doors import Store

log = structlog.get_logger(__name__)

_MIX = "mix"


class Sound(msgspec.Struct, frozen=True):
    """A sound by its name, and how long it plays."""

    name: str
    seconds: float


class Sounds:
    """The sounds of all tenants: made ready before they are played, put together when they are fetched."""

    def __init__(self, store: Store, clock: Clock, speech: Speech) -> None:
        self._store, self._clock, self._speech = store, clock, speech

    @property
    def languages(self) -> tuple[str, ...]:
        """What can be spoken."""
        return self._speech.languages

    async def ready(self, tenant: TenantId, say: Sequence[Say], language: str, fill_s: float = 0.0) -> Sound | None:
        """A sound of all that is to be said, as far as there is something for it; None where there is nothing."""
        parts = [part for one in say if (part := await self._part(tenant, one, language)) is not None]
        if say and not parts:
            return None
        listed = ",".join(part.name for part in parts)
        return Sound(f"{_MIX}/{tenant}/{fill_s:g}/{listed}", filled_s([part.seconds for part in parts], fill_s))

    async def fetch(self, name: str) -> bytes | None:
        """The WAV file of a sound's name; None when it is no name of a sound, or its parts are not there any more."""
        if name in CHIMES:
            return put_together([chime(name)])
        kind, _, rest = name.partition("/")
        tenant, _, rest = rest.partition("/")
        fill_s, _, listed = rest.partition("/")
        if kind != _MIX:
            return None
        parts = await self._samples(TenantId(tenant), listed.split(",") if listed else [])
        return None if parts is None else put_together(parts, float(fill_s))

    async def add(self, tenant: TenantId, name: str, data: bytes) -> tuple[int, float]:
        """Upload a prompt; the number of its version and its seconds. Raises Rejected for a file that cannot play."""
        samples = read_wav(data)
        sound, seconds = _hash(samples), seconds_of(samples)
        async with self._store.open_tenant(tenant) as rows:
            await rows.prompts.keep(sound, samples, seconds, self._clock.now())
            version = await rows.prompts.name(name, sound, self._clock.now())
        return version, seconds

    async def _part(self, tenant: TenantId, say: Say, language: str) -> Sound | None:
        if say.prompt:
            return await self._prompt(tenant, say.prompt)
        return await self._spoken(tenant, say.text, say.language or language)

    async def _prompt(self, tenant: TenantId, name: str) -> Sound | None:
        """An uploaded prompt stands before the built-in one of the same name."""
        async with self._store.open_tenant(tenant) as rows:
            sound = (await rows.prompts.named([name])).get(name, "")
            seconds = (await rows.prompts.seconds([sound])).get(sound)
        if seconds is not None:
            return Sound(f"s.{sound}", seconds)
        return Sound(f"b.{name}", seconds_of(chime(name))) if name in CHIMES else None

    async def _spoken(self, tenant: TenantId, text: str, language: str) -> Sound | None:
        """A text, spoken now unless it was before. Who cannot be spoken to hears the rest."""
        sound = _hash(f"{self._speech.name}/{language}/{text}".encode())
        async with self._store.open_tenant(tenant) as rows:
            seconds = (await rows.prompts.seconds([sound])).get(sound)
        if seconds is not None:
            return Sound(f"s.{sound}", seconds)
        try:
            samples = await self._speech.speak(text, language)
        except CordpairError as exc:
            log.warning("a text could not be spoken", tenant=tenant, error=type(exc).__name__)
            return None
        async with self._store.open_tenant(tenant) as rows:
            await rows.prompts.keep(sound, samples, seconds_of(samples), self._clock.now())
        return Sound(f"s.{sound}", seconds_of(samples))

    async def _samples(self, tenant: TenantId, parts: Sequence[str]) -> list[bytes] | None:
        stored = [part[2:] for part in parts if part.startswith("s.")]
        async with self._store.open_tenant(tenant) as rows:
            found = await rows.prompts.samples(stored) if stored else {}
        built_in = {f"b.{name}": name for name in CHIMES}
        sounds = [chime(built_in[part]) if part in built_in else found.get(part[2:]) for part in parts]
        return [sound for sound in sounds if sound is not None] if None not in sounds else None


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]
