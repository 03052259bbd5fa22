"""Sounds that callers hear: prompts by name, and texts that were spoken once."""

from collections.abc import Collection, Sequence
from datetime import datetime

import msgspec

from cordpair.store.scope import Scope


class Prompt(msgspec.Struct, frozen=True, kw_only=True):
    """An uploaded prompt. `sound` is the hash of its samples, `version` counts its uploads from 1."""

    name: str
    sound: str
    version: int
    seconds: float
    added_at: datetime


class Prompts:
    """The sounds of one tenant."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    async def all(self) -> list[Prompt]:
        """The uploaded prompts by name."""
        rows = await self._scope.connection.fetch(
            "select p.name, p.sound, p.version, s.seconds, p.added_at from prompts p "
            "join sounds s on s.tenant = p.tenant and s.sound = p.sound where p.tenant = $1 order by p.name",
            self._scope.tenant,
        )
        return [Prompt(**row) for row in rows]

    async def named(self, names: Collection[str]) -> dict[str, str]:
        """The sounds of prompts; a name that there is not is left out."""
        rows = await self._scope.connection.fetch(
            "select name, sound from prompts where tenant = $1 and name = any($2::text[])",
            self._scope.tenant,
            list(names),
        )
        return {row["name"]: row["sound"] for row in rows}

    async def seconds(self, sounds: Collection[str]) -> dict[str, float]:
        """How long sounds are; one that there is not is left out."""
        rows = await self._scope.connection.fetch(
            "select sound, seconds from sounds where tenant = $1 and sound = any($2::text[])",
            self._scope.tenant,
            list(sounds),
        )
        return {row["sound"]: row["seconds"] for row in rows}

    async def samples(self, sounds: Sequence[str]) -> dict[str, bytes]:
        """The samples of sounds; one that there is not is left out."""
        rows = await self._scope.connection.fetch(
            "select sound, samples from sounds where tenant = $1 and sound = any($2::text[])",
            self._scope.tenant,
            list(sounds),
        )
        return {row["sound"]: row["samples"] for row in rows}

    async def keep(self, sound: str, samples: bytes, seconds: float, now: datetime) -> None:
        """Keep a sound; again, it changes nothing."""
        await self._scope.connection.execute(
            "insert into sounds (tenant, sound, seconds, made_at, samples) values ($1, $2, $3, $4, $5) "
            "on conflict (tenant, sound) do nothing",
            self._scope.tenant,
            sound,
            seconds,
            now,
            samples,
        )

    async def name(self, name: str, sound: str, now: datetime) -> int:
        """Let a prompt be this sound, which is kept; the number of its version. The same again changes nothing."""
        version: int = await self._scope.connection.fetchval(
            "insert into prompts as p (tenant, name, sound, version, added_at) values ($1, $2, $3, 1, $4) "
            "on conflict (tenant, name) do update set sound = excluded.sound, "
            "version = p.version + (p.sound <> excluded.sound)::int, "
            "added_at = case when p.sound = excluded.sound then p.added_at else excluded.added_at end "
            "returning version",
            self._scope.tenant,
            name,
            sound,
            now,
        )
        await self._forget_unnamed()
        return version

    async def remove(self, name: str) -> bool:
        """Whether there was such a prompt. Its sound goes too, and all that was spoken: that is spoken anew."""
        removed = await self._scope.connection.fetchval(
            "delete from prompts where tenant = $1 and name = $2 returning 1", self._scope.tenant, name
        )
        await self._forget_unnamed()
        return removed is not None

    async def _forget_unnamed(self) -> None:
        await self._scope.connection.execute(
            "delete from sounds s where s.tenant = $1 and not exists "
            "(select 1 from prompts p where p.tenant = s.tenant and p.sound = s.sound)",
            self._scope.tenant,
        )
