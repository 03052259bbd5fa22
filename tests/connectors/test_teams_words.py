"""What agents write to the bot."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordpair.connectors.teams.words import Break, Help, Intent, Offline, Queues, Ready, Status, Unknown, understand

SAID: dict[str, Intent] = {
    "help": Help(),
    "Hilfe!": Help(),
    "?": Help(),
    "": Help(),
    "hi": Help(greeted=True),
    "Hallo": Help(greeted=True),
    "Guten Morgen!": Help(greeted=True),
    "status": Status(),
    "Ready": Ready(),
    " bereit. ": Ready(),
    "offline": Offline(),
    "Feierabend": Offline(),
    "queues": Queues(),
    "Warteschlangen": Queues(),
    "break": Break(),
    "Pause": Break(),
    "pause Mittag": Break("lunch"),
    "break: long lunch!": Break("lunch"),
    "pause für Schulung": Break("training"),
    "Pause Zahnarzt": Break(),
    "<at>cordpair</at> status": Status(),
    "<p>ready</p>": Ready(),
    "/help": Help(),
    "ready for what": Unknown("ready for what"),
    "Wo ist Ana?": Unknown("Wo ist Ana?"),
}


@pytest.mark.parametrize("text", SAID)
def test_words_are_understood_in_both_languages(text: str) -> None:
    assert understand(text) == SAID[text]


@given(st.text(max_size=200))
def test_no_text_breaks_the_parser(text: str) -> None:
    understand(text)


def test_a_very_long_message_is_read_in_part() -> None:
    assert isinstance(understand("x" * 1_000_000), Unknown)
