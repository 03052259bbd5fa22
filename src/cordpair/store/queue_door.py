"""The second door: whose turn it is, over all tenants. Its role sees ids and instants, no content."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import asyncpg
import msgspec

from cordpair.core.effects import Lane
from cordpair.core.ids import RegistrationId, TenantId
from cordpair.store.beacon import NEWS, SPACE, TAKES
from cordpair.store.databases import Connection
from cordpair.store.flow_turns import FlowTurns

_RELEASED = datetime(1970, 1, 1, tzinfo=UTC)


class Crew(msgspec.Struct, frozen=True):
    """Who is there to own tenants: `nodes` processes that live and take some; `is_waiting`: nobody took one in time."""

    nodes: int
    is_waiting: bool


class Claimed(msgspec.Struct, frozen=True):
    """An effect that is claimed."""

    tenant: TenantId
    id: int
    lane: Lane


class Limit(msgspec.Struct, frozen=True):
    """No more than `allowed` effects of this lane of a tenant may begin now."""

    tenant: TenantId
    lane: Lane
    allowed: int


class QueueRows:
    """Leases, claims and wake-ups, in one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.flows = FlowTurns(connection)

    async def now(self) -> datetime:
        """What time it is for all nodes: by the database's clock."""
        told: datetime = await self._connection.fetchval("select clock_timestamp()")
        return told

    async def tenants(self) -> list[TenantId]:
        """All tenants that are set up."""
        return [_tenant(row) for row in await self._connection.fetch("select tenant from tenants order by tenant")]

    async def revisions(self) -> dict[TenantId, int]:
        """All tenants that are set up, each with the number of its newest setup."""
        rows = await self._connection.fetch("select tenant, revision from tenants order by tenant")
        return {_tenant(row): row["revision"] for row in rows}

    async def directory(self, registration: RegistrationId) -> TenantId | None:
        """Whose app registration this is. None when it is nobody's, or claimed by more than one tenant."""
        rows = await self._connection.fetch(
            "select tenant from registrations where registration = $1 limit 2", registration
        )
        return _tenant(rows[0]) if len(rows) == 1 else None

    async def holders(self, registration: RegistrationId) -> list[TenantId]:
        """All tenants that have set up an app registration of this name: one, if all is well."""
        rows = await self._connection.fetch("select tenant from registrations where registration = $1", registration)
        return [_tenant(row) for row in rows]

    async def lease(
        self,
        tenants: Sequence[TenantId],
        owner: str,
        now: datetime,
        ttl: timedelta,
        *,
        most: int | None = None,
    ) -> dict[TenantId, int]:
        """Become or stay the owner of these tenants until `now + ttl`; returns the epoch of each that we own now.

        `now` is the database's own: leases of nodes whose clocks differ could not be compared.

        A tenant whose lease another owner still holds, or whose former owner is committing at this moment, is left out.
        A change of owner makes a new, higher epoch. Who has `most` tenants takes no further one that had an owner.
        """
        rows = await self._connection.fetch(_LEASE, list(tenants), owner, now, now + ttl, most)
        return {_tenant(row): row["epoch"] for row in rows}

    async def crew(self, now: datetime, patience: timedelta) -> Crew:
        """Who shares the tenants. An owner that lets leases run out stands still and is not counted.

        `patience` is how long a lease that ran out or was given back waits for somebody who has room.
        """
        [row] = await self._connection.fetch(_CREW, now, now - patience, TAKES)
        return Crew(row["nodes"], row["is_waiting"])

    async def release(self, owner: str, tenants: Sequence[TenantId] | None = None, at: datetime = _RELEASED) -> None:
        """Give these tenants of this owner back (None: all), as of `at`, so that another one need not wait.

        For owners that have stopped: what they had claimed may run at once, as with `bury`. All processes hear of it.
        """
        chosen = None if tenants is None else list(tenants)
        await self._connection.execute(_RELEASE, owner, chosen, at, int(Lane.CRM), NEWS)

    async def bury(self, now: datetime) -> list[TenantId]:
        """End the leases of owners whose beacon is out; returns their tenants. For processes whose own beacon burns.

        What these owners had claimed may run at once. What they were sending may have been carried out; a write to the
        CRM may even be carried out later, so it keeps its time until it is looked for.
        """
        return [_tenant(row) for row in await self._connection.fetch(_BURY, now, SPACE, int(Lane.CRM))]

    async def claim(
        self,
        limit: int,
        now: datetime,
        lease_for: timedelta,
        tenants: Sequence[TenantId] | None = None,
        *,
        crm_lease_for: timedelta = timedelta(0),
        limits: Sequence[Limit] = (),
        most_bulk: int | None = None,
    ) -> list[Claimed]:
        """Claim up to `limit` effects that may run, the most urgent first; of bulk lanes `most_bulk`, if that is less.

        Lower lanes first; within a lane every tenant gets its first before one gets its second. `tenants` are those
        whose effects we may perform (None: all). A write to the CRM is claimed for `crm_lease_for` when that is longer.
        """
        crm_until = now + max(lease_for, crm_lease_for)
        rows = await self._connection.fetch(
            _CLAIM,
            limit,
            now,
            now + lease_for,
            tenants,
            int(Lane.CRM),
            crm_until,
            limit if most_bulk is None else most_bulk,
            [one.tenant for one in limits],
            [one.lane for one in limits],
            [one.allowed for one in limits],
        )
        rows.sort(key=lambda row: (row["lane"], row["turn"], row["run_at"], row["id"]))
        return [Claimed(_tenant(row), row["id"], Lane(row["lane"])) for row in rows]

    async def expired(self, now: datetime) -> int:
        """Free the effects whose worker has not come back. One that was being sent may have been carried out."""
        rows = await self._connection.fetch(
            "update outbox set state = 'ready', lease_until = null, unknown = unknown or state = 'sending' "
            "where state in ('claimed', 'sending') and lease_until <= $1 returning id",
            now,
        )
        return len(rows)

    async def ready_tenants(self, now: datetime) -> list[TenantId]:
        """Tenants that have something to fold: unfolded items or timers that are due."""
        return [_tenant(row) for row in await self._connection.fetch(_READY, now)]


