"""Flows: work of several steps that outlives its process. Each step that is done is a row, and is not done again.

Whoever claims a flow gets a number. All that is written for a flow asks for the newest one, so that a worker who was
thought dead and comes back writes nothing.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from cordpair.errors import CordpairError
from cordpair.store.scope import Scope

Json = Any  #: what msgspec makes of JSON: None, bool, int, float, str, list, dict


class LostFlow(CordpairError):
    """Somebody else has claimed the flow meanwhile, or a person ended it: what was done is not written down here."""


class FlowRow(msgspec.Struct, frozen=True, kw_only=True):
    """A flow that is claimed. `steps` are the results of those that are done, `round` counts its new beginnings."""

    id: int
    key: str
    kind: str
    version: int
    attempts: int
    round: int
    body: Json
    steps: Mapping[str, Json]


class ParkedFlow(msgspec.Struct, frozen=True, kw_only=True):
    """A flow that does not get on, for people. `reason` is the step, the class of the failure, and an HTTP status."""

    id: int
    key: str
    kind: str
    reason: str
    since: datetime
    attempts: int


class Flows:
    """The flows of one tenant. They are claimed at the queue's door and carried on through this one."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    async def start(self, key: str, kind: str, version: int, wake_at: datetime, body: Json = None) -> bool:
        """Begin a flow at `wake_at`; False when there is one with this key already, whatever became of it."""
        made = await self._scope.connection.fetchval(
            "insert into flows "
            "(tenant, key, kind, version, state, wake_at, claim, attempts, round, since, reason, body) "
            "values ($1, $2, $3, $4, 'waiting', $5, 0, 0, 0, $5, '', $6) "
            "on conflict (tenant, key) do nothing returning id",
            self._scope.tenant,
            key,
            kind,
            version,
            wake_at,
            _text(body),
        )
        return made is not None

    async def keep_going(self, key: str, version: int, now: datetime) -> None:
        """Wake a flow that is done or does not get on: what held it up may be over. One that runs well is left alone.

        One that was done begins anew by the code of `version`.
        """
        await self._scope.connection.execute(
            "update flows set state = 'waiting', wake_at = $3, since = $3, attempts = 0, reason = '', "
            "version = case when state = 'done' then $4 else version end "
            "where tenant = $1 and key = $2 and (state in ('done', 'parked') or (state = 'waiting' and attempts > 0))",
            self._scope.tenant,
            key,
            now,
            version,
        )

    async def begin(self, flow: int, claim: int) -> FlowRow:
        """The flow with what it has done. Raises LostFlow."""
        row = await self._scope.connection.fetchrow(
            "select id, key, kind, version, attempts, round, body from flows "
            "where tenant = $1 and id = $2 and claim = $3 and state = 'running'",
            self._scope.tenant,
            flow,
            claim,
        )
        if row is None:
            raise LostFlow(_LOST)
        steps = await self._scope.connection.fetch(
            "select name, result from flow_steps where tenant = $1 and flow = $2 and result is not null",
            self._scope.tenant,
            flow,
        )
        done = {step["name"]: msgspec.json.decode(step["result"]) for step in steps}
        return FlowRow(**{**dict(row), "body": msgspec.json.decode(row["body"])}, steps=done)

    async def begin_step(self, flow: int, claim: int, name: str, lease_until: datetime) -> int:
        """Write down that a step begins; returns how often it has begun. Commit before acting. Raises LostFlow."""
        await self._hold(flow, claim, lease_until)
        attempts: int = await self._scope.connection.fetchval(
            "insert into flow_steps (tenant, flow, name, attempts) values ($1, $2, $3, 1) "
            "on conflict (tenant, flow, name) do update set attempts = flow_steps.attempts + 1 returning attempts",
            self._scope.tenant,
            flow,
            name,
        )
        return attempts

    async def end_step(self, flow: int, claim: int, name: str, result: Json, lease_until: datetime) -> None:
        """The checkpoint: the step is done, and what came of it. Failures are counted anew. Raises LostFlow."""
        await self._hold(flow, claim, lease_until, "attempts = 0")
        await self._scope.connection.execute(
            "insert into flow_steps (tenant, flow, name, attempts, result) values ($1, $2, $3, 1, $4) "
            "on conflict (tenant, flow, name) do update set result = excluded.result",
            self._scope.tenant,
            flow,
            name,
            _text(result),
        )

    async def wait(self, flow: int, claim: int, wake_at: datetime | None) -> None:
        """Nothing is to be done until `wake_at` (None: until something wakes it). Raises LostFlow."""
        await self._leave(flow, claim, "state = 'waiting', wake_at = least($4, wake_at)", wake_at)

    async def again(self, flow: int, claim: int, version: int, wake_at: datetime) -> None:
        """The round is over; the next one begins at `wake_at`, by the code of `version`. Raises LostFlow."""
        await self._leave(
            flow,
            claim,
            "state = 'waiting', wake_at = $4, since = $4, round = round + 1, attempts = 0, reason = '', version = $5",
            wake_at,
            version,
        )
        await self._forget_steps(flow)

    async def finish(self, flow: int, claim: int, now: datetime) -> None:
        """All is done. Raises LostFlow."""
        await self._leave(flow, claim, "state = 'done', wake_at = null, since = $4, attempts = 0, reason = ''", now)
        await self._forget_steps(flow)

    async def fail(self, flow: int, claim: int, wake_at: datetime, reason: str) -> None:
        """A step failed and is tried again at `wake_at`. Raises LostFlow."""
        await self._leave(
            flow, claim, "state = 'waiting', wake_at = $4, attempts = attempts + 1, reason = $5", wake_at, reason
        )

    async def park(self, flow: int, claim: int, now: datetime, reason: str, wake_at: datetime | None) -> None:
        """It does not get on: a person sees it. With `wake_at` it tries by itself once more then. Raises LostFlow."""
        await self._leave(
            flow,
            claim,
            "state = 'parked', wake_at = $5, since = $4, attempts = attempts + 1, reason = $6",
            now,
            wake_at,
            reason,
        )

    async def signal(self, key: str, event: str, payload: Json, now: datetime) -> bool:
        """Tell a flow that something happened, once: it wakes. False when it is over, or was told before."""
        told = await self._scope.connection.fetchval(
            "insert into flow_steps (tenant, flow, name, attempts, result) "
            "select tenant, id, $3, 1, $4 from flows where tenant = $1 and key = $2 and state <> 'done' for update "
            "on conflict (tenant, flow, name) do nothing returning flow",
            self._scope.tenant,
            key,
            event_step(event),
            _text(payload),
        )
        if told is not None:
            await self._scope.connection.execute(
                "update flows set wake_at = $3 where tenant = $1 and id = $2 and state in ('waiting', 'running')",
                self._scope.tenant,
                told,
                now,
            )
        return told is not None

    async def parked(self) -> list[ParkedFlow]:
        """All flows that do not get on, oldest first."""
        rows = await self._scope.connection.fetch(
            "select id, key, kind, reason, since, attempts from flows "
            "where tenant = $1 and state = 'parked' order by since, id",
            self._scope.tenant,
        )
        return [ParkedFlow(**dict(row)) for row in rows]

    async def retry_parked(self, flow: int, now: datetime) -> bool:
        """A person wants another try, from the step that failed. False: not parked."""
        changed = await self._scope.connection.execute(
            "update flows set state = 'waiting', wake_at = $3, since = $3, attempts = 0 "
            "where tenant = $1 and id = $2 and state = 'parked'",
            self._scope.tenant,
            flow,
            now,
        )
        return changed == "UPDATE 1"

    async def purge(self, before: datetime) -> int:
        """Forget flows that were done before; returns how many."""
        gone = await self._scope.connection.execute(
            "delete from flows where tenant = $1 and state = 'done' and since < $2", self._scope.tenant, before
        )
        return int(gone.rpartition(" ")[2])

    async def _hold(self, flow: int, claim: int, lease_until: datetime, change: str = "attempts = attempts") -> None:
        """Make sure that the flow is still ours, and stays so for a while."""
        held = await self._scope.connection.fetchval(
            f"update flows set lease_until = $4, {change} "  # noqa: S608 - written above, holds no value
            "where tenant = $1 and id = $2 and claim = $3 and state = 'running' returning id",
            self._scope.tenant,
            flow,
            claim,
            lease_until,
        )
        if held is None:
            raise LostFlow(_LOST)

    async def _leave(self, flow: int, claim: int, change: str, *values: object) -> None:
        left = await self._scope.connection.fetchval(
            f"update flows set lease_until = null, {change} "  # noqa: S608 - written above, holds no value
            "where tenant = $1 and id = $2 and claim = $3 and state = 'running' returning id",
            self._scope.tenant,
            flow,
            claim,
            *values,
        )
        if left is None:
            raise LostFlow(_LOST)

    async def _forget_steps(self, flow: int) -> None:
        await self._scope.connection.execute(
            "delete from flow_steps where tenant = $1 and flow = $2", self._scope.tenant, flow
        )


def event_step(event: str) -> str:
    """Under which name an event stands among the steps."""
    return f"event:{event}"


_LOST = "another worker has this flow"


def _text(value: Json) -> str:
    return msgspec.json.encode(value).decode()
