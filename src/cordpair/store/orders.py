"""How an order stands that somebody gave: waiting to be carried out, or what it came to."""

import msgspec

from cordpair.core import events
from cordpair.core.events import AnyEvent
from cordpair.store.inbox import Inbox
from cordpair.store.scope import Scope
from cordpair.store.sealing import Unreadable, intake_subject


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """An order as it is stored. `verdict` is None while it waits; `is_parked`: a person has to look at it."""

    event: AnyEvent
    verdict: str | None
    is_parked: bool


class Orders:
    """The orders (commands) of one tenant."""

    def __init__(self, scope: Scope, inbox: Inbox) -> None:
        self._scope, self._inbox = scope, inbox

    async def standing(self, key: str) -> Standing | None:
        """The order of this key; None for one that is not known, or whose day's key is gone."""
        row = await self._scope.connection.fetchrow(
            "select received_at, state, sealed from inbox where tenant = $1 and source = 'command' and key = $2",
            self._scope.tenant,
            key,
        )
        if row is None:
            return None
        day = intake_subject(row["received_at"])
        keys = await self._scope.reading([day])
        try:
            event = events.decode(keys.open("inbox.sealed", day, row["sealed"], f"command:{key}"))
        except Unreadable:
            return None
        result = await self._inbox.result("command", key)
        return Standing(event=event, verdict=result.decode() if result else None, is_parked=row["state"] == "parked")
