"""The one card of a call: what an agent sees from the ring to the done line. Pure.

A card is brought from face to face in place; there is never a second card for the same call.
"""

from typing import Any, assert_never

from cordpair.connectors.teams import pass_on
from cordpair.connectors.teams.caller_lines import caller_title, identified, open_record, who
from cordpair.connectors.teams.elements import (
    Element,
    adaptive_card,
    clock,
    colour_bar,
    execute,
    foreign,
    heading,
    hint,
    line,
    own_run,
    run,
)
from cordpair.connectors.teams.facts import CardFacts
from cordpair.connectors.teams.texts import CONNECTORS, ENDS, duration, language
from cordpair.connectors.teams.who_called import late_choice, wrong_person
from cordpair.connectors.teams.wrap_up import WrapUp, inputs, other_ends, read_wrap_up, time_of
from cordpair.core.call import CallState
from cordpair.core.caller import CallerKind
from cordpair.core.effects import Face

#: What an agent reads while somebody is being called for them.
CALLING = {
    CallState.PLACING: "calling_agent",
    CallState.DIALLING: "calling_agent",
    CallState.REACHING: "calling_party",
}

__all__ = ["CardFacts", "WrapUp", "card", "read_wrap_up"]


def card(face: Face, facts: CardFacts) -> dict[str, Any]:
    """The card of a call, showing `face`, in the agent's language."""
    match face:
        case Face.CLAIMABLE:
            return _claimable(facts)
        case Face.RINGING:
            return _ringing(facts)
        case Face.DECLINED:
            return _declined(facts)
        case Face.MISSED:
            return _over(facts, "missed", _why_missed(facts))
        case Face.TAKEN:
            return _over(facts, "taken", "")
        case Face.STRIP:
            return _strip(facts)
        case Face.CALLING:
            return _calling(facts)
        case Face.PASSED:
            return _over(facts, "passed", facts.say("passed_hint"))
        case Face.WRAP_UP:
            return _wrap_up(facts)
        case Face.DONE:
            return _done(facts)
        case _:
            assert_never(face)


def _claimable(facts: CardFacts) -> Element:
    say = facts.say
    body = [*_header(facts, say("claimable"), ""), *who(facts), *identified(facts), hint(say("claimable_hint"))]
    take = execute(say("take"), "claim", {"call": facts.call}, style="positive")
    return _card(facts, body, [take, *open_record(facts)], f"{say('claimable')}: {caller_title(facts)}")


def _ringing(facts: CardFacts) -> Element:
    say = facts.say
    title = f"{say('ringing')} · {foreign(facts.queue)}"
    body = [
        *_header(facts, say("ringing"), say("waited", time=duration(facts.waited_s))),
        *who(facts),
        *identified(facts),
        hint(say("ring_hint")),
    ]
    spoken = f"{title}: {caller_title(facts)}"
    if facts.passing is not None:
        body += _passed_by(facts, facts.passing)
        if facts.passing.is_asked:  # refused in the Teams client only
            return _card(facts, body, open_record(facts), spoken)
    not_now = execute(say("not_now"), "not_now", {"call": facts.call, "offer": facts.offer or ""})
    return _card(facts, body, [not_now, *open_record(facts)], spoken)


def _declined(facts: CardFacts) -> Element:
    say = facts.say
    body = [*_header(facts, say("declined"), ""), *who(facts), hint(say("declined_hint"))]
    actions = [execute(say("claim"), "claim", {"call": facts.call}, style="positive"), *open_record(facts)]
    return _card(facts, body, actions, f"{say('declined')}: {caller_title(facts)}")


def _over(facts: CardFacts, title: str, why: str) -> Element:
    say = facts.say
    body = [*_header(facts, say(title), ""), *who(facts), *([hint(why[0].upper() + why[1:])] if why else [])]
    can_be_called = facts.caller_left and facts.caller_kind is CallerKind.NUMBER
    back = [execute(say("call_back"), "place", {"back": facts.call})] if can_be_called else []
    return _card(facts, body, [*back, *open_record(facts)], f"{say(title)}: {caller_title(facts)}")


