"""While nothing can be stored: a caller who rings is sent on from memory, never left ringing.

The setup in memory is the last one that was read. Everything that is not a new call is answered 503: what concerns
calls that stand is made good by re-reading them once the database is back.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import structlog

from cordpair.connectors.teams.translate import Ignored, translate
from cordpair.core import events as e
from cordpair.core.fold_entry import sends_to
from cordpair.core.tenant import Registration
from cordpair.engine.parts import TenantParts, Workshop
from cordpair.errors import CordpairError, Rejected

log = structlog.get_logger(__name__)


class SendsOn:
    """Sends calls that cannot be stored to the fallback user of their queue or organisation, or tells them busy."""

    def __init__(self, workshop: Workshop) -> None:
        self._workshop = workshop

    async def send_on(self, registration: Registration, items: Sequence[Mapping[str, Any]], at: datetime) -> bool:
        """Take care of these notifications without a store. False when something in them has to be sent again."""
        parts = self._workshop.in_memory(registration.tenant)
        arrivals = [_arrival(item, parts, at) for item in items] if parts else [None]
        if parts is None or not all(arrivals):
            return False
        return all([await self._one(parts, arrival) for arrival in arrivals if arrival is not None])

    async def _one(self, parts: TenantParts, arrival: e.Arrived) -> bool:
        queue = next((it for it in parts.setup.queues if it.resource_account == arrival.dialled), None)
        fallback = parts.setup.fallback_user
        target = sends_to(queue, fallback, arrival.at) if queue else fallback
        try:
            if target:
                await parts.calls.redirect(arrival.graph_id, target)
            else:
                await parts.calls.reject(arrival.graph_id, "busy")
        except CordpairError as exc:
            log.error("a call could not be sent on", call_id=arrival.call, error=type(exc).__name__)
            return False
        log.warning("a call was sent on while the database is away", call_id=arrival.call)
        return True


def _arrival(item: Mapping[str, Any], parts: TenantParts, at: datetime) -> e.Arrived | None:
    """The arrival that an item tells of, when it tells of nothing else."""
    try:
        facts = translate(item, tenant=parts.setup.id, region=parts.setup.region, at=at)
    except Rejected:
        return None
    found = None if isinstance(facts, Ignored) else next(iter(facts), None)
    return found if isinstance(found, e.Arrived) else None
