"""What agents write to the bot."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordpair.connectors.teams.words import Break, Help, Intent, Offline, Queues, Ready, Status, Unknown, understand
from cordpair.core.breaks import BreakReason

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


def test_an_organisation_has_its_own_reasons_of_breaks() -> None:
    errand = BreakReason(id="errand", en="quick errand", de="Besorgung", words=("einkaufen",))
    said = ["break errand", "Pause Besorgung", "pause einkaufen", "break quick errand"]
    assert {understand(text, [errand]) for text in said} == {Break(reason="errand")}


def test_a_reason_that_the_organisation_does_not_have_is_not_kept() -> None:
    assert understand("break dentist", [BreakReason(id="errand", en="errand", de="Besorgung")]) == Break()
