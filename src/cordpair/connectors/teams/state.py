"""What Graph's `call` and `participant` resources tell: facts, the same from a notification as from a re-read."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from cordpair.connectors.teams.heard import tone_heard
from cordpair.connectors.teams.identity import caller_of, dialled_of
from cordpair.core.events import Arrived, CallEnded, CallEvent, CallReleased, Established, RosterSeen, TransferFailed
from cordpair.core.ids import AgentId, GraphCallId, TenantId, call_id

#: Codes of a result are like those of SIP. A call that is established with one of a failure has come back from a
#: transfer that failed (microsoft-graph-comms-samples, notifications of a failed transfer: 500, subcode 7000 or 7700).
_FAILURE = 400


def call_events(
    resource: Mapping[str, object],
    graph_id: GraphCallId,
    tenant: TenantId,
    region: str,
    at: datetime,
    *,
    inferred: bool = False,
) -> list[CallEvent]:
    """The facts in a `call` resource; none for states that tell us nothing (establishing, transferring, new ones)."""
    call = call_id(tenant, graph_id)
    if not inferred and (tone := tone_heard(resource, call, at)) is not None:
        return [tone]
    match word(resource, "state"):
        case "incoming" if word(resource, "direction") != "outgoing":
            return [_arrived(resource, graph_id, tenant, region, at, inferred=inferred)]
        case "established" if not inferred and (result_codes(resource)[0] or 0) >= _FAILURE:
            return [TransferFailed(at=at, call=call)]
        case "established" | "hold":
            is_ours = word(resource, "direction") == "outgoing"
            established = Established(at=at, call=call, graph_id=graph_id, inferred=inferred, outgoing=is_ours)
            if inferred and word(resource, "direction") != "outgoing" and resource.get("source"):
                # A re-read tells the arrival too, in case its notification was lost.
                return [_arrived(resource, graph_id, tenant, region, at, inferred=True), established]
            return [established]
        case "transferaccepted":
            return [CallReleased(at=at, call=call)]
        case "terminated":
            code, subcode = result_codes(resource)
            return [CallEnded(at=at, call=call, graph_id=graph_id, code=code, subcode=subcode, inferred=inferred)]
        case _:
            return []


def _arrived(
    resource: Mapping[str, object],
    graph_id: GraphCallId,
    tenant: TenantId,
    region: str,
    at: datetime,
    *,
    inferred: bool,
) -> Arrived:
    return Arrived(
        at=at,
        call=call_id(tenant, graph_id),
        graph_id=graph_id,
        dialled=dialled_of(resource.get("targets")),
        caller=caller_of(resource.get("source"), region),
        inferred=inferred,
    )


def roster_event(
    people: Sequence[object], graph_id: GraphCallId, tenant: TenantId, at: datetime, *, inferred: bool = False
) -> RosterSeen:
    """Who stands in the call: users only, without those in the lobby and those removed."""
    participants = [person for person in people if isinstance(person, dict)]
    users = {user for person in participants if (user := user_in_call(person))}
    return RosterSeen(
        at=at,
        call=call_id(tenant, graph_id),
        graph_id=graph_id,
        sequence=max((_sequence(person) for person in participants), default=0),
        users=tuple(AgentId(user) for user in sorted(users)),
        participants=tuple(sorted(str(person.get("id")) for person in participants if _is_there(person))),
        inferred=inferred,
    )


def result_codes(resource: Mapping[str, object]) -> tuple[int | None, int | None]:
    """`resultInfo` as (code, subcode); Graph spells `subcode` and `subCode`."""
    info = resource.get("resultInfo")
    if not isinstance(info, dict):
        return None, None
    lower = {str(name).lower(): value for name, value in info.items()}
    return _integer(lower.get("code")), _integer(lower.get("subcode"))


def word(resource: Mapping[str, object], name: str) -> str:
    """An enum member in lower case: Graph writes `updated` and `Updated`. Empty when it is missing."""
    value = resource.get(name)
    return value.lower() if isinstance(value, str) else ""


def is_caller(person: Mapping[str, object], caller_user: str | None) -> bool:
    """Whether a participant is the caller: the Teams user of that id, else a telephone."""
    if caller_user is not None:
        return user_in_call(person) == caller_user
    info = person.get("info")
    identity = info.get("identity") if isinstance(info, dict) else None
    return isinstance(identity, dict) and isinstance(identity.get("phone"), dict)


def user_in_call(person: Mapping[str, object]) -> str:
    """The Teams user whom a participant is, lower-case; empty for others and for who is not in the call."""
    if not _is_there(person):
        return ""
    info = person.get("info")
    identity = info.get("identity") if isinstance(info, dict) else None
    user = identity.get("user") if isinstance(identity, dict) else None
    found = user.get("id") if isinstance(user, dict) else None
    return found.lower() if isinstance(found, str) else ""


def _is_there(person: Mapping[str, object]) -> bool:
    return person.get("isInLobby") is not True and not person.get("removedState")


def _sequence(person: Mapping[str, object]) -> int:
    return _integer(person.get("rosterSequenceNumber")) or 0


def _integer(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19 else None
