"""Callbacks as rows: what queries need in columns, whom we owe a call sealed, the rest as one JSON value."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from cordpair.core.callback import Callback
from cordpair.core.caller import Caller, CallerKind, Candidate
from cordpair.core.ids import CallId, PartyRef
from cordpair.store.scope import Scope
from cordpair.store.sealing import Keyring, call_subject
from cordpair.store.together import Write

_SEALED = "callbacks.sealed"


class _Personal(msgspec.Struct, frozen=True, omit_defaults=True):
    """The part of a callback that is about a person."""

    caller: Caller = Caller(kind=CallerKind.WITHHELD)
    candidates: tuple[Candidate, ...] = ()
    party: PartyRef | None = None


class Callbacks:
    """The callbacks of one tenant."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    async def get(self, call: CallId) -> Callback | None:
        """The newest callback of a call, open or closed."""
        found = await self._fetch("call = $2", call)
        return found[0] if found else None

    async def open(self) -> list[Callback]:
        """All that are not closed, the oldest first."""
        return await self._fetch("state <> 'closed' and ($2::text is null or call = $2)", None)

    async def since(self, since: datetime) -> list[Callback]:
        """All that are open, and those closed at `since` or later; the oldest first."""
        return await self._fetch("(closed_at is null or closed_at >= $2)", since)

    async def _fetch(self, condition: str, value: object) -> list[Callback]:
        rows = await self._scope.connection.fetch(
            f"select call, body, sealed from callbacks where tenant = $1 and {condition} order by asked_at, call",  # noqa: S608
            self._scope.tenant,
            value,
        )
        keys = await self._scope.reading([call_subject(row["call"]) for row in rows])
        return [_read(row["call"], row["body"], row["sealed"], keys) for row in rows]


async def saving_callbacks(scope: Scope, callbacks: Sequence[Callback]) -> Write:
    """The newest value of each callback. Its call is stored already, or in the same transaction."""
    keys = await scope.writing([call_subject(one.call) for one in callbacks])
    return Write(_SAVE, (scope.tenant, *_columns(callbacks, keys)))


def _columns(callbacks: Sequence[Callback], keys: Keyring) -> Iterable[list[Any]]:
    plain = [[getattr(one, name) for one in callbacks] for name in _PLAIN]
    bodies = [msgspec.json.encode(replace(one, **_IMPERSONAL)).decode() for one in callbacks]
    sealed = [keys.seal_again(_SEALED, call_subject(one.call), _personal(one), one.call) for one in callbacks]
    return [*plain, bodies, sealed]


def _personal(callback: Callback) -> bytes:
    return msgspec.json.encode(_Personal(**{name: getattr(callback, name) for name in _IMPERSONAL}))


def _read(call: CallId, body: str, sealed: bytes, keys: Keyring) -> Callback:
    plain = _decoder.decode(body)
    personal = _personal_decoder.decode(keys.open(_SEALED, call_subject(call), sealed, call))
    return replace(plain, **{name: getattr(personal, name) for name in _IMPERSONAL})


_decoder = msgspec.json.Decoder(Callback)
_personal_decoder = msgspec.json.Decoder(_Personal)
_IMPERSONAL: dict[str, Any] = {name: getattr(_Personal(), name) for name in _Personal.__struct_fields__}
_PLAIN = ("call", "kind", "state", "queue", "agent", "asked_at", "closed_at")
_SAVE = """
insert into callbacks (tenant, call, kind, state, queue, agent, asked_at, closed_at, body, sealed)
select $1, * from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[],
                         $8::timestamptz[], $9::jsonb[], $10::bytea[])
on conflict (tenant, call) do update set
    kind = excluded.kind, state = excluded.state, queue = excluded.queue, agent = excluded.agent,
    asked_at = excluded.asked_at, closed_at = excluded.closed_at, body = excluded.body, sealed = excluded.sealed
"""
