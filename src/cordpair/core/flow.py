"""Call flows as data: what a caller hears, presses and is sent to before, while and instead of waiting in a queue.

A flow is a set of named steps and the one that it begins with. Every way out of a step names the step that comes next;
an empty name is a way out that is not set. `do` says what kind a step is. Nothing here acts: `flow_run` does.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import assert_never

import msgspec

from cordpair.core.hours import Hours
from cordpair.core.ids import FlowId, QueueId

#: The keys of a telephone.
KEYS = ("1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "0", "#")


class Say(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One thing said to the caller: a prompt by its name, or a text that is spoken. Exactly one of them is given.

    `language` (`de` or `en`) is the text's; empty: the flow's or the queue's own.
    """

    prompt: str = ""
    text: str = ""
    language: str = ""


class Fact(StrEnum):
    """What a flow may ask of a caller."""

    KNOWN = "known"  #: exactly one party is settled
    SEVERAL = "several"  #: several parties may be the caller
    WITHHELD = "withheld"  #: the caller hides the number
    COUNTRY = "country"  #: the number belongs to this country (ISO: `AT`)
    LANGUAGE = "language"  #: this is the first language of the number's country (`de`)
    COMPANY = "company"  #: the settled party belongs to a company, or to this one


#: Facts that need a value to compare with; COMPANY may have one.
WITH_VALUE = frozenset({Fact.COUNTRY, Fact.LANGUAGE})


class Case(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """If `fact` holds (is `value`, where it has one) the call goes on with step `next`."""

    fact: Fact
    value: str = ""
    next: str


class _Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="do"):
    """One step of a flow."""


class Play(_Step, frozen=True, kw_only=True, tag="play"):
    """Say something, then go on."""

    say: tuple[Say, ...]
    next: str


class Menu(_Step, frozen=True, kw_only=True, tag="menu"):
    """Say something and wait for one key; a key pressed while it is said counts.

    `choices` maps a key to a step. Who presses nothing for `timeout_s` seconds after it was said, or another key, hears
    `say_again` and the menu once more, `retries` times; then they go to `no_input` or `wrong_input`.
    """

    say: tuple[Say, ...]
    choices: dict[str, str]
    timeout_s: float = 6.0
    retries: int = 2
    say_again: tuple[Say, ...] = ()
    no_input: str
    wrong_input: str = ""  #: empty: as no_input


class OpenHours(_Step, frozen=True, kw_only=True, tag="hours"):
    """Go on by the calendar: of `hours`, or of a queue. One of them is given. `holiday` empty: as `closed`."""

    hours: Hours | None = None
    queue: QueueId = QueueId("")
    open: str
    closed: str
    holiday: str = ""


class Branch(_Step, frozen=True, kw_only=True, tag="branch"):
    """Go on by what is known of the caller: the first case that holds counts."""

    cases: tuple[Case, ...]
    otherwise: str


class ToQueue(_Step, frozen=True, kw_only=True, tag="queue"):
    """Wait in a queue. `credit_s` and `skills` come on top of what the queue says.

    `instead` is for whom the queue does not take or keep: it is closed, full, without agents, or the wait is too long.
    Empty: as the queue's own settings say.
    """

    queue: QueueId
    credit_s: float = 0.0
    skills: frozenset[str] = frozenset()
    instead: str = ""


class ToUser(_Step, frozen=True, kw_only=True, tag="to_user"):
    """Hand the caller to a Teams user (Entra object id), and leave the call."""

    user: str
    say: tuple[Say, ...] = ()


class ToNumber(_Step, frozen=True, kw_only=True, tag="to_number"):
    """Hand the caller to a telephone number (E.164), and leave the call."""

    number: str
    say: tuple[Say, ...] = ()


class Voicemail(_Step, frozen=True, kw_only=True, tag="voicemail"):
    """Hand the caller to the Teams voicemail of a user (Entra object id), and leave the call.

    Graph v1.0 transfers to a user, not to their voicemail: in Teams this user's calls must go to voicemail at once.
    """

    user: str
    say: tuple[Say, ...] = ()


