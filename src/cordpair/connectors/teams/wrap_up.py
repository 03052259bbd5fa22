"""The wrap-up on a card: what is asked, and how the answer is read. Pure."""

from collections.abc import Mapping
from typing import Any

import msgspec

from cordpair.connectors.teams.elements import Element, choices, clock, execute, hint
from cordpair.connectors.teams.facts import CardFacts
from cordpair.connectors.teams.who_called import candidate_choice
from cordpair.core.ids import PartyRef
from cordpair.errors import Rejected

_NOBODY = "-"
_NOTE_LIMIT = 4_000


class WrapUp(msgspec.Struct, frozen=True):
    """What the agent entered. `party` is None when none was asked for, or nobody of the candidates."""

    disposition: str
    note: str
    party: PartyRef | None


def read_wrap_up(data: Mapping[str, Any]) -> WrapUp:
    """The inputs of a pressed Save. Raises Rejected when they are none."""
    disposition, note, party = (data.get(name) or "" for name in ("disposition", "note", "party"))
    if not isinstance(disposition, str) or not isinstance(note, str) or not isinstance(party, str):
        raise Rejected("the wrap-up is of an unknown shape")
    if not disposition or not disposition.isprintable():
        raise Rejected("the wrap-up is incomplete")
    connector, _, found = party.partition(":")
    note = note.replace("\0", "")  # neither PostgreSQL's text nor most CRMs take it
    return WrapUp(disposition[:100], note[:_NOTE_LIMIT], PartyRef(connector, found) if connector and found else None)


def inputs(facts: CardFacts) -> list[Element]:
    """What the agent is asked: who it was (only when that is open), the result, a note."""
    who = candidate_choice(facts, (_NOBODY, facts.say("nobody")))
    return [*who, _disposition_choice(facts), _note(facts)]


def time_of(facts: CardFacts) -> list[Element]:
    """When the wrap-up ends by itself, and what it means."""
    time = facts.wrap_up
    if time is None:
        return []
    key = "wrap_up_free" if time.is_free else "wrap_up_fixed" if time.is_fixed else "wrap_up_until"
    if time.is_written:
        key = "wrap_up_written"
    return [hint(facts.say(key, time=clock(time.until)))]


def other_ends(facts: CardFacts) -> list[Element]:
    """Buttons beside Save: more time, as long as there is some, and the end without a result."""
    time, say = facts.wrap_up, facts.say
    if time is None:
        return []
    asked = {"call": facts.call}
    more = say("extend", seconds=round(time.extend_s), left=time.left)
    buttons = [execute(more, "extend", asked, associatedInputs="none")] if time.left else []
    if not time.is_fixed:
        buttons.append(execute(say("end_wrap_up"), "end_wrap_up", asked, associatedInputs="none"))
    return buttons


def _note(facts: CardFacts) -> Element:
    note: Element = {
        "type": "Input.Text",
        "id": "note",
        "label": facts.say("note"),
        "placeholder": facts.say("note_hint"),
        "isMultiline": True,
        "maxLength": _NOTE_LIMIT,
    }
    return {**note, "value": facts.note} if facts.note else note


def _disposition_choice(facts: CardFacts) -> Element:
    say = facts.say
    options = [(it.id, facts.titled(it)) for it in facts.dispositions]
    chosen = {"value": facts.disposition} if facts.disposition in {it.id for it in facts.dispositions} else {}
    return choices(
        "disposition",
        say("disposition"),
        say("disposition_missing"),
        options,
        style="compact",
        placeholder=say("choose"),
        **chosen,
    )
