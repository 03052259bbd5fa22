"""What the metrics say of the floors that this process writes for."""

from collections import Counter
from collections.abc import Callable, Mapping

import structlog

from cordpair.core.call import CallState
from cordpair.core.changes import Changes
from cordpair.core.floor import Floor
from cordpair.core.ids import TenantId
from cordpair.core.stuck import stuck_calls
from cordpair.engine.clock import Clock
from cordpair.telemetry import Metrics

log = structlog.get_logger(__name__)

EVERY_S = 5.0  #: real seconds; looking at a whole floor is for screens and scrapes, not for every event

_WAITING = (CallState.RINGING, CallState.QUEUED, CallState.OFFERED)


class Gauges:
    """Counts what happened as it is committed, and looks at the floors every few seconds."""

    def __init__(
        self, metrics: Metrics, clock: Clock, wall: Clock, floors: Callable[[], Mapping[TenantId, Floor]]
    ) -> None:
        self._metrics, self._clock, self._wall, self._floors = metrics, clock, wall, floors

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            self.look()
            await self._wall.sleep(EVERY_S)

    def count(self, tenant: TenantId, floor: Floor, changes: Changes) -> None:
        """Count what a committed batch brought: arrivals in a queue, the waits of those who were answered, ends."""
        for ended in changes.calls.values():
            if ended.closed_at is not None and ended.outcome is not None and not ended.activity:
                self._metrics.calls_ended.labels(outcome=ended.outcome).inc()
        for entry in changes.history:
            call = floor.calls.get(entry.call) if entry.call else None
            if call is None or call.queue is None:
                continue
            if entry.what in ("Arrived", "Enqueued"):
                self._metrics.calls_offered.labels(tenant=tenant, queue=call.queue).inc()
            if entry.after == CallState.CONNECTED != entry.before and call.connected_at and call.arrived_at:
                self._metrics.call_wait_seconds.observe((call.connected_at - call.waits_since).total_seconds())

    def look(self) -> None:
        """Set every gauge from the floors as they are now."""
        floors, now = dict(self._floors()), self._clock.now()
        stuck = [call for floor in floors.values() for call in stuck_calls(floor, now)]
        self._metrics.stuck_calls.set(len(stuck))
        for call in stuck:
            log.warning("a call is stuck", call_id=call.id, state=call.state)
        ages = [now - it.presence.at for floor in floors.values() for it in floor.agents.values() if it.presence]
        self._metrics.presence_age_seconds.set(max((age.total_seconds() for age in ages), default=0.0))
        for by_queue in (self._metrics.agents, self._metrics.queue_waiting, self._metrics.queue_longest_wait_seconds):
            by_queue.clear()  # of a tenant that another node works for now, that one tells
        for tenant, floor in floors.items():
            self._look_at_queues(tenant, floor)

    def _look_at_queues(self, tenant: TenantId, floor: Floor) -> None:
        now = self._clock.now()
        states = Counter((queue, it.state) for it in floor.agents.values() for queue in it.queues)
        for (queue, state), count in states.items():
            self._metrics.agents.labels(queue=f"{tenant}/{queue}", state=state).set(count)
        for queue in floor.queues:
            waiting = [call for call in floor.calls.values() if call.queue == queue and call.state in _WAITING]
            longest = max(((now - (it.arrived_at or it.heard_at)).total_seconds() for it in waiting), default=0.0)
            self._metrics.queue_waiting.labels(tenant=tenant, queue=queue).set(len(waiting))
            self._metrics.queue_longest_wait_seconds.labels(tenant=tenant, queue=queue).set(max(longest, 0.0))
