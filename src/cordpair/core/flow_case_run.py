"""Runs a flow test: the caller goes through the flow on a floor of its own, by the fold that carries real calls.

Time is made up: prompts end, keys are pressed and timers fire each at its own instant, one after the other.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from cordpair.core import events as e
from cordpair.core import fold
from cordpair.core.agent import Agent, AgentState
from cordpair.core.call import Call, CallState
from cordpair.core.caller import Caller, CallerKind, Candidate, Grade
from cordpair.core.changes import HistoryEntry, Timer
from cordpair.core.effects import Effect, InviteAgent, PlayPrompt, TransferCall
from cordpair.core.floor import Floor
from cordpair.core.flow import Say
from cordpair.core.flow_case import CaseCaller, FlowCase
from cordpair.core.ids import FlowId, GraphCallId, PartyRef, QueueId, TenantId, call_id
from cordpair.core.quota import Gate
from cordpair.core.tenant import AgentSetup, TenantSetup
from cordpair.errors import IllegalEvent, Rejected

LONGEST_S = 3600.0
_GRAPH = GraphCallId("flow-test")
_IN_QUEUE = (CallState.QUEUED, CallState.OFFERED)
_OVER = (CallState.CLOSED, CallState.WRAP_UP, CallState.PASSED_ON, CallState.RELEASED)

#: (when, which comes first at one instant, what)
_Due = tuple[datetime, int, e.AnyEvent]


class Way(msgspec.Struct, frozen=True):
    """A way that a call took out of a step of a flow."""

    flow: FlowId
    step: str
    exit: str


class Ran(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the caller; the names are those of `flow_case.Expected`. `took` are all ways, for the coverage."""

    path: tuple[str, ...]
    ways: tuple[str, ...]
    state: str
    queue: QueueId | None
    outcome: str | None
    reason: str
    target: str
    heard: tuple[str, ...]
    took: tuple[Way, ...]


def run_case(setup: TenantSetup, case: FlowCase) -> Ran:
    """Run one test on a floor of this setup. Raises Rejected where it speaks of what the setup has not."""
    line = _Line(setup, case)
    line.run()
    return line.result()


class _Line:
    """One caller on a floor whose timers fire as time passes."""

    def __init__(self, setup: TenantSetup, case: FlowCase) -> None:
        self._setup, self._case = setup, case
        self._start = case.at if case.at.tzinfo else case.at.replace(tzinfo=ZoneInfo(setup.time_zone))
        self._call = call_id(setup.id, _GRAPH)
        self._timers: dict[str, Timer] = {}
        self._todo: list[_Due] = list(self._doings())  # by the caller
        self._told: list[_Due] = []  # by the world
        self._orders: list[Effect] = []
        self._history: list[HistoryEntry] = []
        self._rosters = 0
        agents = _agents(setup, case, self._start)
        self._floor = Floor(
            setup.queues, agents, _waiting(setup, case, self._start), flows=setup.flows, sequence=10_000
        )
        self._floor.gate = Gate(policy=setup.registration.quota, fallback_user=setup.fallback_user)
        fold.reopen(self._floor, self._start)

    def run(self) -> None:
        account = _account(self._setup, self._case.flow)
        caller, candidates = _caller(self._case.caller)
        about: dict[str, Any] = {"call": self._call, "graph_id": _GRAPH, "at": self._start}
        self._tell(e.Arrived(dialled=account, caller=caller, candidates=candidates, **about))
        self._tell(e.Established(**about))
        end = self._start + timedelta(seconds=self._case.lasts_s or LONGEST_S)
        while not self._is_over() and (due := self._next()) is not None and due[0] <= end:
            self._tell(due[2])

    def result(self) -> Ran:
        call = self._floor.calls[self._call]
        went = [one for one in self._history if one.what == "FlowWent"]
        began = [one for one in self._history if one.what == "FlowStarted"]
        starts = [self._setup_flow().start] if began else []
        return Ran(
            path=(*starts, *(one.after for one in went)),
            ways=tuple(f"{one.before}.{one.detail['way']}" for one in went),
            state=call.state.value,
            queue=call.queue,
            outcome=call.outcome.value if call.outcome else None,
            reason=call.outcome_reason,
            target=next((one.target for one in self._orders if isinstance(one, TransferCall)), ""),
            heard=tuple(self._heard()),
            took=tuple(Way(FlowId(one.detail["flow"]), one.before, one.detail["way"]) for one in went),
        )

    def _setup_flow(self) -> Any:
        return next(flow for flow in self._setup.flows if flow.id == self._case.flow)

    def _heard(self) -> Iterator[str]:
        for order in self._orders:
            if isinstance(order, PlayPrompt):
                yield from [_said(one) for one in order.say] or [order.prompt]

    def _is_over(self) -> bool:
        """Whether nothing more can happen that the test is about."""
        state = self._floor.calls[self._call].state
        if state in _OVER:
            return True
        rests = state in _IN_QUEUE and self._case.answers_s is None and not self._todo
        return rests and self._case.lasts_s is None

    def _doings(self) -> Iterator[_Due]:
        for number, press in enumerate(sorted(self._case.presses, key=lambda one: one.at_s), 1):
            at = self._start + timedelta(seconds=press.at_s)
            yield at, 1, e.ToneHeard(at=at, call=self._call, key=press.key, sequence=number)
        if self._case.hangs_up_s is not None:
            at = self._start + timedelta(seconds=self._case.hangs_up_s)
            yield at, 2, e.CallEnded(at=at, call=self._call, graph_id=_GRAPH)

    def _next(self) -> _Due | None:
        """What happens next; it is taken off the list."""
        timers = [(timer.run_at, 3, timer.event) for timer in self._timers.values()]
        found = min([*self._todo, *self._told, *timers], key=lambda due: due[:2], default=None)
        if found is None:
            return None
        self._todo = [due for due in self._todo if due is not found]
        self._told = [due for due in self._told if due is not found]
        self._timers = {key: timer for key, timer in self._timers.items() if timer.event is not found[2]}
        return found

    def _tell(self, event: e.AnyEvent) -> None:
        try:
            fold.apply(self._floor, event)
        except IllegalEvent:
            return  # as in a real day: it came too late
        changes = self._floor.take_changes()
        self._history += [one for one in changes.history if one.call == self._call]
        for key, timer in changes.timers.items():
            self._timers.pop(key, None)
            if timer is not None:
                self._timers[key] = timer
        for order in changes.effects:
            self._carry_out(order, event.at)

    def _carry_out(self, order: Effect, at: datetime) -> None:
        """What the world does when it is ordered something."""
        if isinstance(order, InviteAgent):
            self._told.append(self._rung(order, at))
        if getattr(order, "call", None) != self._call:
            return
        self._orders.append(order)
        if isinstance(order, PlayPrompt) and order.say:
            ends = at + timedelta(seconds=order.fill_s or self._case.prompt_s)
            self._told.append((ends, 0, e.PromptEnded(at=ends, call=self._call, number=order.number)))

    def _rung(self, order: InviteAgent, at: datetime) -> _Due:
        """An agent's client rings: they answer as the test says, or it has rung in vain."""
        queue = self._floor.queue_of(self._floor.calls[order.call])
        answers_s = self._case.answers_s
        if answers_s is None or answers_s >= queue.ring_timeout_s:
            ends = at + timedelta(seconds=queue.ring_timeout_s)
            return ends, 4, e.OfferFailed(at=ends, call=order.call, offer=order.offer, why=e.OfferEnd.MISSED)
        joins = at + timedelta(seconds=answers_s)
        self._rosters += 1
        about: dict[str, Any] = {"graph_id": order.graph_id, "sequence": self._rosters, "users": (order.agent,)}
        return joins, 4, e.RosterSeen(at=joins, call=order.call, **about)