def _tenant(row: asyncpg.Record) -> TenantId:
    return TenantId(str(row["tenant"]))


# The key columns (tenant, owner, epoch) stay as they are when a lease is renewed: so a renewal never waits for a fold,
# which holds them still while it commits. A take-over changes them: it has to come after that commit.
_LEASE = """
with renewed as (
    update leases set expires_at = $4 where owner = $2 and tenant = any($1::uuid[]) returning tenant, epoch
), free as (
    select tenant from leases where tenant = any($1::uuid[]) and owner <> $2
    -- nobody gets a lease for so long: the clock went back since, and its owner is free to renew it
    and (expires_at <= $3 or expires_at > $4::timestamptz + interval '1 minute')
    order by expires_at limit case when $5::integer is null then null
    else greatest($5 - (select count(*) from renewed), 0) end for update skip locked
), taken as (
    update leases l set owner = $2, epoch = l.epoch + 1, expires_at = $4
    from free f where l.tenant = f.tenant returning l.tenant, l.epoch
), made as (
    insert into leases (tenant, owner, epoch, expires_at)
    select t.tenant, $2, 1, $4 from unnest($1::uuid[]) as t (tenant)
    where not exists (select from leases l where l.tenant = t.tenant)
    on conflict do nothing returning tenant, epoch
)
select * from renewed union all select * from taken union all select * from made
"""

