"""The buttons by which an agent passes a caller on, as events. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cordpair.connectors.teams.pass_on import PassOn, read_pass_on
from cordpair.core import events as e
from cordpair.core.ids import AgentId, CallId
from cordpair.core.numbers import read_number
from cordpair.core.transfer import Target, TargetKind
from cordpair.errors import Rejected

PASS_VERBS = frozenset({"pass_on", "complete", "take_back", "hang_up"})

PassOrder = e.TransferAsked | e.TransferCompleted | e.TransferCancelled | e.AgentHungUp

_KINDS = {"agent": TargetKind.AGENT, "queue": TargetKind.QUEUE}


def pass_order(
    verb: str, data: Mapping[str, Any], call: CallId, agent: AgentId, at: datetime, region: str
) -> PassOrder:
    """The event of a button. National numbers are read as of `region`. Raises Rejected for data of no card of ours."""
    if verb == "complete":
        return e.TransferCompleted(at=at, call=call, agent=agent)
    if verb == "take_back":
        return e.TransferCancelled(at=at, call=call, agent=agent)
    if verb == "hang_up":
        return e.AgentHungUp(at=at, call=call, agent=agent)
    wish = read_pass_on(data)
    return e.TransferAsked(
        at=at,
        call=call,
        agent=agent,
        kind=wish.how,
        target=_target(wish),
        dialled=read_number(wish.number, region).e164 or wish.number if wish.number else "",
        note=wish.note,
        anyway=wish.anyway,
    )


def asked_for(data: Mapping[str, Any]) -> dict[str, str]:
    """What a button asked for, to ask for it once more."""
    return {name: str(data[name]) for name in ("how", "target", "number", "pass_note") if data.get(name)}


def _target(wish: PassOn) -> Target:
    if not wish.target:
        return Target(kind=TargetKind.NUMBER)
    kind, _, name = wish.target.partition(":")
    if kind not in _KINDS or not name:
        raise Rejected("nobody to pass the caller on to")
    return Target(kind=_KINDS[kind], id=name)
