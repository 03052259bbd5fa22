"""The Teams cloud of the simulation: calls as they really are, and what it tells of them. It has no faults of its own.

The rules are those of the emulator, in short: a ringing call wants its answer within 15 s; an invite rings one agent
for 60 s at most; a re-read tells the truth; a call that is gone is not known any more.
"""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import msgspec

from cordpair.errors import PermanentFailure
from tests.sim.people import Habits, Reaction

ANSWER_WITHIN_S = 15.0
RINGS_FOR_S = 60.0

#: Something happens so many seconds from now, in the world.
Later = Callable[[float, Callable[[], None]], None]
Json = dict[str, Any]


class Ring(msgspec.Struct):
    """An agent's client rings. `participant` is the id that the invite asked for."""

    participant: str
    agent: str
    context: str


class Stay(msgspec.Struct):
    """Somebody's time in a call, seconds."""

    agent: str
    since: float
    until: float | None = None
    was_cut: bool = False  #: the product took them out


class CloudCall(msgspec.Struct, kw_only=True):
    """A call as it really is. `rang` are the contexts of all rings that ever began, in their order."""

    id: str
    tenant: str
    account: str
    number: str
    state: str = "incoming"
    began: float
    was_established: bool = False
    sequence: int = 0
    answers: int = 0
    rings: dict[str, Ring] = msgspec.field(default_factory=dict)
    present: dict[str, str] = msgspec.field(default_factory=dict)
    rang: list[tuple[str, str]] = msgspec.field(default_factory=list)
    stays: list[Stay] = msgspec.field(default_factory=list)
    ended: float | None = None

    @property
    def is_over(self) -> bool:
        return self.state == "terminated"


