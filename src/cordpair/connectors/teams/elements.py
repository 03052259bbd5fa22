"""Pieces of Adaptive Cards, safe for foreign text. Pure.

Text of people and CRMs stands only in `TextRun`s and input titles: those render no Markdown, so no name can become
a link or a heading. Text of our own may stand in `TextBlock`s.
"""

import base64
import re
import struct
import zlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

Element = dict[str, Any]

VERSION = "1.5"  #: what Teams renders on every client
_SCHEMA = "http://adaptivecards.io/schemas/adaptive-card.json"
#: Control characters, and those that turn the direction of what follows.
_HIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]+")
_COLOUR = re.compile(r"#([0-9a-fA-F]{6})")
_DEFAULT_COLOUR = "#5b5fc7"


def adaptive_card(body: Sequence[Element], actions: Sequence[Element] = (), *, speak: str, locale: str) -> Element:
    """A whole card. `speak` is what a screen reader says first."""
    card: Element = {
        "type": "AdaptiveCard",
        "$schema": _SCHEMA,
        "version": VERSION,
        "lang": locale,
        "speak": speak,
        "fallbackText": speak,
        "body": list(body),
    }
    return {**card, "actions": list(actions)} if actions else card


def foreign(value: str, longest: int = 120) -> str:
    """Text that we did not write, on one line, without characters that hide or turn text."""
    line = " ".join(_HIDDEN.sub(" ", value).split())
    # `{{DATE(..)}}` is computed by clients, in runs as well.
    line = line.replace("{{", "{ {")
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


def run(value: str, **style: object) -> Element:
    """A run of text; foreign text is welcome."""
    return {"type": "TextRun", "text": foreign(value, 400), **style}


def own_run(value: str, **style: object) -> Element:
    """A run of our own text, in which `{{TIME(..)}}` is computed by the client."""
    return {"type": "TextRun", "text": value, **style}


def line(*runs: Element, **style: object) -> Element:
    """Runs after each other, wrapped as needed."""
    return {"type": "RichTextBlock", "inlines": list(runs), **style}


def heading(value: str, **style: object) -> Element:
    """Our own words as a heading, for screen readers too."""
    return {"type": "TextBlock", "text": value, "wrap": True, "style": "heading", "weight": "Bolder", **style}


def hint(value: str) -> Element:
    """Our own words, quietly."""
    return {"type": "TextBlock", "text": value, "wrap": True, "isSubtle": True, "size": "Small", "spacing": "Small"}


def execute(title: str, verb: str, data: Mapping[str, object], **style: object) -> Element:
    """A button that comes back to us; inputs of the card travel with it."""
    return {"type": "Action.Execute", "title": title, "verb": verb, "data": dict(data), **style}


def clock(at: datetime) -> str:
    """An instant (aware UTC) that Teams shows as the time of day where the reader is."""
    return "{{TIME(" + at.strftime("%Y-%m-%dT%H:%M:%SZ") + ")}}"


def open_url(title: str, url: str) -> Element | None:
    """A button that opens `url`; None when the address is not one to be opened (https, or http on this machine)."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return None
    local = parts.scheme == "http" and host in ("127.0.0.1", "localhost")
    if not host or not (parts.scheme == "https" or local) or _HIDDEN.search(url) or " " in url:
        return None
    return {"type": "Action.OpenUrl", "title": foreign(title, 60), "url": url}


def choices(name: str, label: str, missing: str, options: Sequence[tuple[str, str]], **more: object) -> Element:
    """A required choice of (value, title); titles may be foreign text."""
    return {
        "type": "Input.ChoiceSet",
        "id": name,
        "label": label,
        "isRequired": True,
        "errorMessage": missing,
        "choices": [{"title": foreign(title), "value": value} for value, title in options],
        **more,
    }


def colour_bar(colour: str, meaning: str) -> Element:
    """A line in the queue's colour across the card; `meaning` is what a screen reader says of it.

    A stretched picture: a container with a background gets the padding of its host, and becomes a thick band.
    """
    return {"type": "Image", "url": _line(colour), "size": "Stretch", "altText": meaning}


def _line(colour: str) -> str:
    """A PNG of 200 by 2 pixels of one colour, as a data address: about four pixels high on a card."""
    found = _COLOUR.fullmatch(colour) or _COLOUR.fullmatch(_DEFAULT_COLOUR)
    assert found is not None
    row = b"\x00" + bytes.fromhex(found.group(1)) * 200
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", 200, 2, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(row * 2, 9)),
        (b"IEND", b""),
    )
    png = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )
    return "data:image/png;base64," + base64.b64encode(png).decode()
