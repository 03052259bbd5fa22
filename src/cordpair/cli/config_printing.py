"""Plans and versions of a setup, printed for people and as JSON."""

import pwd
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from cordpair.core.setup_diff import Change, Difference, differences
from cordpair.core.tenant import TenantSetup
from cordpair.engine.config_plan import Plan, Since
from cordpair.engine.config_text import plain
from cordpair.engine.config_words import Speaker

_MARKS = {
    Change.ADDED: "+",
    Change.REMOVED: "-",
    Change.CHANGED: "~",
    Change.MOVED: "~",
    Change.SECRET: "~",
}
_TEXTS: dict[str, tuple[str, str]] = {
    "new": ("{name}: not set up yet", "{name}: noch nicht eingerichtet"),
    "runs": ("{name}: version {version} runs", "{name}: Version {version} läuft"),
    "nothing": ("No changes.", "Keine Änderungen."),
    "counts": ("Changes: {changes}. Warnings: {warnings}.", "Änderungen: {changes}. Warnungen: {warnings}."),
    "drift": (
        "The file is based on version {based_on}; since then:",
        "Die Datei beruht auf Version {based_on}; seitdem:",
    ),
    "theirs": ("Their changes, as far as the file does not say so too, would be undone:",
               "Deren Änderungen gingen verloren, soweit sie nicht auch in der Datei stehen:"),
    "refused": (
        "Refused: take their changes into the file (cordpair config show), or say --force.",
        "Abgelehnt: deren Änderungen in die Datei übernehmen (cordpair config show) oder --force angeben.",
    ),
    "ask": ("Apply?", "Anwenden?"),
    "left": ("Nothing was changed.", "Es wurde nichts geändert."),
    "applied": ("{name}: version {version} runs now.", "{name}: jetzt läuft Version {version}."),
    "noted": ("{file}: based_on is {version} now.", "{file}: based_on ist jetzt {version}."),
    "not_noted": ("{file}: could not be written; set based_on = {version} there.",
                  "{file}: nicht beschreibbar; dort based_on = {version} setzen."),
    "kept": ("Secrets stay as they are now.", "Geheimnisse bleiben, wie sie jetzt sind."),
    "gone": ("Left out, because they are no longer known: {count} agents.",
             "Weggelassen, weil nicht mehr bekannt: {count} Agenten."),
    "none": ("No version is kept.", "Keine Version ist aufbewahrt."),
}  # fmt: skip


def say(key: str, language: str, /, **fields: object) -> str:
    """One of the texts of these commands."""
    return _TEXTS[key][language == "de"].format(**fields)


def plan_lines(plan: Plan, language: str) -> list[str]:
    """The plan for people."""
    runs = say("runs" if plan.version else "new", language, name=plan.after.name, version=plan.version)
    if not plan.differences:
        return [runs, *_warned(plan, language), say("nothing", language)]
    changes = _marked(plan.differences, plan.sentences(language))
    counts = say("counts", language, changes=len(plan.differences), warnings=len(plan.warnings))
    return [runs, *_drift(plan, language), *changes, *_warned(plan, language), counts]


def difference_lines(before: TenantSetup, after: TenantSetup, language: str) -> list[str]:
    """What differs between two setups, for people."""
    found = differences(before, after)
    speaker = Speaker(before, after, language)
    return _marked(found, [speaker.sentence(one) for one in found]) or [say("nothing", language)]


def plan_data(plan: Plan, language: str) -> dict[str, Any]:
    """The plan for programs."""
    texts = plan.sentences(language)
    return {
        "tenant": plan.after.id,
        "version": plan.version,
        "based_on": plan.based_on,
        "has_drifted": plan.has_drifted,
        "changes": [
            {"change": one.change.value, "path": list(one.path), "before": plain(one.before),
             "after": plain(one.after), "text": text}
            for one, text in zip(plan.differences, texts, strict=True)
        ],
        "warnings": [
            {"place": None if place is None else str(place), "path": list(one.path), "text": one.text[language]}
            for place, one in plan.warnings
        ],
        "since": [version_data(one) for one in plan.since],
    }  # fmt: skip


def version_line(it: Since, zone: str) -> str:
    """One version: number, when, who, note."""
    at = it.at.astimezone(ZoneInfo(zone))
    return f"{it.number:>5}  {at:%Y-%m-%d %H:%M:%S}  {who(it.actor)}  {it.note}".rstrip()


def version_data(it: Since) -> dict[str, Any]:
    """The same for programs."""
    return {"version": it.number, "at": it.at.isoformat(), "actor": it.actor, "note": it.note}


def who(actor: str) -> str:
    """An actor, with the name that this machine has for a user of its own."""
    kind, _, number = actor.partition(":")
    if kind != "operator" or not number.isdigit():
        return actor
    try:
        return f"{actor} ({pwd.getpwuid(int(number)).pw_name})"
    except (KeyError, OverflowError):
        return actor


def instant(value: object) -> str:
    """An instant in JSON."""
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(type(value).__name__)


def _drift(plan: Plan, language: str) -> list[str]:
    if not plan.has_drifted:
        return []
    since = [version_line(one, plan.after.time_zone) for one in plan.since]
    theirs = [f"      {one}" for one in plan.their_sentences(language)]
    return [say("drift", language, based_on=plan.based_on), *since, *_headed(say("theirs", language), theirs)]


def _marked(found: Sequence[Difference], sentences: Sequence[str]) -> list[str]:
    return [f"  {_MARKS[one.change]} {sentence}" for one, sentence in zip(found, sentences, strict=True)]


def _headed(head: str, lines: Sequence[str]) -> list[str]:
    return [head, *lines, ""] if lines else []


def _warned(plan: Plan, language: str) -> list[str]:
    return [f"  ! {f'{place}: ' if place else ''}{one.text[language]}" for place, one in plan.warnings]
