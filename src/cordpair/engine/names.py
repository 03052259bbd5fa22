"""What agents, queues and dispositions are called outside: as the organisation set them up."""

from typing import Literal

from cordpair.core.call import Call
from cordpair.core.tenant import TenantSetup


class Names:
    """The names of one tenant's setup."""

    def __init__(self, setup: TenantSetup) -> None:
        self._agents = {agent.id: agent.name for agent in setup.agents}
        self._queues = {queue.id: queue for queue in setup.queues}

    def agent(self, call: Call) -> str:
        return self._agents.get(call.agent, "") if call.agent else ""

    def queue(self, call: Call) -> str:
        return self._queues[call.queue].name if call.queue in self._queues else call.queue or ""

    def disposition(self, call: Call) -> str:
        queue = self._queues.get(call.queue) if call.queue else None
        known = {it.id: it.de if queue.language == "de" else it.en for it in queue.dispositions} if queue else {}
        return known.get(call.disposition, call.disposition)

    def language(self, call: Call) -> Literal["en", "de"]:
        """The language of the call's queue."""
        queue = self._queues.get(call.queue) if call.queue else None
        return "de" if queue is not None and queue.language == "de" else "en"
