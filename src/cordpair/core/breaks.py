"""Why agents take breaks: a list of the organisation's own, closed, so that no free words about people are stored."""

from collections.abc import Sequence

import msgspec


class BreakReason(msgspec.Struct, frozen=True, kw_only=True):
    """One reason. `words` are further ones, in small letters, by which agents name it in the chat."""

    id: str
    en: str
    de: str
    words: tuple[str, ...] = ()

    def titled(self, language: str) -> str:
        """The reason in a language: `de`, or English for all others."""
        return self.de if language == "de" else self.en

    def is_named(self, said: Sequence[str]) -> bool:
        """Whether one of these words, or all of them together, name it."""
        names = {self.id, self.en.lower(), self.de.lower(), *self.words}
        return not names.isdisjoint((*said, " ".join(said)))


#: What an organisation has that names no reasons of its own.
USUAL = (
    BreakReason(id="lunch", en="lunch", de="Mittag", words=("mittagspause", "mittagessen")),
    BreakReason(id="coffee", en="coffee", de="Kaffee", words=("kaffeepause", "tea", "tee")),
    BreakReason(id="meeting", en="meeting", de="Besprechung"),
    BreakReason(id="training", en="training", de="Schulung"),
    BreakReason(id="paperwork", en="paperwork", de="Schreibarbeit"),
)


def titled(breaks: Sequence[BreakReason], reason: str, language: str) -> str:
    """What the reason of this id is called; empty for one that is not among them."""
    return next((one.titled(language) for one in breaks if one.id == reason), "")
