"""What peers have asked of a tenant, so that a new owner keeps to it."""

from cordpair.core.bucket import Asked, Peer
from cordpair.store.scope import Scope


class Peers:
    """The peers of one tenant that have asked for less."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    async def asked(self) -> dict[Peer, Asked]:
        """What each has asked for last. One that this version does not know is left out."""
        rows = await self._scope.connection.fetch(
            "select peer, since, until, bulk_until, share from peers where tenant = $1", self._scope.tenant
        )
        known = {dict(row)["peer"]: {name: row[name] for name in Asked.__struct_fields__} for row in rows}
        return {peer: Asked(**known[peer]) for peer in Peer if peer in known}

    async def put(self, peer: Peer, asked: Asked) -> None:
        await self._scope.connection.execute(
            "insert into peers (tenant, peer, since, until, bulk_until, share) values ($1, $2, $3, $4, $5, $6) "
            "on conflict (tenant, peer) do update set since = excluded.since, until = excluded.until, "
            "bulk_until = excluded.bulk_until, share = excluded.share",
            self._scope.tenant,
            peer.value,
            asked.since,
            asked.until,
            asked.bulk_until,
            asked.share,
        )
