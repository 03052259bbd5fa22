"""What an examination finds, and how it is said: one line, and the cure in one line, in English or German."""

import tomllib
from enum import StrEnum
from pathlib import Path

import msgspec

TEXTS: dict[str, dict[str, str]] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))


class Level(StrEnum):
    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One finding. `key` names its text and cure in `findings.toml`, `fields` fill them; no personal data.

    `organisation` is a tenant id, or empty where the finding is about the installation.
    """

    key: str
    level: Level
    organisation: str = ""
    fields: dict[str, str | int] = msgspec.field(default_factory=dict)

    @property
    def check(self) -> str:
        """What was looked at."""
        return self.key.partition(".")[0]

    def text(self, language: str) -> str:
        """What was found, in `en` or `de`."""
        return self._said(self.key, language)

    def cure(self, language: str) -> str:
        """What to do about it; empty where nothing is to be done."""
        if self.level is Level.OK:
            return ""
        return self._said(f"{self.key}.cure", language) if f"{self.key}.cure" in TEXTS else ""

    def _said(self, key: str, language: str) -> str:
        """A text with its fields; one that names a text of its own (`word.calls`) is said in the same language."""
        words = {name: TEXTS[str(it)][language] if it in TEXTS else it for name, it in self.fields.items()}
        return TEXTS[key][language].format(**words)


def ok(key: str, **fields: str | int) -> Finding:
    return Finding(key=key, level=Level.OK, fields=fields)


def warning(key: str, **fields: str | int) -> Finding:
    return Finding(key=key, level=Level.WARNING, fields=fields)


def problem(key: str, **fields: str | int) -> Finding:
    return Finding(key=key, level=Level.PROBLEM, fields=fields)
