"""The floor page's words (`floor_words.toml`) in English and German, and how each writes numbers."""

import tomllib
from datetime import datetime
from pathlib import Path

from cordpair.core.agent import AgentState
from cordpair.core.call import CallState, EndedBy, Outcome
from cordpair.core.caller import CallerKind, Grade
from cordpair.web.floor_view import FactSource

TEXTS: dict[str, dict[str, str]] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))

#: Lists whose every member needs a text: prefix -> enum.
COVERED = {
    "call": CallState,
    "agent": AgentState,
    "outcome": Outcome,
    "ended_by": EndedBy,
    "kind": CallerKind,
    "grade": Grade,
    "source": FactSource,
}


class Words:
    """The texts in one language (`en` or `de`), and how that language writes numbers."""

    def __init__(self, language: str) -> None:
        self.language = language

    def __call__(self, key: str, **values: object) -> str:
        """The text of `key`. Raises KeyError for a key that is not in the table: a mistake of ours."""
        return TEXTS[key][self.language].format(**values)

    def known(self, prefix: str, value: str) -> str:
        """The text of a value from outside (Microsoft adds some), or the value as it came."""
        row = TEXTS.get(f"{prefix}.{value}")
        return row[self.language] if row else value

    def count(self, number: int) -> str:
        """A whole number with this language's thousands mark."""
        text = f"{number:,}"
        return text.replace(",", ".") if self.language == "de" else text

    def share(self, share: float | None) -> str:
        """A share (0..1) in per cent; a dash when there is none."""
        if share is None:
            return "–"
        return f"{share * 100:.0f} %" if self.language == "de" else f"{share * 100:.0f}%"

    def moment(self, at: datetime, now: datetime) -> str:
        """A coming moment by the wall clock that both instants carry: the time, from tomorrow on with day and date."""
        if at.date() == now.date():
            return f"{at:%H:%M}"
        day = f"{at.day}.{at.month}." if self.language == "de" else f"{at.day} {at:%b}"
        return f"{self(f'weekday.{at.weekday()}')} {day} {at:%H:%M}"


def duration(seconds: float | None) -> str:
    """Seconds as m:ss or h:mm:ss; a dash when there are none."""
    if seconds is None:
        return "–"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
