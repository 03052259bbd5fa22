"""A starting node waits for a database that is just away."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

import structlog

from cordpair.engine.clock import Clock
from cordpair.errors import TemporaryFailure

log = structlog.get_logger(__name__)

DATABASE_WITHIN_S = 60.0  #: how long it is waited for

T = TypeVar("T")


async def waited_for(asking: Callable[[], Awaitable[T]], wall: Clock) -> T:
    """What `asking` gives. A database that is just restarting is waited for; giving up would make it worse."""
    give_up_at = wall.now() + timedelta(seconds=DATABASE_WITHIN_S)
    while True:
        try:
            return await asking()
        except TemporaryFailure as exc:
            if wall.now() > give_up_at:
                raise
            log.warning("waits for the database", error=type(exc).__name__)
            await wall.sleep(1)
