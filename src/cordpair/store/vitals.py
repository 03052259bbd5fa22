"""How a tenant is: what it has used, what waits, and since when. Numbers and instants only."""

from datetime import datetime, timedelta

import msgspec

from cordpair.core.quota import QuotaUse
from cordpair.store.due import due
from cordpair.store.scope import Scope

PURGED_WITHIN = timedelta(hours=2)  #: what is due longer than this has been forgotten: the purge comes by each hour


class VitalSigns(msgspec.Struct, frozen=True, kw_only=True):
    """Of one instant. `oldest_new_at` is when the oldest unfolded inbox row came in, `oldest_due_at` when the oldest
    ready effect became due; None where nothing waits. `owned_until` is when the owner's lease ends.
    """

    use: QuotaUse
    oldest_new_at: datetime | None
    oldest_due_at: datetime | None
    parked_effects: int
    parked_items: int
    owned_until: datetime | None


class Backlog(msgspec.Struct, frozen=True, kw_only=True):
    """Of one instant. `pending_effects` are those that are not done and not parked, `overdue_records` those that should
    have been erased. `subscription_ends_at` is of the Graph subscription that ends first; None where none stands.
    """

    pending_effects: int
    parked_effects: int
    subscription_ends_at: datetime | None
    overdue_records: int


class Vitals:
    """The vital signs of one tenant."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    async def read(self, month_begin: datetime, now: datetime) -> VitalSigns:
        """All signs at `now`; calls are counted since `month_begin`."""
        row = await self._scope.connection.fetchrow(_READ, self._scope.tenant, month_begin, now)
        assert row is not None  # it has no FROM
        return VitalSigns(
            use=QuotaUse(month=row["month"], concurrent=row["concurrent"]),
            oldest_new_at=row["oldest_new_at"],
            oldest_due_at=row["oldest_due_at"],
            parked_effects=row["parked_effects"],
            parked_items=row["parked_items"],
            owned_until=row["owned_until"],
        )

    async def backlog(self, now: datetime) -> Backlog:
        """What waits at `now`, what ends, and what should be gone."""
        gone = due(now - PURGED_WITHIN)
        row = await self._scope.connection.fetchrow(
            _BACKLOG, self._scope.tenant, gone.intake_before, gone.flows_before, gone.audit_before, gone.versions_before
        )
        assert row is not None  # it has no FROM
        return Backlog(**row)

    async def newest(self) -> int:
        """The number of the newest line of history: another one than before says that something happened."""
        found: int | None = await self._scope.connection.fetchval(
            "select max(id) from history where tenant = $1", self._scope.tenant
        )
        return found or 0


_READ = """
select
    (select count(*) from calls where tenant = $1 and heard_at >= $2) as month,
    (select count(*) from calls
        where tenant = $1 and closed_at is null and ended_at is null and arrived_at is not null) as concurrent,
    (select min(received_at) from inbox where tenant = $1 and state = 'new') as oldest_new_at,
    (select min(run_at) from outbox where tenant = $1 and state = 'ready' and run_at <= $3) as oldest_due_at,
    (select count(*) from outbox where tenant = $1 and state = 'parked') as parked_effects,
    (select count(*) from inbox where tenant = $1 and state = 'parked') as parked_items,
    (select expires_at from leases where tenant = $1) as owned_until
"""

# Counts by state go by the partial indexes. Raw payloads are counted only where the first that came in, which is all
# that has to be read for it, is due.
_BACKLOG = """
select
    (select count(*) from outbox where tenant = $1 and state = 'ready')
        + (select count(*) from outbox where tenant = $1 and state in ('claimed', 'sending')) as pending_effects,
    (select count(*) from outbox where tenant = $1 and state = 'parked') as parked_effects,
    (select min(expires_at) from subscriptions where tenant = $1 and graph_id <> '') as subscription_ends_at,
    case when (select received_at from inbox where tenant = $1 order by id limit 1) < $2
        then (select count(*) from inbox where tenant = $1 and received_at < $2) else 0 end
        + (select count(*) from flows where tenant = $1 and state = 'done' and since < $3)
        + (select count(*) from audit_records r join audit_chain e using (tenant, number)
            where r.tenant = $1 and e.day < $4)
        + (select count(*) from setup_versions where tenant = $1 and at < $5) as overdue_records
"""
