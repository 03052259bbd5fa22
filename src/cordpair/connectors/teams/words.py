"""What an agent writes to the bot becomes an intent. Pure; English and German."""

import html
import re
import unicodedata
from collections.abc import Sequence

import msgspec

from cordpair.core.breaks import USUAL, BreakReason


class Help(msgspec.Struct, frozen=True):
    """Says hello or asks what the bot can do."""

    greeted: bool = False


class Status(msgspec.Struct, frozen=True):
    """How do I stand?"""


class Queues(msgspec.Struct, frozen=True):
    """Who waits?"""


class Missed(msgspec.Struct, frozen=True):
    """Whom do we owe a call?"""


class Ready(msgspec.Struct, frozen=True):
    """I take calls."""


class Break(msgspec.Struct, frozen=True):
    """I take a break. `reason` is the id of one of the organisation's reasons, `break` when none was given.

    A closed list, because the reason is stored and supervisors see it: free words would hold what is nobody's business.
    """

    reason: str = "break"


class Offline(msgspec.Struct, frozen=True):
    """No more calls today."""


class Call(msgspec.Struct, frozen=True):
    """Call somebody for me; `number` is what the person wrote: never logged."""

    number: str


class Unknown(msgspec.Struct, frozen=True):
    """Something else; `text` is the person's own words: never logged."""

    text: str


Intent = Help | Status | Queues | Missed | Ready | Break | Offline | Call | Unknown

_HELLO_EN = ("hi", "hello", "hey", "good", "morning", "afternoon", "evening")
_HELLO_DE = ("hallo", "moin", "servus", "grüezi", "guten", "tag", "morgen", "abend")
_HELLO = frozenset((*_HELLO_EN, *_HELLO_DE))
_HELP = frozenset(("help", "hilfe", "?", "start", "commands", "befehle", "menu", "menü"))
_STATUS = frozenset(("status", "stand"))
_READY = frozenset(("ready", "bereit", "available", "verfügbar", "unpause"))
_BREAK = frozenset(("break", "pause"))
_OFFLINE = frozenset(("offline", "abmelden", "feierabend", "logout", "logoff"))
_MISSED = frozenset(("missed", "verpasst", "verpasste", "callbacks", "rückrufe", "rueckrufe"))
_QUEUES = frozenset(("queues", "queue", "warteschlangen", "warteschlange"))
_CALL = frozenset(("call", "dial", "anrufen", "wähle", "wählen"))

_MENTION = re.compile(r"<at\b[^>]*>.*?</at>", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<[^>]{0,200}>")
_LONGEST = 2_000  #: characters that are read; a command is a few words


def understand(text: str, breaks: Sequence[BreakReason] = USUAL) -> Intent:
    """The intent of a chat message; mentions, markup, case, and punctuation at the ends do not matter.

    `breaks` are the reasons that the organisation knows.
    """
    plain = html.unescape(_TAG.sub(" ", _MENTION.sub(" ", text[:_LONGEST])))
    words = unicodedata.normalize("NFC", plain).lower().strip(" \t\r\n.!,;:/").split()
    if not words:
        return Help()
    first, rest = words[0].rstrip(".!,;:"), words[1:]
    if first in _BREAK:
        return Break(reason=_reason(rest, breaks))
    if first in _CALL and any(mark.isdigit() for mark in plain):
        return Call(number=plain.strip().partition(" ")[2].strip())
    if all(word.strip(".!,;:") in _HELLO for word in words):
        return Help(greeted=True)
    if rest:
        return Unknown(text=plain.strip())
    for known, intent in (
        (_HELP, Help()),
        (_STATUS, Status()),
        (_READY, Ready()),
        (_OFFLINE, Offline()),
        (_QUEUES, Queues()),
        (_MISSED, Missed()),
    ):
        if first in known:
            return intent
    return Unknown(text=plain.strip())


def _reason(words: list[str], breaks: Sequence[BreakReason]) -> str:
    """The first reason that is named; other words are not kept."""
    said = [word.strip(".,:;!?-") for word in words]
    return next((reason.id for reason in breaks if reason.is_named(said)), "break")