def _strip(facts: CardFacts) -> Element:
    say = facts.say
    since = say("since", time=clock(facts.connected_at)) if facts.connected_at else ""
    body = [*_header(facts, say("strip"), since), *who(facts), *identified(facts)]
    actions = open_record(facts)
    if facts.passing is not None:
        body += _passed_by(facts, facts.passing) + pass_on.told(facts.passing, facts.locale)
        actions = pass_on.actions(facts.passing, facts.call, facts.locale, facts.note) + actions
    if facts.passing is None or not facts.passing.is_asked:  # who is only asked has no say in it
        actions = [*actions, *wrong_person(facts)]
    return _card(facts, body, actions, f"{say('strip')}: {caller_title(facts)}")


def _passed_by(facts: CardFacts, passing: pass_on.Passing) -> list[Element]:
    """Who passes the caller on to this agent, and what they wrote."""
    by = facts.say("passed_by", name=foreign(passing.by, 60)) if passing.by else ""
    return [line(run(it), spacing="Small") for it in (by, facts.note if by else "") if it]


def _calling(facts: CardFacts) -> Element:
    """We call somebody for the agent: who is rung now, and what it came to."""
    say = facts.say
    body = [*_header(facts, say("calling"), ""), *who(facts), *identified(facts), *_how_far(facts)]
    give_up = [execute(say("hang_up"), "hang_up", {"call": facts.call})] if facts.calling in CALLING else []
    return _card(facts, body, [*give_up, *open_record(facts)], f"{say('calling')}: {caller_title(facts)}")


def _how_far(facts: CardFacts) -> list[Element]:
    if facts.calling in CALLING:
        return [hint(facts.say(CALLING[facts.calling]))]
    why = facts.say(pass_on.WHY[facts.not_reached]) if facts.not_reached else ""
    return [line(run(why[:1].upper() + why[1:], color="Warning"), spacing="Small")] if why else []


def _wrap_up(facts: CardFacts) -> Element:
    say = facts.say
    head = _header(facts, say("wrap_up"), say("talked", time=duration(facts.talk_s)))
    save = execute(say("save"), "wrap_up", {"call": facts.call}, style="positive")
    body = [*head, *who(facts), *inputs(facts), *time_of(facts)]
    actions = [save, *other_ends(facts), *open_record(facts), *wrong_person(facts)]
    return _card(facts, body, actions, f"{say('wrap_up')}: {caller_title(facts)}")


def _done(facts: CardFacts) -> Element:
    say = facts.say
    result = next((facts.titled(it) for it in facts.dispositions if it.id == facts.disposition), facts.disposition)
    parts = [caller_title(facts), facts.queue, duration(facts.talk_s), result or say("no_disposition"), _logged(facts)]
    whole = " · ".join(foreign(part) for part in parts if part)
    runs = [
        own_run("✓ ", color="Good", weight="Bolder"),
        own_run(say("done") + " ", weight="Bolder"),
        run("· " + whole),
    ]
    choice, pick = late_choice(facts)
    return _card(facts, [line(*runs), *choice], [*pick, *wrong_person(facts)], f"{say('done')}: {whole}")


def _header(facts: CardFacts, title: str, aside: str) -> list[Element]:
    columns: list[Element] = [
        {"type": "Column", "width": "stretch", "items": [heading(title, size="Medium"), _queue_line(facts)]}
    ]
    if aside:
        block = {"type": "TextBlock", "text": aside, "isSubtle": True, "horizontalAlignment": "Right"}
        columns.append({"type": "Column", "width": "auto", "items": [block]})
    return [colour_bar(facts.colour, facts.say("queue")), {"type": "ColumnSet", "columns": columns}]


def _queue_line(facts: CardFacts) -> Element:
    return line(run(facts.queue, isSubtle=True), spacing="None")


def _logged(facts: CardFacts) -> str:
    say = facts.say
    if facts.activity:
        connector = facts.party.connector if facts.party else ""
        return say("logged", crm=CONNECTORS.get(connector, connector) or "CRM")
    known = {"withheld", "short_number", "unknown", "several_matches", "uncertain", "crm"}
    why = say(f"why_{facts.pending if facts.pending in known else 'other'}")
    return say("pending", why=why) if facts.pending else ""


def _why_missed(facts: CardFacts) -> str:
    if facts.caller_left:
        return facts.say("end_caller_left")
    return facts.say(ENDS[facts.ended]) if facts.ended else ""


def _card(facts: CardFacts, body: list[Element], actions: list[Element], speak: str) -> Element:
    return adaptive_card(body, actions, speak=foreign(speak, 300), locale=language(facts.locale))
