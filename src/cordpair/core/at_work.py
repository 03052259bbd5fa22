"""How many agents of each queue are at work, and how many of them have nothing to do: counted as they change."""

from collections import Counter

from cordpair.core.agent import Agent, AgentState
from cordpair.core.ids import QueueId

#: States of an agent who takes calls today, now or after the one they have.
AT_WORK = frozenset({AgentState.READY, AgentState.RINGING, AgentState.TALKING, AgentState.WRAP_UP})


class AtWork:
    """Counts by queue; an agent of several queues counts in each."""

    def __init__(self) -> None:
        self._at_work: Counter[QueueId] = Counter()
        self._ready: Counter[QueueId] = Counter()

    def change(self, before: Agent | None, after: Agent | None) -> None:
        """An agent is another than before: `None` is nobody."""
        for agent, sign in ((before, -1), (after, 1)):
            if agent is not None and agent.state in AT_WORK:
                for queue in agent.queues:
                    self._at_work[queue] += sign
                    self._ready[queue] += sign if agent.state is AgentState.READY else 0

    def at_work(self, queue: QueueId) -> int:
        return self._at_work[queue]

    def ready(self, queue: QueueId) -> int:
        return self._ready[queue]
