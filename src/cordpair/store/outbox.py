"""What must be done: effects with durable attempts, and their results on the way back to the inbox."""

import contextlib
from collections.abc import Mapping, Sequence
from datetime import datetime

import asyncpg
import msgspec

from cordpair.core import effects, events
from cordpair.core.effects import Effect, InviteAgent, Lane
from cordpair.core.events import AnyEvent
from cordpair.core.ids import CallId
from cordpair.store.databases import Connection
from cordpair.store.inbox import Inbox, Incoming
from cordpair.store.scope import Scope
from cordpair.store.sealing import Keyring, Unreadable, call_subject
from cordpair.store.together import Write

_COLUMNS = "id, key, body, attempts, state, unknown, since"
_REASON = "outbox.reason_sealed"


class OutboxRow(msgspec.Struct, frozen=True, kw_only=True):
    """An effect in the outbox. `state` is ready | claimed | sending | done | parked.

    `attempts` counts the tries that were begun, this one included; `unknown` says that an earlier one may have been
    carried out: look before repeating.
    """

    id: int
    key: str
    effect: Effect
    attempts: int
    state: str
    unknown: bool
    since: datetime


class ParkedEffect(msgspec.Struct, frozen=True, kw_only=True):
    """An effect that was given up, for people. `reason` may quote the other side and so a person: do not log it."""

    id: int
    key: str
    kind: str
    call: CallId
    reason: str
    since: datetime
    attempts: int


class Outbox:
    """The outbox of one tenant. Effects are claimed at the queue's door and performed through this one."""

    def __init__(self, scope: Scope, inbox: Inbox) -> None:
        self._scope = scope
        self._inbox = inbox

    @property
    def _connection(self) -> Connection:
        return self._scope.connection

    async def put(self, orders: Sequence[Effect], now: datetime) -> None:
        """Add effects; one whose key is known already is the same effect and changes nothing."""
        write = putting_effects(self._scope, orders, now)
        await self._connection.execute(write.sql, *write.values)

    async def load(self, ids: Sequence[int]) -> list[OutboxRow]:
        """Effects by id, in the order of the ids; unknown ids are left out."""
        rows = await self._connection.fetch(
            f"select {_COLUMNS} from outbox where tenant = $1 and id = any($2::bigint[])",  # noqa: S608
            self._scope.tenant,
            list(ids),
        )
        found = {row["id"]: _effect_row(row) for row in rows}
        return [found[one] for one in ids if one in found]

    async def begin(self, effect: int) -> OutboxRow | None:
        """Note that a try begins, before anything is sent. None when the claim was lost meanwhile.

        Commit before sending: after a crash the effect then counts as perhaps carried out.
        """
        row = await self._connection.fetchrow(
            "update outbox set state = 'sending', attempts = attempts + 1 "  # noqa: S608
            f"where tenant = $1 and id = $2 and state = 'claimed' returning {_COLUMNS}",
            self._scope.tenant,
            effect,
        )
        return None if row is None else _effect_row(row)

    async def done(self, effect: int, now: datetime, results: Sequence[AnyEvent] = ()) -> None:
        """The effect is carried out; its results go to the inbox in the same transaction."""
        await self.ended({effect: results}, now)

    async def ended(self, results: Mapping[int, Sequence[AnyEvent]], now: datetime) -> None:
        """These effects are carried out, each with its results."""
        rows = [row for effect in sorted(results) if (row := await self._end(effect, now)) is not None]
        told = [item for row in rows for item in _told(row["key"], results[row["id"]], now)]
        if told:
            await self._inbox.put(told)

    async def _end(self, effect: int, now: datetime) -> asyncpg.Record | None:
        """One alone: a plan for several, made while the outbox was short, reads all of a tenant's effects for them."""
        return await self._connection.fetchrow(
            "update outbox set state = 'done', lease_until = null, since = $3 "
            "where tenant = $1 and id = $2 and state <> 'done' returning id, key",
            self._scope.tenant,
            effect,
            now,
        )

    async def retry_later(self, effect: int, run_at: datetime, error_class: str, *, unknown: bool) -> None:
        """Try again at `run_at`. `error_class` is a class of failure, never a text of the other side."""
        await self._connection.execute(
            "update outbox set state = 'ready', lease_until = null, run_at = $3, reason = $4, unknown = unknown or $5 "
            "where tenant = $1 and id = $2 and state in ('claimed', 'sending')",
            self._scope.tenant,
            effect,
            run_at,
            error_class,
            unknown,
        )

    async def park(self, effect: int, now: datetime, reason: str, results: Sequence[AnyEvent] = ()) -> None:
        """Give an effect up: a person sees it with `reason` and may retry it. `results` tell the fold of it."""
        row = await self._connection.fetchrow(
            "update outbox set state = 'parked', lease_until = null, since = $3, reason = '' "
            "where tenant = $1 and id = $2 and state <> 'done' returning key, call",
            self._scope.tenant,
            effect,
            now,
        )
        if row is not None:
            await self._seal_reason(effect, row["call"], reason)
            told = _told(f"{row['key']}#parked@{now.isoformat()}", results, now)
            if told:
                await self._inbox.put(told)

    async def _seal_reason(self, effect: int, call: CallId, reason: str) -> None:
        """Sealed under the call's key: the other side's words may quote whom the call is about."""
        subject = call_subject(call)
        keys = await self._scope.writing([subject])
        await self._connection.execute(
            "update outbox set reason_sealed = $3 where tenant = $1 and id = $2",
            self._scope.tenant,
            effect,
            keys.seal(_REASON, subject, reason.encode(), str(effect)),
        )

    async def under_way(self, keys: Sequence[str]) -> bool:
        """Whether one of these effects is neither done nor given up."""
        found: bool = await self._connection.fetchval(
            "select exists (select from outbox where tenant = $1 and key = any($2::text[]) "
            "and state not in ('done', 'parked'))",
            self._scope.tenant,
            list(keys),
        )
        return found

    async def take_back(self, kept: Sequence[int]) -> None:
        """Free what was handed over by a commit whose answer was lost. `kept` are those that workers are at."""
        await self._connection.execute(
            "update outbox set state = 'ready', lease_until = null, unknown = unknown or state = 'sending' "
            "where tenant = $1 and state in ('claimed', 'sending') and lane < $2 and id <> all($3::bigint[])",
            self._scope.tenant,
            int(Lane.CRM),
            list(kept),
        )

    async def parked(self) -> list[ParkedEffect]:
        """All effects that were given up, oldest first."""
        rows = await self._connection.fetch(
            "select id, key, kind, call, reason, reason_sealed, since, attempts from outbox "
            "where tenant = $1 and state = 'parked' order by since, id",
            self._scope.tenant,
        )
        keys = await self._scope.reading({call_subject(row["call"]) for row in rows})
        return [_parked(row, keys) for row in rows]

    async def retry_parked(self, effect: int, now: datetime) -> bool:
        """A person wants another try. It may have been carried out after all, so it looks first. False: not parked."""
        changed = await self._connection.execute(
            "update outbox set state = 'ready', run_at = $3, since = $3, unknown = attempts > 0, reason_sealed = null "
            "where tenant = $1 and id = $2 and state = 'parked'",
            self._scope.tenant,
            effect,
            now,
        )
        return changed == "UPDATE 1"


