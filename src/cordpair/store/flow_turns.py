"""Whose flow may go on, over all tenants: the part of the second door that sees ids, kinds and instants."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

import msgspec

from cordpair.core.ids import TenantId
from cordpair.store.databases import Connection


class Code(msgspec.Struct, frozen=True, order=True):
    """Which code a flow needs: its kind, and the version by which it was begun."""

    kind: str
    version: int


class Turn(msgspec.Struct, frozen=True):
    """A flow that is claimed, and the number of the claim."""

    tenant: TenantId
    flow: int
    claim: int


class FlowTurns:
    """Claims of flows, in one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def claim(
        self, limit: int, now: datetime, lease_for: timedelta, tenants: Sequence[TenantId], codes: Collection[Code]
    ) -> list[Turn]:
        """Claim up to `limit` flows of these tenants that may go on, every tenant's first one first.

        Only such as need one of `codes`: what another version has begun waits for that version. A flow whose worker has
        not come back within its lease is taken from it.
        """
        rows = await self._connection.fetch(
            _CLAIM,
            limit,
            now,
            now + lease_for,
            list(tenants),
            [code.kind for code in codes],
            [code.version for code in codes],
        )
        return [Turn(TenantId(str(row["tenant"])), row["id"], row["claim"]) for row in rows]

    async def give_back(self, turns: Sequence[Turn], now: datetime) -> None:
        """Let others go on at once with what was claimed; what was taken from us meanwhile is left to its taker."""
        await self._connection.execute(
            "update flows f set state = 'waiting', wake_at = $4, lease_until = null "
            "from unnest($1::uuid[], $2::bigint[], $3::bigint[]) as t (tenant, flow, claim) "
            "where f.tenant = t.tenant and f.id = t.flow and f.claim = t.claim and f.state = 'running'",
            [turn.tenant for turn in turns],
            [turn.flow for turn in turns],
            [turn.claim for turn in turns],
            now,
        )

    async def unfinished(self) -> dict[Code, int]:
        """How many flows are not done, by the code that they need."""
        rows = await self._connection.fetch(
            "select kind, version, count(*) as flows from flows where state <> 'done' group by kind, version"
        )
        return {Code(row["kind"], row["version"]): row["flows"] for row in rows}


_CLAIM = """
with due as (
    select tenant, id, wake_at as at from flows where state in ('waiting', 'parked') and wake_at <= $2
    and tenant = any($4::uuid[]) and (kind, version) in (select * from unnest($5::text[], $6::smallint[]))
    union all
    select tenant, id, lease_until from flows where state = 'running' and lease_until <= $2
    and tenant = any($4::uuid[]) and (kind, version) in (select * from unnest($5::text[], $6::smallint[]))
), ranked as (
    select *, row_number() over (partition by tenant order by at, id) as turn from due
), chosen as (
    select f.tenant, f.id from ranked r join flows f on f.tenant = r.tenant and f.id = r.id
    where (f.state in ('waiting', 'parked') and f.wake_at <= $2) or (f.state = 'running' and f.lease_until <= $2)
    order by r.turn, r.at, f.id limit $1 for update of f skip locked
)
update flows f set state = 'running', wake_at = null, lease_until = $3, claim = f.claim + 1
from chosen c where f.tenant = c.tenant and f.id = c.id returning f.tenant, f.id, f.claim
"""