# `burning` is read once: the server looks at all of its locks for it.
_BURNING = """
with burning as materialized (
    select objid::bigint as owner from pg_locks
    where locktype = 'advisory' and classid::bigint = {space} and objsubid = 2 and granted
    and database = (select oid from pg_database where datname = current_database())
)"""
_FREED = """
freed as (
    update outbox o set state = 'ready', lease_until = null, unknown = o.unknown or o.state = 'sending'
    from {whose} d where o.tenant = d.tenant and (o.state = 'claimed' or (o.state = 'sending' and o.lane < {crm}))
), let_go as (
    update flows f set lease_until = 'epoch' from {whose} d where f.tenant = d.tenant and f.state = 'running'
)"""
_HASH = "hashtext(owner)::bigint & 4294967295"
_BURY = f"""
{_BURNING.format(space="$2")}, dead as (
    update leases set expires_at = $1
    where owner <> '' and expires_at > $1 and {_HASH} not in (select owner from burning) returning tenant
), {_FREED.format(whose="dead", crm="$3")}
select tenant from dead
"""  # noqa: S608 - put together from the constants above
_CREW = f"""
{_BURNING.format(space="$3")}
select (
    select count(*) from burning
    where owner not in (select {_HASH} from leases where owner <> '' and expires_at <= $1)
) as nodes, exists (select from leases where expires_at <= $2) as is_waiting
"""  # noqa: S608
_RELEASE = f"""
with given as (
    update leases set owner = '', expires_at = $3 where owner = $1 and ($2::uuid[] is null or tenant = any($2::uuid[]))
    returning tenant
), {_FREED.format(whose="given", crm="$4")}
select pg_notify($5, '') where exists (select from given)
"""  # noqa: S608

# Both walk from tenant to tenant along a partial index: what it costs depends on the tenants that have something to do,
# not on how much they have.
_CLAIM = """
with recursive busy (tenant) as (
    (select tenant from outbox where state = 'ready' order by tenant limit 1)
    union all
    select (select o.tenant from outbox o where o.state = 'ready' and o.tenant > b.tenant order by o.tenant limit 1)
    from busy b where b.tenant is not null
), limits (tenant, lane, allowed) as materialized (
    select * from unnest($8::uuid[], $9::smallint[], $10::integer[])
), ready as (
    select r.* from busy b cross join lateral (
        -- lane by lane, so that a long line in a lane that must wait is not walked along
        select o.tenant, o.id, o.lane, o.run_at from (
            select lane, coalesce(
                (select l.allowed from limits l where l.tenant = b.tenant and l.lane = s.lane), $1
            ) as allowed from generate_series(0, $5::integer) s (lane)
        ) n cross join lateral (
            select c.*, row_number() over () as place from (
                select o.tenant, o.id, o.lane, o.run_at from outbox o
                where o.tenant = b.tenant and o.state = 'ready' and o.lane = n.lane and o.run_at <= $2
                order by o.run_at, o.id limit $1 for update skip locked
            ) c
        ) o where n.allowed > 0 and o.place <= n.allowed limit $1
    ) r where b.tenant is not null and ($4::uuid[] is null or b.tenant = any($4::uuid[]))
), ranked as (
    select *, row_number() over (partition by tenant, lane order by run_at, id) as turn from ready
), placed as (
    select *, row_number() over (partition by lane > {last_urgent} order by lane, turn, run_at, id) as place
    from ranked
), chosen as (
    select * from placed where lane <= {last_urgent} or place <= $7 order by lane, turn, run_at, id limit $1
)
update outbox o set state = 'claimed', lease_until = case when c.lane < $5 then $3::timestamptz else $6::timestamptz end
from chosen c where o.tenant = c.tenant and o.id = c.id
returning o.tenant, o.id, c.lane, c.turn, c.run_at
""".replace("{last_urgent}", str(int(Lane.CARD)))
_READY = """
with recursive waiting (tenant) as (
    (select tenant from inbox where state = 'new' order by tenant limit 1)
    union all
    select (select i.tenant from inbox i where i.state = 'new' and i.tenant > w.tenant order by i.tenant limit 1)
    from waiting w where w.tenant is not null
)
select tenant from waiting where tenant is not null
union
select tenant from timers where run_at <= $1
"""