def _told(key: str, results: Sequence[AnyEvent], now: datetime) -> list[Incoming]:
    """Results as the inbox takes them."""
    return [Incoming("result", f"{key}#{number}", events.encode(one), now) for number, one in enumerate(results)]


class Handed(msgspec.Struct, frozen=True):
    """Whoever folds may hand up to `most` effects straight to workers of its own process, claimed until `until`.

    That spares them the way through the queue. Their first try is begun by the fold's own commit. An invite is only
    claimed by it: a ring that counts as perhaps begun is not repeated, so its try is begun when it really begins. A
    write to the CRM is never handed over.
    """

    most: int
    until: datetime


def putting_effects(scope: Scope, orders: Sequence[Effect], now: datetime, handed: Handed | None = None) -> Write:
    """What `put` writes; returns `id` and `key` of the new ones that are handed over."""
    states = _states(orders, handed.most if handed else 0)
    until = handed.until if handed else None
    columns = (
        states,
        [None if state == "ready" else until for state in states],
        [int(state == "sending") for state in states],
        [order.key for order in orders],
        [int(order.lane) for order in orders],
        [type(order).__name__ for order in orders],
        [order.call for order in orders],
        [effects.encode(order).decode() for order in orders],
    )
    return Write(
        "insert into outbox "
        "(tenant, key, lane, kind, call, state, run_at, lease_until, attempts, unknown, since, reason, body) "
        "select $1, k, l, n, c, s, $2, u, a, false, $2, '', b "
        "from unnest($3::text[], $4::timestamptz[], $5::integer[], "
        "$6::text[], $7::smallint[], $8::text[], $9::text[], $10::jsonb[]) as t (s, u, a, k, l, n, c, b) "
        "on conflict (tenant, key) do nothing returning id, key, state",
        (scope.tenant, now, *columns),
    )


def _states(orders: Sequence[Effect], most: int) -> list[str]:
    """The state of each new effect: the most urgent ones are handed over."""
    chosen = sorted(
        (number for number, order in enumerate(orders) if order.lane < Lane.CRM), key=lambda it: orders[it].lane
    )
    taken = set(chosen[:most])
    return [
        "ready" if number not in taken else "claimed" if isinstance(order, InviteAgent) else "sending"
        for number, order in enumerate(orders)
    ]


def _parked(row: asyncpg.Record, keys: Keyring) -> ParkedEffect:
    """The row for people; without its reason when the call's key is gone."""
    fields = dict(row)
    sealed = fields.pop("reason_sealed")
    if sealed is not None:
        subject = call_subject(row["call"])
        with contextlib.suppress(Unreadable):
            fields["reason"] = keys.open(_REASON, subject, sealed, str(row["id"])).decode()
    return ParkedEffect(**fields)


def _effect_row(row: object) -> OutboxRow:
    fields = dict(row)  # type: ignore[call-overload]
    return OutboxRow(effect=effects.decode(fields.pop("body").encode()), **fields)
