"""Who the caller is: found late, said by a person, or taken back; and the one activity that follows it."""

from datetime import datetime

from msgspec.structs import replace

from cordpair.core import call as calls
from cordpair.core.call import Call, CallState, Mistaken
from cordpair.core.caller import choosable, only_company
from cordpair.core.changes import PendingItem
from cordpair.core.effects import CorrectCaller, Face, LogActivity
from cordpair.core.events import ActivityLogged, ActivityMissing, CallerMistaken, Identified, PartyPicked
from cordpair.core.floor import Floor
from cordpair.core.ids import AgentId, CallId
from cordpair.errors import IllegalEvent

_FACES = {
    CallState.OFFERED: Face.RINGING,
    CallState.CONNECTED: Face.STRIP,
    CallState.WRAP_UP: Face.WRAP_UP,
    CallState.PASSED_ON: Face.DONE,
    CallState.CLOSED: Face.DONE,
}


def identified(floor: Floor, event: Identified) -> None:
    """A look-up came back later than the ring. What is known by then, or was said by a person, stands."""
    call = floor.call(event.call)
    if not only_company(call.candidates) or call.party is not None or call.mistaken:
        raise IllegalEvent("already_identified")
    _show(floor, floor.save_call(calls.identified(call, event.candidates)))


def mistaken(floor: Floor, event: CallerMistaken) -> None:
    """The settled party is not the caller: back to the candidates. What was written there is marked, once."""
    call = _own(floor, event.call, event.agent)
    if call.party is None:
        raise IllegalEvent("nobody_settled")
    _take_back(floor, call, Mistaken(party=call.party, activity=call.activity), event.at)


def picked(floor: Floor, event: PartyPicked) -> None:
    """A person said who it was. The write that waited for it goes out, once."""
    call = floor.call(event.call) if event.agent is None else _own(floor, event.call, event.agent)
    if call.party is not None:
        raise IllegalEvent("already_settled")
    if event.party not in {candidate.party for candidate in choosable(call.candidates)}:
        raise IllegalEvent("unknown_party")
    call = floor.save_call(replace(call, party=event.party))
    if call.is_written:
        floor.changes.pending[call.id] = None
        call = amended(floor, call)
    _show(floor, call)


def amended(floor: Floor, call: Call) -> Call:
    """What the activity of a closed call says has changed: it is written, or brought up to date in its place."""
    call = floor.save_call(replace(call, revision=call.revision + 1))
    floor.order(LogActivity(call=call.id, revision=call.revision))
    return call


def logged(floor: Floor, event: ActivityLogged) -> None:
    """The CRM holds the activity. If somebody took the party back meanwhile, it stands at the wrong one."""
    call = floor.call(event.call)
    if not call.is_written or call.activity:
        raise IllegalEvent("already_logged")
    if event.party != call.party:
        _mark(floor, call, Mistaken(party=event.party, activity=event.reference))
        return
    call = floor.save_call(replace(call, activity=event.reference))
    if call.agent is not None:
        floor.show(call, call.agent, Face.DONE)


def lost(floor: Floor, event: ActivityMissing) -> None:
    """The CRM has lost the activity: it is written again."""
    call = floor.call(event.call)
    if call.activity != event.reference or call.party != event.party:
        raise IllegalEvent("not_its_activity")
    amended(floor, replace(call, activity=""))


def _take_back(floor: Floor, call: Call, former: Mistaken, at: datetime) -> None:
    call = _mark(floor, replace(call, party=None, activity=""), former)
    if call.is_written:
        reason = calls.pending_reason(call) or "unknown"
        floor.changes.pending[call.id] = PendingItem(call=call.id, reason=reason, since=at)
    _show(floor, call)


def _mark(floor: Floor, call: Call, wrong: Mistaken) -> Call:
    """Write the mistake down, once; what is heard of its activity later stands in the same place."""
    if wrong.activity and wrong in call.mistaken:
        raise IllegalEvent("already_logged")
    known = call.mistaken[:-1] if call.mistaken[-1:] == (replace(wrong, activity=""),) else call.mistaken
    candidates = tuple(replace(one, was_chosen=False) if one.party == wrong.party else one for one in call.candidates)
    call = floor.save_call(replace(call, mistaken=(*known, wrong), candidates=candidates))
    floor.order(CorrectCaller(call=call.id, number=len(known), is_written=bool(wrong.activity)))
    return call


def _own(floor: Floor, call_id: CallId, agent: AgentId) -> Call:
    call = floor.call(call_id)
    if call.agent != agent:
        raise IllegalEvent("not_your_call")
    return call


def _show(floor: Floor, call: Call) -> None:
    """Bring the cards of whoever has the call, or is rung for it, to what is known now."""
    face = _FACES.get(call.state)
    if face is not None:
        for agent in (call.agent,) if call.agent is not None else (offer.agent for offer in call.rings):
            call = floor.show(call, agent, face)
