"""The buttons of a call's card become events. Pure; buttons that pass the caller on are read in `pass_orders`."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cordpair.connectors.teams.who_called import picked_party
from cordpair.connectors.teams.wrap_up import read_wrap_up
from cordpair.core import events as e
from cordpair.core.ids import AgentId, CallId, OfferId, offer_parts
from cordpair.errors import Rejected

Ended = e.WrapUpSaved | e.WrapUpExtended | e.WrapUpEnded
CardOrder = e.OfferDeclined | e.CallClaimed | Ended | e.CallerMistaken | e.PartyPicked


def card_order(verb: str, data: Mapping[str, Any], agent: AgentId, now: datetime) -> CardOrder:
    """The event of a button that `agent` pressed. Raises Rejected for data that no card of ours carries."""
    match verb:
        case "claim":
            return e.CallClaimed(at=now, call=call_named(data), agent=agent)
        case "wrap_up":
            written = read_wrap_up(data)
            told = {"disposition": written.disposition, "note": written.note}
            return e.WrapUpSaved(at=now, call=call_named(data), agent=agent, party=written.party, **told)
        case "extend":
            return e.WrapUpExtended(at=now, call=call_named(data), agent=agent)
        case "end_wrap_up":
            return e.WrapUpEnded(at=now, call=call_named(data), by=agent)
        case "wrong_person":
            return e.CallerMistaken(at=now, call=call_named(data), agent=agent)
        case "pick":
            return e.PartyPicked(at=now, call=call_named(data), agent=agent, party=picked_party(data))
        case "not_now":
            return _declined(data, agent, now)
        case _:
            raise Rejected("this card has no such button")


def call_named(data: Mapping[str, Any]) -> CallId:
    """The call of a button. Whether there is such a call is the fold's to say."""
    try:
        return CallId(str(uuid.UUID(str(data.get("call")))))
    except ValueError as exc:
        raise Rejected("the card names no call") from exc


def _declined(data: Mapping[str, Any], agent: AgentId, now: datetime) -> e.OfferDeclined:
    offer = OfferId(str(data.get("offer", "")))
    try:
        named, _ = offer_parts(offer)
    except ValueError as exc:
        raise Rejected("the card names no offer") from exc
    return e.OfferDeclined(at=now, call=named, offer=offer, agent=agent)
