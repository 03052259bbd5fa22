"""How far a sync has come, and which Graph subscriptions stand."""

from datetime import datetime

import asyncpg
import msgspec

from cordpair.core.content_keys import ContentKey
from cordpair.store.scope import Scope
from cordpair.store.sealing import TENANT_SUBJECT, Keyring

_CLIENT_STATE = "subscriptions.client_state_sealed"
_CONTENT_KEYS = "subscriptions.content_keys_sealed"
_keys = msgspec.msgpack.Decoder(tuple[ContentKey, ...])


class Bookmark(msgspec.Struct, frozen=True, kw_only=True):
    """Where the next sync of a connector begins, and when the last one came there."""

    bookmark: str
    at: datetime


class Bookmarks:
    """How far each connector's sync has come."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    async def get(self, connector: str) -> Bookmark | None:
        row = await self._scope.connection.fetchrow(
            "select bookmark, at from sync_bookmarks where tenant = $1 and connector = $2",
            self._scope.tenant,
            connector,
        )
        return None if row is None else Bookmark(**row)

    async def put(self, connector: str, bookmark: Bookmark) -> None:
        await self._scope.connection.execute(
            "insert into sync_bookmarks (tenant, connector, bookmark, at) values ($1, $2, $3, $4) "
            "on conflict (tenant, connector) do update set bookmark = excluded.bookmark, at = excluded.at",
            self._scope.tenant,
            connector,
            bookmark.bookmark,
            bookmark.at,
        )


class Subscription(msgspec.Struct, frozen=True, kw_only=True):
    """A Graph subscription. `kind` is ours (`presence`), `client_state` the secret that its notifications repeat.

    `keys` open what its notifications carry, newest first; without any they carry nothing encrypted.
    """

    kind: str
    graph_id: str
    client_state: str
    expires_at: datetime
    keys: tuple[ContentKey, ...] = ()


class Subscriptions:
    """The Graph subscriptions of one tenant, one of each kind."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    async def all(self) -> list[Subscription]:
        rows = await self._scope.connection.fetch(
            "select kind, graph_id, expires_at, client_state_sealed, content_keys_sealed from subscriptions "
            "where tenant = $1 order by kind",
            self._scope.tenant,
        )
        keys = await self._scope.reading([TENANT_SUBJECT] if rows else [])
        return [_read(row, keys) for row in rows]

    async def put(self, subscription: Subscription) -> None:
        """Remember a subscription in the place of the former one of its kind."""
        keys = await self._scope.writing([TENANT_SUBJECT])
        await self._scope.connection.execute(
            "insert into subscriptions (tenant, kind, graph_id, expires_at, client_state_sealed, content_keys_sealed) "
            "values ($1, $2, $3, $4, $5, $6) on conflict (tenant, kind) do update set graph_id = excluded.graph_id, "
            "expires_at = excluded.expires_at, client_state_sealed = excluded.client_state_sealed, "
            "content_keys_sealed = excluded.content_keys_sealed",
            self._scope.tenant,
            subscription.kind,
            subscription.graph_id,
            subscription.expires_at,
            keys.seal(_CLIENT_STATE, TENANT_SUBJECT, subscription.client_state.encode(), subscription.kind),
            _sealed(subscription, keys),
        )

    async def remove(self, kind: str) -> None:
        await self._scope.connection.execute(
            "delete from subscriptions where tenant = $1 and kind = $2", self._scope.tenant, kind
        )


def _sealed(subscription: Subscription, keys: Keyring) -> bytes | None:
    if not subscription.keys:
        return None
    return keys.seal(_CONTENT_KEYS, TENANT_SUBJECT, msgspec.msgpack.encode(subscription.keys), subscription.kind)


def _read(row: asyncpg.Record, keys: Keyring) -> Subscription:
    kind, sealed = row["kind"], row["content_keys_sealed"]
    return Subscription(
        kind=kind,
        graph_id=row["graph_id"],
        client_state=keys.open(_CLIENT_STATE, TENANT_SUBJECT, row["client_state_sealed"], kind).decode(),
        expires_at=row["expires_at"],
        keys=_keys.decode(keys.open(_CONTENT_KEYS, TENANT_SUBJECT, sealed, kind)) if sealed is not None else (),
    )
