"""Reads Adaptive Cards as a person in Teams does: what can be pressed, what can be filled in."""

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

CONTENT_TYPE = "application/vnd.microsoft.card.adaptive"
NEWEST_VERSION = (1, 5)  # what Teams renders everywhere
_NOTES = (
    "Adresse geändert, Bestätigung per Brief.",
    "Wants the events calendar by post.",
    "Rechnung erneut zugeschickt.",
    "Asked about the membership fee.",
    "Bittet um Rückruf am Nachmittag.",
    "",
)


@dataclass(frozen=True)
class Button:
    """An action that sends something to the bot (Action.Execute or Action.Submit)."""

    type: str
    verb: str
    data: dict[str, Any]
    title: str


def problem(content: Any) -> str | None:
    """Why Teams would not take this card, or None."""
    if not isinstance(content, dict) or content.get("type") != "AdaptiveCard":
        return "not an AdaptiveCard"
    found = re.fullmatch(r"(\d+)\.(\d+)", str(content.get("version", "")))
    if not found:
        return "no version"
    if (int(found[1]), int(found[2])) > NEWEST_VERSION:
        return f"version {found[0]} is newer than Teams renders everywhere"
    return None


def elements(node: Any) -> Iterator[dict[str, Any]]:
    """Every element and action of a card, depth first."""
    if isinstance(node, list):
        for child in node:
            yield from elements(child)
    elif isinstance(node, dict):
        if isinstance(node.get("type"), str):
            yield node
        for name, child in node.items():
            if name != "data" and isinstance(child, dict | list):
                yield from elements(child)


def buttons(card: dict[str, Any]) -> list[Button]:
    """What can be pressed."""
    found = []
    for element in elements(card):
        if element["type"] in ("Action.Execute", "Action.Submit"):
            data = element.get("data")
            data = dict(data) if isinstance(data, dict) else {}
            found.append(Button(element["type"], str(element.get("verb", "")), data, str(element.get("title", ""))))
    return found


def button(card: dict[str, Any], verb: str) -> Button | None:
    return next((found for found in buttons(card) if found.verb == verb), None)


def choices(card: dict[str, Any], name: str) -> list[str]:
    """What can be chosen in the choice set of this name."""
    for element in elements(card):
        if element["type"] == "Input.ChoiceSet" and element.get("id") == name:
            return [str(choice.get("value", "")) for choice in element.get("choices", []) if isinstance(choice, dict)]
    return []


def filled(card: dict[str, Any], dice: random.Random) -> dict[str, str]:
    """The card's inputs, filled in by a person: a choice of each choice set, sometimes a note."""
    values: dict[str, str] = {}
    for element in elements(card):
        name, kind = str(element.get("id", "")), element["type"]
        if not name or not kind.startswith("Input."):
            continue
        if kind == "Input.ChoiceSet":
            choices = [
                str(choice.get("value", "")) for choice in element.get("choices", []) if isinstance(choice, dict)
            ]
            values[name] = dice.choice(choices) if choices else str(element.get("value", ""))
        elif kind == "Input.Text":
            values[name] = dice.choice(_NOTES) or ("-" if element.get("isRequired") else "")
        elif kind == "Input.Toggle":
            values[name] = str(element.get("value", element.get("valueOff", "false")))
    return values
