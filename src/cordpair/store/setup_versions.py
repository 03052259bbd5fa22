"""What was set up before: each applied setup as a version, with when, by whom and a note, sealed under its day's key.

A version holds no secrets: going back to one keeps those that are stored now. It holds no names of people either, so
that nobody who is erased lives on in it, and a name that was put right stays so: agents are kept by their ids.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

import asyncpg
import msgspec
from msgspec.structs import replace

from cordpair.core.audit import Actor
from cordpair.core.setup_secrets import without_secrets
from cordpair.core.tenant import TenantSetup
from cordpair.store.scope import Scope
from cordpair.store.sealing import Keyring, day_subject

KEY_OF = "setup"  #: what the keys of its days are named by
_SEALED = "setup_versions.sealed"


class SetupVersion(msgspec.Struct, frozen=True, kw_only=True):
    """A setup that was applied at `at` (aware). `number` is the organisation's revision; `note` is a person's text.

    `setup` has `setup_secrets.STORED` in the place of secrets, and agents without names.
    """

    number: int
    at: datetime
    actor: Actor
    note: str
    setup: TenantSetup


class _Body(msgspec.Struct, frozen=True):
    note: str
    setup: TenantSetup


class SetupVersions:
    """The earlier setups of one tenant."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    async def put(self, version: SetupVersion) -> None:
        """Keep a version. One that is there stays as it is."""
        subject = _subject(version.at)
        body = msgspec.json.encode(_Body(version.note, nameless(without_secrets(version.setup))))
        keys = await self._scope.writing([subject])
        await self._scope.connection.execute(
            "insert into setup_versions (tenant, number, at, actor, sealed) values ($1, $2, $3, $4, $5) "
            "on conflict do nothing",
            self._scope.tenant,
            version.number,
            version.at,
            version.actor,
            keys.seal(_SEALED, subject, body, str(version.number)),
        )

    async def get(self, number: int) -> SetupVersion | None:
        """One version; None when there is none of this number, or its time is over."""
        return next(iter(await self._found("and number = $2", number)), None)

    async def newest(self, most: int) -> list[SetupVersion]:
        """The newest versions, newest first."""
        return await self._found("order by number desc limit $2", most)

    async def purge(self, before: datetime) -> int:
        """Delete versions of before an instant; returns how many."""
        gone = await self._scope.connection.fetch(
            "delete from setup_versions where tenant = $1 and at < $2 returning number", self._scope.tenant, before
        )
        return len(gone)

    async def _found(self, which: str, value: object) -> list[SetupVersion]:
        rows: Sequence[asyncpg.Record] = await self._scope.connection.fetch(
            f"select number, at, actor, sealed from setup_versions where tenant = $1 {which}",  # noqa: S608 - ours
            self._scope.tenant,
            value,
        )
        keys = await self._scope.reading({_subject(row["at"]) for row in rows})
        return [_version(row, keys) for row in rows]


def nameless(setup: TenantSetup) -> TenantSetup:
    """The setup with its agents known by their ids alone."""
    return replace(setup, agents=tuple(replace(agent, name="") for agent in setup.agents))


def _subject(at: datetime) -> str:
    return day_subject(KEY_OF, at.astimezone(UTC).date())


def _version(row: asyncpg.Record, keys: Keyring) -> SetupVersion:
    opened = keys.open(_SEALED, _subject(row["at"]), row["sealed"], str(row["number"]))
    body = msgspec.json.decode(opened, type=_Body)
    return SetupVersion(number=row["number"], at=row["at"], actor=Actor(row["actor"]), note=body.note, setup=body.setup)