class Cloud:
    """All calls. `notify` (tenant, call id, item) tells the product; `note` writes the journal."""

    def __init__(
        self,
        chance: Random,
        habits: Habits,
        *,
        now: Callable[[], float],
        later: Later,
        notify: Callable[[str, str, Json], None],
        note: Callable[..., None],
    ) -> None:
        self.calls: dict[str, CloudCall] = {}
        self._chance, self._habits = chance, habits
        self._now, self._later, self._notify, self._note = now, later, notify, note
        self._open: dict[str, CloudCall] = {}
        self._engaged: dict[str, str] = {}  #: agents who ring or talk, by their participant

    # People

    def dial(self, tenant: str, account: str, number: str) -> CloudCall:
        """Somebody calls a resource account. `number` is empty for a caller who withholds it."""
        call = CloudCall(
            id=f"{tenant[:8]}-call-{len(self.calls) + 1}",
            tenant=tenant,
            account=account,
            number=number,
            began=self._now(),
        )
        self.calls[call.id] = self._open[call.id] = call
        self._note("dialled", call.id)
        self._tell(call, "created", "", resource(call))
        self._later(ANSWER_WITHIN_S, lambda: self._end(call) if call.state == "incoming" else None)
        self._later(self._habits.patience_s(), lambda: None if call.stays else self._end(call))
        return call

    def talks(self, agent: str) -> bool:
        """Whether an agent stands in a call."""
        participant = self._engaged.get(agent)
        return any(participant in call.present for call in self._open.values()) if participant else False

    # The bot; PermanentFailure like Graph

    def answer(self, name: str) -> None:
        call = self._live(name)
        if call.state != "incoming":
            raise PermanentFailure("Graph refuses: the call does not ring", status=409)
        call.state = "establishing"
        call.answers += 1
        self._note("answered", call.id)
        self._later(0.3 + 0.6 * self._chance.random(), lambda: self._established(call))

    def refuse(self, name: str) -> None:
        call = self._live(name)
        if call.state != "incoming":
            raise PermanentFailure("Graph refuses: the call does not ring", status=409)
        self._end(call)

    def invite(self, name: str, agent: str, participant: str, context: str) -> None:
        call = self._live(name)
        if call.state != "established" or participant in call.rings or participant in call.present:
            raise PermanentFailure("Graph refuses the invite", status=409)
        ring = Ring(participant, agent, context)
        call.rang.append((context, agent))
        self._note("rings", context)
        if agent in self._engaged:
            self._later(0.5, lambda: self._invited(call, ring, 486, 10002))
            return
        self._engaged[agent] = participant
        call.rings[participant] = ring
        reaction = self._habits.reaction()
        self._later(reaction.after_s, lambda: self._react(call, ring, reaction))
        self._later(RINGS_FOR_S, lambda: self._ring_over(call, ring, 487, 10004))

    def remove(self, name: str, participant: str) -> None:
        call = self._live(name)
        ring = call.rings.get(participant)
        if ring is not None:
            self._ring_over(call, ring, 487, 0)
        elif participant in call.present:
            call.stays[-1].was_cut = True
            self._leave(call, participant)

    def hang_up(self, name: str) -> None:
        call = self.calls[name]
        if not call.is_over:
            self._end(call)

    def keep_alive(self, name: str) -> None:
        self._live(name)

    def read(self, name: str) -> tuple[Json, Sequence[Json]]:
        """The call and its participants."""
        call = self._live(name)
        return resource(call), roster(call)

    def _live(self, name: str) -> CloudCall:
        call = self.calls[name]
        if call.is_over:
            raise PermanentFailure("Graph does not know the call", status=404)
        return call

    # What happens then

    def _established(self, call: CloudCall) -> None:
        if call.state == "establishing":
            call.state, call.was_established = "established", True
            self._tell(call, "updated", "", {"state": "established", "id": call.id})

    def _react(self, call: CloudCall, ring: Ring, reaction: Reaction) -> None:
        if ring.participant not in call.rings:
            return
        if reaction.does == "decline":
            self._ring_over(call, ring, 603, 0)
        elif reaction.does == "accept":
            del call.rings[ring.participant]
            self._join(call, ring)

    def _join(self, call: CloudCall, ring: Ring) -> None:
        call.present[ring.participant] = ring.agent
        call.stays.append(Stay(ring.agent, self._now()))
        self._note("joins", ring.context)
        self._invited(call, ring, 200, 0, status="completed")
        self._roster(call)
        talk_s, by_agent = self._habits.talk()
        self._later(talk_s, lambda: self._over(call, ring, by_agent=by_agent))

    def _over(self, call: CloudCall, ring: Ring, *, by_agent: bool) -> None:
        if ring.participant in call.present:
            if by_agent:
                self._leave(call, ring.participant)
            else:
                self._end(call)

    def _leave(self, call: CloudCall, participant: str) -> None:
        self._gone(call, participant)
        self._roster(call)
        # A caller who is left alone and whom nobody sends away hangs up some time.
        self._later(self._habits.patience_s(), lambda: None if call.present else self._end(call))

    def _gone(self, call: CloudCall, participant: str) -> None:
        agent = call.present.pop(participant)
        self._engaged.pop(agent)
        stay = next(stay for stay in call.stays if stay.agent == agent and stay.until is None)
        stay.until = self._now()
        self._note("leaves", call.id, agent)
        self._habits.has_talked(call.tenant, call.id, agent)

    def _ring_over(self, call: CloudCall, ring: Ring, code: int, subcode: int) -> None:
        if call.rings.get(ring.participant) is ring:
            del call.rings[ring.participant]
            self._engaged.pop(ring.agent)
            self._invited(call, ring, code, subcode)

    def _end(self, call: CloudCall) -> None:
        if call.is_over:
            return
        call.state, call.ended = "terminated", self._now()
        del self._open[call.id]
        self._note("ends", call.id)
        for ring in list(call.rings.values()):
            self._ring_over(call, ring, 487, 5003)
        for participant in list(call.present):
            self._gone(call, participant)
        self._tell(call, "deleted", "", {"state": "terminated", "resultInfo": {"code": 200, "subcode": 0}})

    # What is told

    def _invited(self, call: CloudCall, ring: Ring, code: int, subcode: int, status: str = "failed") -> None:
        operation = {
            "@odata.type": "#microsoft.graph.inviteParticipantsOperation",
            "status": status,
            "clientContext": ring.context,
            "resultInfo": {"code": code, "subcode": subcode},
        }
        self._tell(call, "updated", f"/operations/{ring.participant}", operation)

    def _roster(self, call: CloudCall) -> None:
        call.sequence += 1
        self._tell(call, "updated", "/participants", roster(call))

    def _tell(self, call: CloudCall, change: str, tail: str, data: object) -> None:
        path = f"/app/calls/{call.id}{tail}"
        self._notify(call.tenant, call.id, {"changeType": change, "resourceUrl": path, "resourceData": data})


def resource(call: CloudCall) -> Json:
    """The `call` resource."""
    return {
        "id": call.id,
        "state": call.state,
        "direction": "incoming",
        "source": {"identity": {"phone": {"id": call.number or "anonymous"}}},
        "targets": [{"identity": {"applicationInstance": {"id": call.account}}}],
    }


def roster(call: CloudCall) -> list[Json]:
    """The `participant` resources: caller, and agents."""
    caller = {"id": f"caller-{call.id}", "info": {"identity": {"phone": {"id": call.number or "anonymous"}}}}
    agents = [{"id": one, "info": {"identity": {"user": {"id": agent}}}} for one, agent in call.present.items()]
    return [{**person, "rosterSequenceNumber": call.sequence} for person in (caller, *agents)]
