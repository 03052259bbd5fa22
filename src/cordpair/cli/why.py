"""`cordpair why CALL`: what happened to a call, and why it was offered to whom."""

import asyncio
import json
import os
import tomllib
from collections.abc import Sequence
from importlib.resources import files
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import msgspec
import typer

from cordpair.cli.language import HELP, chosen_language
from cordpair.cli.opened import open_store, the_tenant
from cordpair.core.changes import HistoryEntry
from cordpair.core.ids import AgentId, CallId
from cordpair.errors import Rejected
from cordpair.settings import read_settings

Words = dict[str, Any]


def add_to(app: typer.Typer) -> None:
    """Add the command."""

    @app.command("why")
    def why_command(
        call: Annotated[str, typer.Argument(help="The call's id, as the floor page and the logs name it.")],
        tenant: Annotated[
            str | None, typer.Option("--tenant", help="Entra tenant id; where there are several.")
        ] = None,
        as_json: Annotated[bool, typer.Option("--json", help="Print the history as JSON.")] = False,
        lang: Annotated[str, typer.Option("--lang", help=HELP)] = "",
    ) -> None:
        """Tell the life of a call: each offer with its rule, the candidates, the step and who would have been next."""
        language = chosen_language(lang, os.environ)
        told = asyncio.run(_read(CallId(call.strip().lower()), tenant))
        if as_json:
            print(json.dumps(msgspec.to_builtins(told.history), indent=2))
        else:
            print("\n".join(lines(told, words_of(language))))


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """A call's history, the names of agents by their ids, and the time zone of its organisation."""

    history: list[HistoryEntry]
    names: dict[AgentId, str]
    zone: str


async def _read(call: CallId, named: str | None) -> Told:
    async with open_store(read_settings()) as store:
        tenant = await the_tenant(store, named)
        async with store.open_tenant(tenant) as rows:
            history = await rows.calls.history_of(call)
            agents, setup = await rows.agents.set_up(), await rows.setups.get()
    if not history:
        raise Rejected(f"no call {call} is known, or it is too long ago")
    names = {agent.id: agent.name for agent in agents}
    return Told(history=history, names=names, zone=setup.time_zone if setup else "UTC")


def words_of(language: str) -> Words:
    """What the command says, in one language."""
    text = files("cordpair.cli").joinpath("why_words.toml").read_text(encoding="utf-8")
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
