"""Where the two databases are, and how a connection takes on one of our roles."""

from typing import TYPE_CHECKING, Any

import asyncpg
import msgspec

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]
    Pool = asyncpg.Pool[asyncpg.Record]
else:  # the library's classes cannot be subscripted at run time
    Connection = asyncpg.Connection
    Pool = asyncpg.Pool

APP_ROLE = "cordpair_app"  # the tenant's door: content, one tenant at a time
QUEUE_ROLE = "cordpair_queue"  # the queue's door: all tenants, no content
KEYS_ROLE = "cordpair_keys"  # the key database

_SESSION = {
    "application_name": "cordpair",
    "jit": "off",  # short statements: compiling them costs more than it saves
    # So does planning them anew for each set of values: what we ask is found by key whatever the values are. And
    # nothing that we ask needs a whole table of all tenants: in a young database, of which the planner knows nothing,
    # it would be read for every reference that is checked.
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    # A process that hangs in the middle of a transaction must not hold a tenant's lease still for ever.
    "idle_in_transaction_session_timeout": "15s",
}


class Databases(msgspec.Struct, frozen=True, kw_only=True):
    """Addresses of the main and the key database, with the role that owns the tables.

    `direct_roles` says that the server lets us log in as our own roles (the embedded one does); else a connection
    logs in as the owner and takes the role on at once.
    """

    main_url: str
    keys_url: str
    direct_roles: bool = False

    def as_role(self, role: str) -> dict[str, Any]:
        """Arguments for asyncpg that make a connection act as `role` from its first statement on."""
        if self.direct_roles:
            return {"user": role, "server_settings": _SESSION}
        return {"server_settings": {**_SESSION, "role": role}}

    def __repr__(self) -> str:
        return "Databases(...)"  # the addresses may hold a password
