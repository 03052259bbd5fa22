"""What can be wrong with a single step of a call flow, and with what is said."""

from collections.abc import Collection, Iterable, Iterator

from cordpair.core.flow import (
    KEYS,
    WITH_VALUE,
    Branch,
    FlowStep,
    Menu,
    OfferCallback,
    OpenHours,
    Say,
    ToNumber,
    ToQueue,
    ToUser,
    Voicemail,
    exits,
    says,
)
from cordpair.core.flow_finding import FindingKind, Problem, Surroundings
from cordpair.core.hours import read_hours
from cordpair.core.ids import QueueId
from cordpair.errors import Rejected

#: Nobody waits longer than this for a key, and nothing is said again more often.
LONGEST_TIMEOUT_S = 60.0
MOST_RETRIES = 10


def step_problems(step: FlowStep, steps: Collection[str], language: str, around: Surroundings) -> Iterator[Problem]:
    """All that is wrong with one step of a flow that has these `steps` and speaks this language."""
    for way in exits(step):
        if not way.to:
            yield way.name, FindingKind.DEAD_END, ""
        elif way.to not in steps:
            yield way.name, FindingKind.UNKNOWN_STEP, way.to
    yield from said_problems("say", says(step), language, around)
    yield from _own(step, around)


def _own(step: FlowStep, around: Surroundings) -> Iterator[Problem]:
    """What can be wrong with one kind of step only."""
    match step:
        case Menu():
            yield from _menu(step)
        case OfferCallback():
            yield from _queue_named(step.queue, around)
            yield from _key("key", step.key)
            yield from _positive("timeout_s", step.timeout_s)
        case OpenHours():
            yield from _hours(step, around)
        case Branch():
            yield from _branch(step)
        case ToQueue():
            yield from _queue_named(step.queue, around)
        case ToUser() | Voicemail():
            yield from _target("user", step.user, around)
        case ToNumber():
            if not (step.number.startswith("+") and step.number[1:].isdecimal() and 7 <= len(step.number) <= 16):
                yield "number", FindingKind.BAD_VALUE, "not like +493012345678"
        case _:
            return


def _menu(step: Menu) -> Iterator[Problem]:
    if not step.choices:
        yield "choices", FindingKind.NO_CHOICE, ""
    for key in step.choices:
        yield from _key(f"choices.{key}", key)
    yield from _positive("timeout_s", step.timeout_s)
    if not 0 <= step.retries <= MOST_RETRIES:
        yield "retries", FindingKind.BAD_VALUE, f"not 0 to {MOST_RETRIES}"
    if not step.say:
        yield "say", FindingKind.NOTHING_SAID, ""


def _hours(step: OpenHours, around: Surroundings) -> Iterator[Problem]:
    if (step.hours is None) == (not step.queue):
        yield "hours", FindingKind.BAD_VALUE, "give hours or a queue"
    elif step.hours is None:
        yield from _queue_named(step.queue, around)
    else:
        try:
            read_hours(step.hours)
        except Rejected as exc:
            yield "hours", FindingKind.BAD_VALUE, str(exc)


def _branch(step: Branch) -> Iterator[Problem]:
    if not step.cases:
        yield "cases", FindingKind.NO_CHOICE, ""
    for number, case in enumerate(step.cases):
        if case.fact in WITH_VALUE and not case.value:
            yield f"cases.{number}", FindingKind.BAD_VALUE, "has no value"


def _queue_named(queue: QueueId, around: Surroundings) -> Iterator[Problem]:
    if queue not in {one.id for one in around.queues}:
        yield "queue", FindingKind.UNKNOWN_QUEUE, queue


def _target(field: str, user: str, around: Surroundings) -> Iterator[Problem]:
    if not user:
        yield field, FindingKind.BAD_VALUE, "is empty"
    elif user in around.accounts:
        yield field, FindingKind.OWN_ACCOUNT, user


def _key(field: str, key: str) -> Iterator[Problem]:
    if key not in KEYS:
        yield field, FindingKind.BAD_KEY, key


def _positive(field: str, seconds: float) -> Iterator[Problem]:
    if not 0 < seconds <= LONGEST_TIMEOUT_S:
        yield field, FindingKind.BAD_VALUE, f"not more than 0 and at most {LONGEST_TIMEOUT_S:g}"


def said_problems(field: str, said: Iterable[Say], language: str, around: Surroundings) -> Iterator[Problem]:
    """All that is wrong with what is said in one field."""
    for number, say in enumerate(said):
        place = f"{field}.{number}"
        spoken = say.language or language
        if bool(say.prompt) == bool(say.text):
            yield place, FindingKind.BAD_SAY, ""
        elif say.prompt and say.prompt not in around.prompts:
            yield place, FindingKind.MISSING_PROMPT, say.prompt
        elif say.text and spoken not in around.languages:
            yield place, FindingKind.NO_SPEECH, spoken
