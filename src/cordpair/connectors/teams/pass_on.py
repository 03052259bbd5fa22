"""Passing a caller on, on the card: whom to, how it goes, and why it did not work. Pure."""

from collections.abc import Mapping
from typing import Any

import msgspec

from cordpair.connectors.teams.elements import Element, execute, foreign, hint, line, run
from cordpair.connectors.teams.texts import Language, language, text
from cordpair.core.transfer import TransferEnd, TransferKind
from cordpair.errors import Rejected

#: Buttons by which a caller is passed on, each with what it does.
HOW = {"blind": TransferKind.BLIND, "consult": TransferKind.CONSULT, "conference": TransferKind.CONFERENCE}
MOST_CHOICES = 60  #: a list on a card that is longer is read by nobody
_NOTE_LIMIT = 4_000
_NUMBER_LIMIT = 60

WHY: dict[TransferEnd, str] = {end: f"pass_{end}" for end in TransferEnd}


class Choice(msgspec.Struct, frozen=True):
    """Somebody to pass a caller on to: `agent:{id}` or `queue:{id}`, and a name."""

    value: str
    title: str


class Passing(msgspec.Struct, frozen=True, kw_only=True):
    """What a card says of passing the caller on. `to` is the name of whom it goes to, empty when nothing is under way.

    `is_there`: that one is in the call. `held`: the caller hears music. `failed_to` and `why` tell of the last try.

    `by` is the agent who passes the caller on, on the card of whom it goes to; who is only asked (`is_asked`) may do
    nothing with the call. `doubt` is why it may be unwise to do what `data` asks for: it can be done anyway.
    """

    choices: tuple[Choice, ...] = ()
    to: str = ""
    kind: TransferKind = TransferKind.BLIND
    is_there: bool = False
    held: bool = False
    failed_to: str = ""
    why: TransferEnd | None = None
    by: str = ""
    is_asked: bool = False
    is_released: bool = False  #: the call has left us: all that can be done is to say that it is over
    doubt: str = ""
    data: dict[str, str] = {}


class PassOn(msgspec.Struct, frozen=True, kw_only=True):
    """What an agent asked for. `target` is a value of a Choice, or empty where `number` is what they typed."""

    how: TransferKind
    target: str
    number: str
    note: str
    anyway: bool


def read_pass_on(data: Mapping[str, Any]) -> PassOn:
    """The inputs of a pressed button. Raises Rejected when they are none."""
    how, target, number, note = (data.get(name) or "" for name in ("how", "target", "number", "pass_note"))
    if not all(isinstance(it, str) for it in (how, target, number, note)) or how not in HOW:
        raise Rejected("this is no way to pass a caller on")
    if not target and not number:
        raise Rejected("nobody to pass the caller on to")
    return PassOn(
        how=HOW[how],
        target=target[:100],
        number="" if target else number[:_NUMBER_LIMIT],
        note=note.replace("\0", "")[:_NOTE_LIMIT],
        anyway=data.get("anyway") == "yes",
    )


def told(passing: Passing, locale: str) -> list[Element]:
    """How it goes, in words."""
    if passing.is_released:
        return [hint(text(locale, "released_hint"))]
    if passing.to:
        return [line(run(_state(passing, locale)), spacing="Small"), *_heard(passing, locale)]
    if passing.doubt:
        return [hint(text(locale, f"doubt_{passing.doubt}"))]
    if passing.why is not None:
        told_why = text(locale, "pass_failed", name=foreign(passing.failed_to, 60), why=text(locale, WHY[passing.why]))
        return [line(run(told_why, color="Warning"), spacing="Small")]
    return []


def _state(passing: Passing, locale: str) -> str:
    name = foreign(passing.to, 60)
    if not passing.is_there:
        return text(locale, "pass_rings", name=name)
    return text(locale, "pass_consults" if passing.kind is TransferKind.CONSULT else "pass_together", name=name)


def _heard(passing: Passing, locale: str) -> list[Element]:
    if passing.kind is not TransferKind.CONSULT:
        return []
    return [hint(text(locale, "pass_held" if passing.held else "pass_not_held"))]


def actions(passing: Passing, call: str, locale: str, note: str) -> list[Element]:
    """The buttons of the agent who has the caller."""

    def say(key: str) -> str:
        return text(locale, key)

    def button(key: str, verb: str, **style: object) -> Element:
        return execute(say(key), verb, {"call": call}, **style)

    if passing.is_asked:
        return []
    if passing.is_released:
        return [button("released_over", "hang_up")]
    if passing.to and passing.is_there:
        return [button("pass_complete", "complete", style="positive"), button("pass_back", "take_back")]
    if passing.to:
        return [button("pass_cancel", "take_back"), button("hang_up", "hang_up")]
    anyway = {"call": call, **passing.data, "anyway": "yes"}
    doubtful = [execute(say("pass_anyway"), "pass_on", anyway)] if passing.doubt else []
    return [*doubtful, _form(passing, call, language(locale), note), button("hang_up", "hang_up", style="destructive")]


def _form(passing: Passing, call: str, locale: Language, note: str) -> Element:
    """Whom to, with what words, and how: behind one button."""

    def say(key: str) -> str:
        return text(locale, key)

    whom: Element = {
        "type": "Input.ChoiceSet",
        "id": "target",
        "label": say("pass_whom"),
        "style": "filtered",
        "placeholder": say("choose"),
        "choices": [{"title": foreign(it.title, 80), "value": it.value} for it in passing.choices[:MOST_CHOICES]],
    }
    number: Element = {
        "type": "Input.Text",
        "id": "number",
        "label": say("pass_number"),
        "style": "Tel",
        "maxLength": _NUMBER_LIMIT,
    }
    words: Element = {
        "type": "Input.Text",
        "id": "pass_note",
        "label": say("note"),
        "isMultiline": True,
        "maxLength": _NOTE_LIMIT,
    }
    buttons = [execute(say(f"pass_{how}"), "pass_on", {"call": call, "how": how}) for how in HOW]
    body = [whom, number, {**words, "value": note} if note else words]
    return {
        "type": "Action.ShowCard",
        "title": say("pass_on"),
        "card": {"type": "AdaptiveCard", "body": body if passing.choices else body[1:], "actions": buttons},
    }
