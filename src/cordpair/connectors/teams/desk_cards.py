"""Cards of the bot's answers: status, queues, help. Pure."""

from collections.abc import Sequence
from typing import Any

import msgspec

from cordpair.connectors.teams.elements import (
    Element,
    adaptive_card,
    choices,
    execute,
    foreign,
    heading,
    hint,
    line,
    own_run,
    run,
)
from cordpair.connectors.teams.texts import age, duration, language, text
from cordpair.core.agent import DECLINES, AgentState
from cordpair.core.breaks import USUAL, BreakReason, titled

_STATES = {
    AgentState.OFFLINE: ("offline", "Default"),
    AgentState.READY: ("ready", "Good"),
    AgentState.BREAK: ("break", "Warning"),
    AgentState.RINGING: ("state_ringing", "Accent"),
    AgentState.TALKING: ("talking", "Accent"),
    AgentState.WRAP_UP: ("state_wrap_up", "Accent"),
    AgentState.NOT_RESPONDING: ("not_responding", "Attention"),
}
_COMMANDS = (
    ("ready", "bereit", "help_ready"),
    ("break lunch", "pause mittag", "help_break"),
    ("offline", "offline", "help_offline"),
    ("status", "status", "help_status"),
    ("queues", "warteschlangen", "help_queues"),
    ("missed", "verpasst", "help_missed"),
    ("call +49 …", "anrufen +49 …", "help_call"),
    ("help", "hilfe", "help_help"),
)


class QueueLine(msgspec.Struct, frozen=True, kw_only=True):
    """A queue at this instant. `longest_wait_s` is None when nobody waits."""

    name: str
    waiting: int = 0
    longest_wait_s: float | None = None
    ready: int = 0


class StatusFacts(msgspec.Struct, frozen=True, kw_only=True):
    """How an agent stands. `presence_age_s` is None when no presence is known.

    `reason` is that of a break, by its id among `breaks`; `is_set`: somebody else or a rule has set the state. `held`
    says that a ready agent is not rung because of the presence; `is_elsewhere` that they talk in Teams without us.
    """

    state: AgentState
    in_state_s: float = 0.0
    reason: str = ""
    presence: str = ""
    presence_age_s: float | None = None
    held: bool = False
    is_elsewhere: bool = False
    queues: tuple[str, ...] = ()
    breaks: tuple[BreakReason, ...] = USUAL
    is_set: bool = False


def status_card(facts: StatusFacts, locale: str) -> dict[str, Any]:
    """The answer to `status`, and to every change of state."""
    key, colour = _STATES[facts.state]
    runs = [own_run(text(locale, key), size="Large", weight="Bolder", color=colour)]
    if facts.state is AgentState.BREAK and (why := _why(facts, locale)):
        runs += [own_run(" · ", size="Large"), run(why, size="Large")]
    runs.append(own_run("  " + text(locale, "for_time", time=age(facts.in_state_s)), isSubtle=True))
    body = [heading(text(locale, "your_status"), size="Small"), line(*runs, spacing="Small")]
    if facts.is_set:
        body.append(hint(text(locale, "set_for_you")))
    if facts.state is AgentState.NOT_RESPONDING:
        body.append(hint(text(locale, "not_responding_hint")))
    if facts.is_elsewhere:
        body.append(hint(text(locale, "elsewhere_hint")))
    elif facts.held:
        body.append(hint(text(locale, "held_hint", presence=facts.presence)))
    if facts.presence_age_s is not None:
        shown = text(locale, "presence", presence=facts.presence, age=age(facts.presence_age_s))
        body.append(line(run(shown, isSubtle=True, size="Small"), spacing="Small"))
    names = " · ".join(foreign(name, 60) for name in facts.queues) or text(locale, "no_queues")
    body.append(line(run(names, isSubtle=True, size="Small"), spacing="Small"))
    actions = [execute(text(locale, verb), verb, {}, **more) for verb, more in _ways_on(facts.state)]
    body += _break_choice(facts, locale) if any(action["verb"] == "go_break" for action in actions) else []
    return _answer(body, f"{text(locale, 'your_status')}: {text(locale, key)}", locale, actions)


def _why(facts: StatusFacts, locale: str) -> str:
    if facts.reason == DECLINES:
        return text(locale, "break_declines")
    return titled(facts.breaks, facts.reason, language(locale))


def _ways_on(state: AgentState) -> list[tuple[str, dict[str, object]]]:
    """The buttons of a state: what they order, and how they look."""
    if state is AgentState.READY:
        return [("go_break", {}), ("go_offline", {"associatedInputs": "none"})]
    if state in (AgentState.BREAK, AgentState.NOT_RESPONDING, AgentState.OFFLINE):
        return [("go_ready", {"style": "positive"})]
    return []


def _break_choice(facts: StatusFacts, locale: str) -> list[Element]:
    options = [(one.id, one.titled(language(locale))) for one in facts.breaks]
    if not options:
        return []
    asked = text(locale, "break_reason"), text(locale, "break_reason_missing")
    return [choices("reason", *asked, options, style="compact", value=options[0][0])]


def queues_card(queues: Sequence[QueueLine], locale: str) -> dict[str, Any]:
    """The answer to `queues`."""
    title = text(locale, "your_queues")
    if not queues:
        return _answer([heading(title, size="Small"), hint(text(locale, "no_queues"))], title, locale)
    names = ("queue", "waiting", "longest", "agents_ready")
    head = _row([own_run(text(locale, name), isSubtle=True, size="Small") for name in names])
    rows = [_row(_queue(queue)) for queue in queues]
    spoken = "; ".join(f"{foreign(it.name, 60)}: {it.waiting} {text(locale, 'waiting')}" for it in queues)
    return _answer([heading(title, size="Small"), head, *rows], f"{title}: {spoken}", locale)


def help_card(locale: str, *, opening: str = "help_intro") -> dict[str, Any]:
    """What the bot understands. `opening` is the text above it: hello, unknown_word, help_intro."""
    german = language(locale) == "de"
    body = [] if opening == "help_intro" else [heading(text(locale, opening), size="Medium")]
    if opening != "unknown_word":
        body.append(hint(text(locale, "help_intro")))
    for english, deutsch, key in _COMMANDS:
        word = own_run(deutsch if german else english, weight="Bolder", fontType="Monospace")
        columns = [_column("130px", word), _column("stretch", own_run(text(locale, key)))]
        body.append({"type": "ColumnSet", "columns": columns, "spacing": "Small"})
    return _answer(body, text(locale, opening), locale)


def _queue(queue: QueueLine) -> list[Element]:
    longest = "–" if queue.longest_wait_s is None else duration(queue.longest_wait_s)
    return [run(queue.name, weight="Bolder"), run(str(queue.waiting)), run(longest), run(str(queue.ready))]


def _row(cells: Sequence[Element]) -> Element:
    columns = [_column(3 if place == 0 else 1, cell) for place, cell in enumerate(cells)]
    return {"type": "ColumnSet", "columns": columns, "spacing": "Small"}


def _column(width: int | str, cell: Element) -> Element:
    return {"type": "Column", "width": width, "items": [line(cell)]}


def _answer(body: Sequence[Element], speak: str, locale: str, actions: Sequence[Element] = ()) -> Element:
    return adaptive_card(body, actions, speak=foreign(speak, 300), locale=language(locale))
