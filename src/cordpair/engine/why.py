"""Why a call was offered to whom: its history, told in words. For the command line and the API alike."""

import tomllib
from collections.abc import Sequence
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from cordpair.core.changes import HistoryEntry
from cordpair.core.ids import AgentId, CallId
from cordpair.errors import Rejected
from cordpair.store.doors import TenantRows

Words = dict[str, Any]


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """A call's history, the names of agents by their ids, and the time zone of its organisation."""

    history: list[HistoryEntry]
    names: dict[AgentId, str]
    zone: str


async def read_told(rows: TenantRows, call: CallId) -> Told:
    """What is known of a call. Raises Rejected (404) for one that is not known (any more)."""
    history = await rows.calls.history_of(call)
    if not history:
        raise Rejected(f"no call {call} is known, or it is too long ago", status=404)
    agents, setup = await rows.agents.set_up(), await rows.setups.get()
    names = {agent.id: agent.name for agent in agents}
    return Told(history=history, names=names, zone=setup.time_zone if setup else "UTC")


def words_of(language: str) -> Words:
    """What is said of a call, in one language."""
    text = files("cordpair.engine").joinpath("why_words.toml").read_text(encoding="utf-8")
    return {**tomllib.loads(text)[language]}


def lines(told: Told, words: Words) -> Sequence[str]:
    """One line for each thing that happened; after an offer, why."""
    zone = ZoneInfo(told.zone)
    found = [
        f"{entry.at.astimezone(zone):%Y-%m-%d %H:%M:%S.%f}"[:-3] + f"  {_what(entry, told, words)}"
        for entry in told.history
    ]
    return [part for line, entry in zip(found, told.history, strict=True) for part in (line, *_why(entry, told, words))]


def _what(entry: HistoryEntry, told: Told, words: Words) -> str:
    text: str = words["events"].get(entry.what, entry.what)
    if entry.agent:
        text += f": {told.names.get(entry.agent, entry.agent)}"
    if "why" in entry.detail:
        text += f" ({words['ends'].get(entry.detail['why'], entry.detail['why'])})"
    if entry.before != entry.after:
        states = words["states"]
        text += f"  [{states.get(entry.before, entry.before)} → {states.get(entry.after, entry.after)}]"
    return text


def _why(entry: HistoryEntry, told: Told, words: Words) -> list[str]:
    """The reasons of an offer; nothing for whatever else happened."""
    detail = entry.detail
    if "rule" not in detail:
        return []
    parts = [words["rules"].get(detail["rule"], detail["rule"]).format(**detail)]
    parts += [
        words["reasons"][name].format(**detail) for name in ("waited_s", "idle_s", "presence_s") if name in detail
    ]
    if int(detail.get("steps", "1")) > 1:
        parts.append(words["reasons"]["step"].format(**detail))
    if detail.get("excluded", "0") != "0":
        parts.append(words["reasons"]["excluded"].format(**detail))
    if "next" in detail:
        other = told.names.get(AgentId(detail["next"]), detail["next"])
        parts.append(words["reasons"]["next"].format(next=other))
    return [" " * 25 + part for part in parts]