def _account(setup: TenantSetup, flow: FlowId) -> str:
    """The resource account at which callers of the flow begin. Raises Rejected."""
    found = next((one for one in setup.flows if one.id == flow), None)
    if found is None:
        raise Rejected(f'there is no flow "{flow}"')
    if not found.resource_accounts:
        raise Rejected(f'no resource account leads to the flow "{flow}"')
    return found.resource_accounts[0]


def _agents(setup: TenantSetup, case: FlowCase, at: datetime) -> list[Agent]:
    known = {agent.id for agent in setup.agents} | {agent.name for agent in setup.agents}
    strange = [name for name in case.signed_in if name not in known]
    if strange:
        raise Rejected(f'there is no agent "{strange[0]}"')
    return [_agent(agent, case, at - timedelta(seconds=60 + number)) for number, agent in enumerate(setup.agents)]


def _agent(agent: AgentSetup, case: FlowCase, since: datetime) -> Agent:
    is_there = agent.id in case.signed_in or agent.name in case.signed_in
    return Agent(
        id=agent.id,
        name=agent.name,
        queues=agent.queues,
        skills=agent.skills,
        memberships=agent.memberships,
        attributes=agent.attributes,
        state=AgentState.READY if is_there else AgentState.OFFLINE,
        since=since,
        idle_since=since,
    )


def _waiting(setup: TenantSetup, case: FlowCase, at: datetime) -> Iterator[Call]:
    """Callers who wait already, the last of them for a minute."""
    known = {queue.id for queue in setup.queues}
    for queue, count in case.waiting.items():
        if queue not in known:
            raise Rejected(f'there is no queue "{queue}"')
        for number in range(count):
            graph = GraphCallId(f"{queue}-{number}")
            since = at - timedelta(minutes=count - number)
            yield Call(
                id=call_id(TenantId(setup.id), graph),
                graph_id=graph,
                state=CallState.QUEUED,
                queue=queue,
                sequence=number + 1,
                heard_at=since,
                arrived_at=since,
                established_at=since,
            )


def _caller(given: CaseCaller) -> tuple[Caller, tuple[Candidate, ...]]:
    if not given.number:
        return Caller(kind=CallerKind.WITHHELD), ()
    candidates = tuple(
        Candidate(
            party=PartyRef("flow-test", str(number)),
            name=f"Party {number}",
            company=given.company,
            grade=Grade.EXACT,
            reason="made up",
        )
        for number in range(given.parties)
    )
    return Caller(kind=CallerKind.NUMBER, raw=given.number, e164=given.number), candidates


def _said(one: Say) -> str:
    return one.prompt or one.text
