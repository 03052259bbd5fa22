"""The floor of one tenant: its calls, agents and queues, and what a fold changed on it.

This is the state that `core.fold` works on. Every change goes through `save_*`, `order` and `timer`, so that `changes`
holds all that one transaction has to make true. When that transaction fails the floor is thrown away and built anew.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from msgspec.structs import replace

from cordpair.core.agent import Agent, AgentState, is_engaged
from cordpair.core.at_work import AT_WORK, AtWork
from cordpair.core.call import Call, CallState
from cordpair.core.callback import Callback
from cordpair.core.callback_book import CallbackBook
from cordpair.core.changes import Changes, HistoryEntry, Leg, OfferRecord, Timer
from cordpair.core.effects import Effect, Face, ShowCard, ShowPresence, TellAgent
from cordpair.core.events import AnyEvent, WaitGrown
from cordpair.core.flow import Flow
from cordpair.core.hours import AtClosing
from cordpair.core.ids import AgentId, CallId, FlowId, GraphCallId, QueueId
from cordpair.core.need import Need
from cordpair.core.pace import Paces
from cordpair.core.quota import Gate, QuotaUse, redirects
from cordpair.core.routing import Match, Router
from cordpair.core.tenant import Queue, Topology, queue_named
from cordpair.core.wait_plan import ROUNDING, grows_at, key_of, may_grow, need_of, preferred_of, step_of
from cordpair.errors import IllegalEvent


class Floor:
    """One tenant in memory. `sequence` is the number that the next arriving call gets."""

    def __init__(
        self,
        queues: Iterable[Queue],
        agents: Iterable[Agent],
        calls: Iterable[Call] = (),
        *,
        sequence: int = 1,
        flows: Iterable[Flow] = (),
        callbacks: Iterable[Callback] = (),
    ) -> None:
        self.queues: dict[QueueId, Queue] = {queue.id: queue for queue in queues}
        self.agents: dict[AgentId, Agent] = {agent.id: agent for agent in agents}
        self.calls: dict[CallId, Call] = {call.id: call for call in calls}
        self.sequence = sequence
        self.flows: dict[FlowId, Flow] = {flow.id: flow for flow in flows}
        self._flow_by_account = {account: flow for flow in self.flows.values() for account in flow.resource_accounts}
        self.paces = Paces(self.calls.values())
        self.at_work = AtWork()
        self.callbacks = CallbackBook(callbacks)
        self.gate = Gate()
        self.month_calls = 0  #: heard of since the beginning of the month: see count_month
        self._month_begin: datetime | None = None
        self._live = {call.id for call in self.calls.values() if _counts(call)}
        self._waiting: dict[QueueId, set[CallId]] = {}
        for call in self.calls.values():
            self._count_waiting(call)
        self.changes = Changes()
        self.router = Router()
        reached = (queue for queue in self.queues.values() if queue.resource_account)
        self._queue_by_account = {queue.resource_account: queue.id for queue in reached}
        for agent in self.agents.values():
            self.at_work.change(None, agent)
            self.router.put_agent(agent.id, agent.ability)
            self.router.sign_in(agent.id, agent.state is not AgentState.OFFLINE)
            if agent.offered_at is not None:
                self.router.turn(agent.id, agent.offered_at.timestamp())
        self._delays = {queue: self.router.delays(queue) for queue in self.queues}
        self._left: list[CallId] = []

    def take_changes(self) -> Changes:
        """All that has changed since the last time, and a clean sheet."""
        changes, self.changes = self.changes, Changes()
        return changes

    # What is there

    def call(self, call_id: CallId) -> Call:
        """The call. Raises IllegalEvent when the floor has never heard of it."""
        call = self.calls.get(call_id)
        if call is None:
            raise IllegalEvent("unknown_call")
        return call

    def call_or_new(self, call_id: CallId, graph_id: GraphCallId, at: datetime) -> Call:
        """The call, or a new one that is only heard of so far."""
        return self.calls.get(call_id) or Call(id=call_id, graph_id=graph_id, heard_at=at)

    def agent(self, agent_id: AgentId) -> Agent:
        """The agent. Raises IllegalEvent for somebody who is none."""
        agent = self.agents.get(agent_id)
        if agent is None:
            raise IllegalEvent("not_an_agent")
        return agent

    def queue_of(self, call: Call) -> Queue:
        """The queue of a call that has one. A queue that was removed while the call stood lives on by defaults."""
        if call.queue is None and call.flow is None:
            raise IllegalEvent("call_without_queue")
        return queue_named(self.queues, call.queue)

    def queue_dialled(self, account: str) -> Queue | None:
        """The queue behind a resource account."""
        queue = self._queue_by_account.get(account)
        return self.queues[queue] if queue else None

    def flow_dialled(self, account: str) -> Flow | None:
        """The flow that stands at a resource account."""
        return self._flow_by_account.get(account)

    # Microsoft's limits

    def is_of_month(self, begin: datetime) -> bool:
        """Whether `month_calls` counts since `begin`."""
        return self._month_begin == begin

    def count_month(self, begin: datetime, calls: int) -> None:
        """So many calls have been heard of since `begin`; from here on the floor counts by itself."""
        self._month_begin, self.month_calls = begin, calls

    def is_full_for(self, call: Call) -> bool:
        """Whether the limits send this new call on. It does not count against itself."""
        month = self.month_calls - (call.id in self.calls)
        concurrent = len(self._live) - (call.id in self._live)
        return redirects(self.gate.policy, QuotaUse(month=month, concurrent=concurrent))

    # What changes

    def save_call(self, call: Call) -> Call:
        self.month_calls += call.id not in self.calls
        if _counts(call):
            self._live.add(call.id)
        else:
            self._live.discard(call.id)
        self._count_waiting(call)
        if call.state is CallState.CLOSED and ((was := self.calls.get(call.id)) is None or was.state is not call.state):
            self.paces.note(call)
        self.calls[call.id] = self.changes.calls[call.id] = call
        return call

    def _count_waiting(self, call: Call) -> None:
        if call.queue is not None:
            waiting = self._waiting.setdefault(call.queue, set())
            (waiting.add if call.state in _BEFORE_AGENT else waiting.discard)(call.id)

    def leave_queue(self, call: Call) -> None:
        """A call that waits no more goes to another queue, and counts in this one no more."""
        self._waiting.get(self.queue_of(call).id, set()).discard(call.id)

    def waiting_in(self, queue: QueueId) -> int:
        """How many calls of a queue no agent has yet, those that ring among them."""
        return len(self._waiting.get(queue, ()))

    def waiting_calls(self, queue: QueueId) -> Iterator[Call]:
        """Those calls, in no order."""
        return (self.calls[call] for call in self._waiting.get(queue, ()))

    def save_agent(self, agent: Agent) -> Agent:
        before = self.agents.get(agent.id)
        self.at_work.change(before, agent)
        self.agents[agent.id] = self.changes.agents[agent.id] = agent
        self._left += self.router.sign_in(agent.id, agent.state is not AgentState.OFFLINE)
        if self.gate.writes_presence and before is not None and is_engaged(before) is not is_engaged(agent):
            order = ShowPresence(agent=agent.id, since=agent.since.isoformat())
            self.order(*([] if order in self.changes.effects else [order]))
        if agent.state not in AT_WORK:
            self._left += self.router.preferring(agent.id)
        return agent

    def take_left(self) -> list[CallId]:
        """The calls whom nobody signed in can serve any more, since the last time: their step may be passed over."""
        left, self._left = self._left, []
        return left

    def save_callback(self, callback: Callback) -> None:
        self.callbacks.save(callback)
        self.changes.callbacks[callback.call] = callback

    def save_offer(self, offer: OfferRecord) -> None:
        self.changes.offers[offer.id] = offer

    def save_leg(self, leg: Leg) -> None:
        self.changes.legs[leg.call, leg.number] = leg

    def order(self, *effects: Effect) -> None:
        self.changes.effects.extend(effects)

    def show(self, call: Call, agent: AgentId, face: Face) -> Call:
        """Order the agent's card of this call to show `face`."""
        call = self.save_call(replace(call, cards=call.cards + 1))
        self.order(ShowCard(call=call.id, agent=agent, face=face, number=call.cards))
        return call

    def tell(self, agent_id: AgentId) -> None:
        """Order that an agent is told how they stand."""
        agent = self.save_agent(replace(self.agents[agent_id], told=self.agents[agent_id].told + 1))
        self.order(TellAgent(agent=agent.id, number=agent.told))

    def timer(self, key: str, at: datetime, after_s: float, event: AnyEvent) -> None:
        """Let `event` happen `after_s` seconds after `at`, unless `cancel(key)` comes first. One timer per key."""
        run_at = at + timedelta(seconds=after_s)
        self.changes.timers[key] = Timer(key=key, run_at=run_at, event=event)

    def cancel(self, *keys: str) -> None:
        for key in keys:
            self.changes.timers[key] = None

    def remember(
        self,
        what: str,
        at: datetime,
        *,
        call: CallId | None = None,
        agent: AgentId | None = None,
        before: str = "",
        after: str = "",
        **detail: str,
    ) -> None:
        self.changes.history.append(
            HistoryEntry(at=at, what=what, call=call, agent=agent, before=before, after=after, detail=detail)
        )

    # Routing

    def wait(self, call: Call, at: datetime, most: int | None = None) -> tuple[Match, ...]:
        """Let a call wait for what it asks for by `at`; who can take it is matched now: as many as may, or `most`."""
        queue, room = self.queue_of(call), self.room_of(call) if most is None else most
        if not room:
            return ()
        need = self.need_of(call, at)
        grows = grows_at(queue, call, at, self._delays.get(queue.id, ()))
        if grows is not None:
            self.timer(f"wait:{call.id}", grows, 0, WaitGrown(at=grows, call=call.id))
        if queue.claim_first:
            return ()  # nobody is chosen
        key = key_of(queue, call, at)
        preferred = preferred_of(queue, call, at, self._may_come)
        if preferred is not None:
            room = 1
        excluded = frozenset((*call.excluded, *(offer.agent for offer in call.rings)))
        first = () if preferred is None else (preferred,)
        return self.router.wait(call.id, need, key, excluded, preferred=first, room=room, now=clock_of(at))

    def _may_come(self, agent_id: AgentId, queue: Queue) -> bool:
        """Whether this agent serves the queue and is at work."""
        agent = self.agents.get(agent_id)
        return agent is not None and queue.id in agent.queues and agent.state in AT_WORK

    def room_of(self, call: Call) -> int:
        """How many further agents may be rung for this call now."""
        if call.state not in (CallState.QUEUED, CallState.OFFERED) or call.transfer is not None or call.overdue:
            return 0
        queue = self.queue_of(call)
        most = 1 if queue.topology is Topology.RELEASED else queue.parallel_offers  # only one can have it handed over
        return max(0, most - len(call.rings))

    def stop_seeking(self, call: Call) -> None:
        """No further agent is looked for: as many ring as may. Idempotent."""
        self.router.gone(call.id)
        queue = self.queue_of(call)
        if may_grow(queue) or self._delays.get(queue.id):
            self.cancel(f"wait:{call.id}")

    def stop_waiting(self, call: Call) -> None:
        """The call waits no more: it is taken or gone. Idempotent."""
        self.stop_seeking(call)
        self.stop_watching(call)
        if self.queue_of(call).max_wait_s is not None:
            self.cancel(f"longest:{call.id}")

    def stop_watching(self, call: Call) -> None:
        """Closing time does not move the call any more: it is served out, as whoever was offered once is (ADR 1)."""
        queue = self.queue_of(call)
        if queue.hours is not None and queue.hours.at_closing is AtClosing.MOVE:
            self.cancel(f"closing:{call.id}")

    def need_of(self, call: Call, at: datetime) -> Need:
        """What the call asks for by `at`."""
        queue = self.queue_of(call)
        return need_of(queue, call, step_of(queue, call, at, self.router.present))

    def step_of(self, call: Call, at: datetime) -> int:
        """The number of the step in which the call is, from 0."""
        return step_of(self.queue_of(call), call, at, self.router.present)


_BEFORE_AGENT = frozenset({CallState.RINGING, CallState.QUEUED, CallState.OFFERED})


def clock_of(at: datetime) -> float:
    """An instant as the router measures delays by: a little late rather than a little early."""
    return (at + ROUNDING).timestamp()


def _counts(call: Call) -> bool:
    """Whether Microsoft counts the call as one that stands now."""
    return call.is_live and (call.arrived_at is not None or call.outbound is not None)