class HangUpStep(_Step, frozen=True, kw_only=True, tag="hang_up"):
    """Say something, then end the call."""

    say: tuple[Say, ...] = ()


class OfferCallback(_Step, frozen=True, kw_only=True, tag="callback"):
    """Offer to call back for a queue: who presses `key` keeps a place in it and goes on with `accepted`, others don't.

    After `timeout_s` seconds, or another key, the call goes on with `declined`.
    """

    say: tuple[Say, ...]
    queue: QueueId
    key: str = "1"
    timeout_s: float = 6.0
    accepted: str
    declined: str


FlowStep = Play | Menu | OpenHours | Branch | ToQueue | ToUser | ToNumber | Voicemail | HangUpStep | OfferCallback


class Flow(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A call flow. `resource_accounts` are the Teams accounts whose callers begin here, also in front of a queue's own.

    `language` is that of its texts. `version` is counted by whoever changes it: it stands in the history of calls.
    """

    id: FlowId
    name: str = ""
    resource_accounts: tuple[str, ...] = ()
    start: str
    steps: dict[str, FlowStep]
    language: str = "en"
    version: int = 1


class Treatment(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a caller hears while they wait in a queue.

    First the `greeting`, then `music` again and again. Every `every_s` seconds their `position` and `expected_wait` are
    said, as far as these are on. After `callback_after_s` seconds of waiting `say_callback` offers a call back once:
    `callback_key` accepts it: they keep their place, hear `say_goodbye`, and we hang up.
    """

    greeting: tuple[Say, ...] = ()
    music: tuple[Say, ...] = ()
    position: bool = False
    expected_wait: bool = False
    every_s: float = 60.0
    callback_after_s: float | None = None
    callback_key: str = "1"
    say_callback: tuple[Say, ...] = ()
    say_goodbye: tuple[Say, ...] = ()


class Exit(msgspec.Struct, frozen=True):
    """A way out of a step: the name of its field (`next`, `choices.2`, `cases.0`), and the step that comes next.

    `to` is empty where the way out is not set. `by_key` says that only a key that the caller presses leads there.
    """

    name: str
    to: str
    by_key: bool = False


def exits(step: FlowStep) -> tuple[Exit, ...]:
    """All ways out of a step that lead to another one, set or not. Steps that end the flow have none."""
    match step:
        case Play():
            return (Exit("next", step.next),)
        case Menu():
            chosen = (Exit(f"choices.{key}", to, by_key=True) for key, to in step.choices.items())
            wrong = Exit("wrong_input", step.wrong_input or step.no_input, by_key=True)
            return (*chosen, Exit("no_input", step.no_input), wrong)
        case OpenHours():
            closed, holiday = Exit("closed", step.closed), Exit("holiday", step.holiday or step.closed)
            return (Exit("open", step.open), closed, holiday)
        case Branch():
            cases = (Exit(f"cases.{number}", case.next) for number, case in enumerate(step.cases))
            return (*cases, Exit("otherwise", step.otherwise))
        case ToQueue():
            return (Exit("instead", step.instead),) if step.instead else ()
        case OfferCallback():
            return (Exit("accepted", step.accepted, by_key=True), Exit("declined", step.declined))
        case ToUser() | ToNumber() | Voicemail() | HangUpStep():
            return ()
        case _:
            assert_never(step)


def says(step: FlowStep) -> tuple[Say, ...]:
    """All that a step may say."""
    match step:
        case Menu():
            return (*step.say, *step.say_again)
        case Play() | ToUser() | ToNumber() | Voicemail() | HangUpStep() | OfferCallback():
            return step.say
        case OpenHours() | Branch() | ToQueue():
            return ()
        case _:
            assert_never(step)


def treatment_says(treatment: Treatment) -> Mapping[str, tuple[Say, ...]]:
    """All that a treatment may say, by the name of the field."""
    return {
        "greeting": treatment.greeting,
        "music": treatment.music,
        "say_callback": treatment.say_callback,
        "say_goodbye": treatment.say_goodbye,
    }


def waits_for_key(step: FlowStep) -> bool:
    """Whether a call stays in the step until the caller presses a key or the time for it is over."""
    return isinstance(step, Menu | OfferCallback)
