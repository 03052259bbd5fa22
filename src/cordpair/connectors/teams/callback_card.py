"""Cards of callbacks: one for each that an agent is asked for or has taken, and the list of missed calls. Pure."""

from collections.abc import Sequence
from typing import Any

import msgspec

from cordpair.connectors.teams.callback_texts import say
from cordpair.connectors.teams.elements import (
    Element,
    adaptive_card,
    colour_bar,
    execute,
    foreign,
    heading,
    hint,
    line,
    open_url,
    own_run,
    run,
)
from cordpair.connectors.teams.texts import age, language
from cordpair.core.callback import Callback, CallbackEnd, CallbackKind, CallbackState, Reported
from cordpair.core.effects import CallbackFace

MOST_LISTED = 10
#: Teams begins a call to a telephone number by this address (learn.microsoft.com, "Deep link to a workflow in Teams").
_CALL = "https://teams.microsoft.com/l/call/0/0?users=4:{number}"


class CallbackFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a card says of one callback. `number` is for people, `owed_s` since when we owe it, `taken_by` a name;
    `dials`: we place the call."""

    callback: Callback
    queue: str
    colour: str
    number: str
    owed_s: float
    taken_by: str = ""
    dials: bool = False


def callback_card(face: CallbackFace, facts: CallbackFacts, locale: str) -> dict[str, Any]:
    """The card of one callback."""
    title = say(locale, face.value)
    body = [
        colour_bar(facts.colour, foreign(facts.queue)),
        line(own_run(title, weight="Bolder"), run(f" · {facts.queue}", isSubtle=True)),
        line(run(_name(facts, locale), size="ExtraLarge", weight="Bolder"), spacing="Small"),
        line(run(" · ".join(_details(facts, locale))), spacing="None"),
        hint(_hint(face, facts, locale)),
    ]
    return adaptive_card(
        body, _actions(face, facts, locale), speak=f"{title}: {_name(facts, locale)}", locale=language(locale)
    )


def missed_card(listed: Sequence[CallbackFacts], locale: str) -> dict[str, Any]:
    """The missed calls of an agent's queues, the oldest first, each with its button."""
    title = say(locale, "list", count=len(listed))
    body: list[Element] = [heading(title, size="Small")]
    if not listed:
        body.append(hint(say(locale, "list_empty")))
    body += [_row(facts, locale) for facts in listed[:MOST_LISTED]]
    if len(listed) > MOST_LISTED:
        body.append(hint(say(locale, "list_more", count=len(listed) - MOST_LISTED)))
    return adaptive_card(body, speak=title, locale=language(locale))


def _row(facts: CallbackFacts, locale: str) -> Element:
    shown = [
        line(run(_name(facts, locale), weight="Bolder")),
        line(run(" · ".join((facts.queue, *_details(facts, locale))), isSubtle=True, size="Small"), spacing="None"),
    ]
    if facts.callback.state is CallbackState.TAKEN:
        shown.append(hint(say(locale, "at_it", name=foreign(facts.taken_by, 60))))
        return {"type": "Container", "items": shown, "spacing": "Medium"}
    take = execute(say(locale, "take"), "callback_take", {"call": facts.callback.call})
    return {"type": "Container", "items": [*shown, {"type": "ActionSet", "actions": [take]}], "spacing": "Medium"}


def _actions(face: CallbackFace, facts: CallbackFacts, locale: str) -> list[Element]:
    call = {"call": facts.callback.call}
    if face is CallbackFace.OFFERED:
        take = execute(say(locale, "take"), "callback_take", call, style="positive")
        return [take, execute(say(locale, "decline"), "callback_decline", call)]
    if face is not CallbackFace.TAKEN:
        return []
    if facts.dials:  # what comes of it is seen
        return [execute(say(locale, "given_back"), "callback_report", {**call, "result": Reported.GIVEN_BACK.value})]
    dial = open_url(say(locale, "call", number=facts.number), _CALL.format(number=facts.callback.caller.e164))
    results = [execute(say(locale, it.value), "callback_report", {**call, "result": it.value}) for it in Reported]
    return [*([dial] if dial else []), *results]


def _hint(face: CallbackFace, facts: CallbackFacts, locale: str) -> str:
    outcome = facts.callback.outcome
    if face is CallbackFace.DONE:
        return say(locale, f"end_{(outcome or CallbackEnd.CANCELLED).value}")
    if face is CallbackFace.TAKEN:
        return say(locale, "dialled_hint" if facts.dials else "taken_hint")
    return say(locale, "kept_hint" if facts.callback.kind is CallbackKind.KEPT else "missed_hint")


def _details(facts: CallbackFacts, locale: str) -> list[str]:
    callback = facts.callback
    found = [facts.number, say(locale, "asked_at", time=age(facts.owed_s))]
    if callback.times > 1:
        found.append(say(locale, "times", count=callback.times))
    if callback.tries:
        found.append(say(locale, "tries", count=callback.tries))
    return found


def _name(facts: CallbackFacts, locale: str) -> str:
    callback = facts.callback
    party = next((it for it in callback.candidates if it.party == callback.party), None)
    named = party.name if party is not None else callback.caller.name or ""
    return foreign(named) or facts.number or say(locale, "unknown")
