"""Facts that will be true at an instant: rows, so that they survive a restart."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from cordpair.core import events
from cordpair.core.changes import Timer
from cordpair.store.inbox import Inbox, Incoming
from cordpair.store.scope import Scope
from cordpair.store.together import Write


class Timers:
    """The timers of one tenant."""

    def __init__(self, scope: Scope, inbox: Inbox) -> None:
        self._scope = scope
        self._inbox = inbox

    async def due(self, now: datetime, limit: int) -> list[Timer]:
        """Timers whose instant has come, earliest first. One that this version cannot read is put aside."""
        rows = await self._scope.connection.fetch(
            "select key, run_at, body from timers where tenant = $1 and run_at <= $2 order by run_at, key limit $3",
            self._scope.tenant,
            now,
            limit,
        )
        timers = []
        for row in rows:
            body = row["body"].encode()
            try:
                timers.append(Timer(key=row["key"], run_at=row["run_at"], event=events.decode(body)))
            except msgspec.DecodeError:
                item = Incoming("timer", f"{row['key']}@{row['run_at'].isoformat()}", body, now)
                await self._inbox.put_aside(item, "a deadline that this version cannot read")
                await self.cancel([row["key"]])
        return timers

    async def planned(self) -> dict[str, datetime]:
        """The instants of all timers that are set, by their keys."""
        rows = await self._scope.connection.fetch(
            "select key, run_at from timers where tenant = $1", self._scope.tenant
        )
        return {row["key"]: row["run_at"] for row in rows}

    async def cancel(self, keys: Sequence[str]) -> None:
        """Take timers away: cancelled, or fired and folded."""
        write = cancelling_timers(self._scope, keys)
        await self._scope.connection.execute(write.sql, *write.values)

    async def set(self, timers: Sequence[Timer]) -> None:
        """Set timers; one with a known key is moved."""
        write = setting_timers(self._scope, timers)
        await self._scope.connection.execute(write.sql, *write.values)


def cancelling_timers(scope: Scope, keys: Sequence[str]) -> Write:
    """What `cancel` writes."""
    return Write("delete from timers where tenant = $1 and key = any($2::text[])", (scope.tenant, list(keys)))


def setting_timers(scope: Scope, timers: Sequence[Timer]) -> Write:
    """What `set` writes."""
    columns = (
        [timer.key for timer in timers],
        [timer.run_at for timer in timers],
        [events.encode(timer.event).decode() for timer in timers],
    )
    return Write(
        "insert into timers (tenant, key, run_at, body) "
        "select $1, k, r, b from unnest($2::text[], $3::timestamptz[], $4::jsonb[]) as t (k, r, b) "
        "on conflict (tenant, key) do update set run_at = excluded.run_at, body = excluded.body",
        (scope.tenant, *columns),
    )
