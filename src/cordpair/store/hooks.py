"""Webhooks of one tenant: where they lead, with which secrets, and what waits to be delivered.

Deliveries of one call to one endpoint go in the order of history; none is claimed while an earlier one waits.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal

import asyncpg
import msgspec

from cordpair.core.ids import CallId
from cordpair.store.scope import Scope
from cordpair.store.sealing import TENANT_SUBJECT

_COLUMN = "hooks.secrets_sealed"
State = Literal["active", "disabled"]


class Hook(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint. `secrets` sign what is sent, all of them, the newest first; `events` and `fields` are names."""

    id: str
    url: str
    profile: str
    events: frozenset[str]
    fields: frozenset[str]
    secrets: tuple[str, ...]
    state: State = "active"
    failing_since: datetime | None = None


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One event for one endpoint. `entry` is its line of history, `since` when it began to be tried."""

    id: int
    hook: str
    entry: int
    call: CallId
    event: str
    at: datetime
    state: str
    attempts: int
    since: datetime
    reason: str


class Hooks:
    """The webhooks of one tenant."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    async def all(self) -> list[Hook]:
        """All endpoints by their names."""
        rows = await self._scope.connection.fetch(
            "select hook, url, profile, events, fields, state, failing_since, secrets_sealed from hooks "
            "where tenant = $1 order by hook",
            self._scope.tenant,
        )
        if not rows:
            return []
        keys = await self._scope.reading([TENANT_SUBJECT])
        return [
            Hook(
                id=row["hook"],
                url=row["url"],
                profile=row["profile"],
                events=frozenset(row["events"].split()),
                fields=frozenset(row["fields"].split()),
                secrets=tuple(keys.open(_COLUMN, TENANT_SUBJECT, row["secrets_sealed"], row["hook"]).decode().split()),
                state=row["state"],
                failing_since=row["failing_since"],
            )
            for row in rows
        ]

    async def put(self, hook: Hook) -> None:
        """Add an endpoint, or change it. A new one is told of what happens from now on."""
        keys = await self._scope.writing([TENANT_SUBJECT])
        await self._scope.connection.execute(
            "insert into hooks (tenant, hook, url, profile, events, fields, state, behind, failing_since, "
            "secrets_sealed) select $1, $2, $3, $4, $5, $6, $7, coalesce(max(id), 0), null, $8 from history "
            "where tenant = $1 on conflict (tenant, hook) do update set url = excluded.url, "
            "profile = excluded.profile, events = excluded.events, fields = excluded.fields, state = excluded.state, "
            "failing_since = null, secrets_sealed = excluded.secrets_sealed",
            self._scope.tenant,
            hook.id,
            hook.url,
            hook.profile,
            " ".join(sorted(hook.events)),
            " ".join(sorted(hook.fields)),
            hook.state,
            keys.seal(_COLUMN, TENANT_SUBJECT, " ".join(hook.secrets).encode(), hook.id),
        )

    async def remove(self, hook: str) -> bool:
        """Take an endpoint away with all that waits for it; False when there is none."""
        return await self._did("delete from hooks where tenant = $1 and hook = $2", hook)

    async def spread(self, hook: Hook, words: Mapping[str, str], now: datetime, limit: int = 500) -> int:
        """Make deliveries of new lines of history; returns how many lines were looked at.

        `words` maps the state that a call comes to, or the name of what happened to it, to the name of an event.
        """
        rows = await self._scope.connection.fetch(
            "select h.id, h.at, h.call, h.what, h.before, h.after from history h join hooks k on k.tenant = h.tenant "
            "and k.hook = $2 where h.tenant = $1 and h.id > k.behind order by h.id limit $3",
            self._scope.tenant,
            hook.id,
            limit,
        )
        if not rows:
            return 0
        told = [
            (row["id"], row["at"], row["call"], event)
            for row in rows
            if row["call"] and (event := _event(row["what"], row["before"], row["after"], words)) in hook.events
        ]
        await self._scope.connection.executemany(
            "insert into hook_deliveries (tenant, hook, entry, call, event, at, state, attempts, run_at, since, reason)"
            " values ($1, $2, $3, $4, $5, $6, 'waiting', 0, $7, $7, '') on conflict (tenant, hook, entry) do nothing",
            [(self._scope.tenant, hook.id, entry, call, event, at, now) for entry, at, call, event in told],
        )
        await self._scope.connection.execute(
            "update hooks set behind = $3 where tenant = $1 and hook = $2 and behind < $3",
            self._scope.tenant,
            hook.id,
            rows[-1]["id"],
        )
        return len(rows)

    async def claim(self, now: datetime, lease: timedelta, limit: int) -> list[Delivery]:
        """Deliveries whose time has come, held for `lease`. One of a call at a time, the earliest."""
        rows = await self._scope.connection.fetch(
            "update hook_deliveries d set attempts = attempts + 1, run_at = $2::timestamptz + $3::interval "
            "where tenant = $1 and id in (select id from hook_deliveries w join hooks k using (tenant, hook) "
            "where w.tenant = $1 and w.state = 'waiting' and w.run_at <= $2 and k.state = 'active' and not exists "
            "(select 1 from hook_deliveries e where e.tenant = $1 and e.hook = w.hook and e.call = w.call "
            "and e.state = 'waiting' and e.id < w.id) order by w.id limit $4 for update of w skip locked) "
            "returning id, hook, entry, call, event, at, state, attempts, since, reason",
            self._scope.tenant,
            now,
            lease,
            limit,
        )
        return sorted((_delivery(row) for row in rows), key=lambda one: one.id)

    async def delivered(self, delivery: Delivery) -> None:
        await self._end(delivery, "delivered", "")
        await self._scope.connection.execute(
            "update hooks set failing_since = null where tenant = $1 and hook = $2 and failing_since is not null",
            self._scope.tenant,
            delivery.hook,
        )

    async def failed(self, delivery: Delivery, reason: str, now: datetime, again_at: datetime | None) -> datetime:
        """Try again at an instant (None: never, a person is asked); returns since when nothing has arrived there."""
        await self._end(delivery, "dead" if again_at is None else "waiting", reason, again_at)
        found: datetime = await self._scope.connection.fetchval(
            "update hooks set failing_since = coalesce(failing_since, $3) where tenant = $1 and hook = $2 "
            "returning failing_since",
            self._scope.tenant,
            delivery.hook,
            now,
        )
        return found or now

    async def disable(self, hook: str) -> None:
        """Nothing is sent there any more until a person enables it."""
        await self._did("update hooks set state = 'disabled' where tenant = $1 and hook = $2", hook)

    async def dead(self, hook: str | None = None) -> list[Delivery]:
        """What was given up, the oldest first."""
        rows = await self._scope.connection.fetch(
            "select id, hook, entry, call, event, at, state, attempts, since, reason from hook_deliveries "
            "where tenant = $1 and state = 'dead' "
            "and ($2::text is null or hook = $2) order by id limit 1000",
            self._scope.tenant,
            hook,
        )
        return [_delivery(row) for row in rows]

    async def replay(self, ids: Collection[int], now: datetime) -> int:
        """Try what was given up again, as if it were new; returns how many."""
        rows = await self._scope.connection.fetch(
            "update hook_deliveries set state = 'waiting', attempts = 0, run_at = $3, since = $3, reason = '' "
            "where tenant = $1 and state = 'dead' and id = any($2::bigint[]) returning id",
            self._scope.tenant,
            list(ids),
            now,
        )
        return len(rows)

    async def waiting(self) -> Mapping[str, int]:
        """How many deliveries wait, by endpoint."""
        rows = await self._scope.connection.fetch(
            "select hook, count(*) as count from hook_deliveries where tenant = $1 and state = 'waiting' group by hook",
            self._scope.tenant,
        )
        return {row["hook"]: row["count"] for row in rows}

    async def purge(self, before: datetime) -> int:
        """Erase deliveries that began before an instant; returns how many."""
        rows: Sequence[object] = await self._scope.connection.fetch(
            "delete from hook_deliveries where tenant = $1 and since < $2 returning id", self._scope.tenant, before
        )
        return len(rows)

    async def _end(self, delivery: Delivery, state: str, reason: str, run_at: datetime | None = None) -> None:
        await self._scope.connection.execute(
            "update hook_deliveries set state = $3, reason = $4, run_at = coalesce($5, run_at) "
            "where tenant = $1 and id = $2 and state = 'waiting'",
            self._scope.tenant,
            delivery.id,
            state,
            reason,
            run_at,
        )

    async def _did(self, statement: str, hook: str) -> bool:
        done: str = await self._scope.connection.execute(statement, self._scope.tenant, hook)
        return not done.endswith(" 0")


def _event(what: str, before: str, after: str, words: Mapping[str, str]) -> str:
    """The event that a line of history is, or an empty text. To come to a state says more than why."""
    moved = words.get(after, "") if before != after else ""
    return moved or words.get(what, "")


def _delivery(row: asyncpg.Record) -> Delivery:
    return msgspec.convert(dict(row), Delivery)
