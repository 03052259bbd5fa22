"""The card that asks for which queue somebody is to be called. Pure."""

from collections.abc import Sequence

from cordpair.connectors.teams.elements import Element, adaptive_card, choices, execute, foreign, line, run
from cordpair.connectors.teams.texts import language, text


def queue_choice_card(number: str, shown: str, queues: Sequence[tuple[str, str]], locale: str) -> Element:
    """`number` comes back with the button, `shown` is how people read it; `queues` are (id, name)."""

    def say(key: str) -> str:
        return text(locale, key)

    question = text(locale, "call_whom", number=foreign(shown, 40))
    whose = choices("queue", say("queue"), say("choose"), queues, style="compact", value=queues[0][0])
    body = [line(run(question, weight="Bolder")), whose]
    button = execute(say("call_out"), "place", {"number": number}, style="positive")
    return adaptive_card(body, [button], speak=question, locale=language(locale))
