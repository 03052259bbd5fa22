"""Calls of the past, page by page, newest first."""

from datetime import datetime

import msgspec

from cordpair.core.call import Call, Outcome
from cordpair.core.ids import AgentId, CallId, QueueId
from cordpair.store.calls import read_call
from cordpair.store.scope import Scope
from cordpair.store.sealing import call_subject


class CallFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which calls. None asks for all; `since` is included, `until` is not; both are instants of arrival, aware UTC."""

    queue: QueueId | None = None
    agent: AgentId | None = None
    outcome: Outcome | None = None
    live: bool | None = None
    since: datetime | None = None
    until: datetime | None = None


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a page ends: the last call on it."""

    arrived_at: datetime
    call: CallId


class CallPages:
    """Pages of the calls that arrived at one tenant."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    async def page(self, wanted: CallFilter, limit: int, after: Place | None = None) -> list[Call]:
        """At most `limit` calls, newest first, those that stand after `after` in this order."""
        rows = await self._scope.connection.fetch(
            _PAGE,
            self._scope.tenant,
            wanted.queue,
            wanted.agent,
            wanted.outcome,
            wanted.live,
            wanted.since,
            wanted.until,
            after.arrived_at if after else None,
            after.call if after else None,
            limit,
        )
        keys = await self._scope.reading([call_subject(row["call"]) for row in rows])
        return [read_call(row["call"], row["body"], row["sealed"], keys) for row in rows]


_PAGE = """
select call, body, sealed from calls
where tenant = $1 and arrived_at is not null
  and ($2::text is null or queue = $2)
  and ($3::text is null or agent = $3)
  and ($4::text is null or outcome = $4)
  and ($5::boolean is null or (state <> 'closed') = $5)
  and ($6::timestamptz is null or arrived_at >= $6)
  and ($7::timestamptz is null or arrived_at < $7)
  and ($8::timestamptz is null or (arrived_at, call) < ($8, $9::text))
order by arrived_at desc, call desc limit $10
"""
