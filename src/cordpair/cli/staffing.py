"""`cordpair staffing`: how many agents are enough for what comes in."""

import json
import math
import os
import re
from typing import Annotated

import msgspec
import typer

from cordpair.cli.language import HELP, chosen_language
from cordpair.core.staffing import Goal, LevelDefinition, Load, Outlook, agents_needed, on_the_roster, outlook
from cordpair.errors import Rejected


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """What the command says, in one language."""

    load: str
    patience: str
    no_patience: str
    head: tuple[str, str, str, str, str, str]
    least: str
    roster: str
    ever: str


_WORDS = {
    "en": Words(
        load="{erlangs:.1f} Erlangs come in: {calls:g} calls in {per}, {handling} each",
        patience="callers wait {patience} on average before they give up",
        no_patience="callers wait for ever",
        head=("agents", "in time", "wait", "give up", "mean wait", "occupancy"),
        least="{agents} agents are the least that are enough.",
        roster="{roster} on the roster, with {shrinkage:g} % for breaks, training and illness.",
        ever="for ever",
    ),
    "de": Words(
        load="{erlangs:.1f} Erlang kommen an: {calls:g} Anrufe in {per}, je {handling}",
        patience="Anrufende warten im Mittel {patience}, bevor sie auflegen",
        no_patience="Anrufende warten ohne Ende",
        head=("Agenten", "pünktlich", "warten", "legen auf", "Wartezeit", "Auslastung"),
        least="{agents} Agenten sind die wenigsten, die genügen.",
        roster="{roster} im Dienstplan, mit {shrinkage:g} % für Pausen, Schulung und Krankheit.",
        ever="ohne Ende",
    ),
}
_UNITS = {"": 1, "s": 1, "m": 60, "min": 60, "h": 3600}
_TIME = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|min|h)?")
_TARGET = re.compile(r"(\d+(?:\.\d+)?)\s*/\s*(.+)")

#: How many agents to the left and right of the answer are shown.
_AROUND = 3

Calls = Annotated[float, typer.Option("--calls", help="How many calls come.")]
Per = Annotated[str, typer.Option("--per", help="In which time they come: 30m, 1h.")]
Handling = Annotated[str, typer.Option("--handling", help="Mean handling time of a call, wrap-up included: 240s, 4m.")]
Target = Annotated[str, typer.Option("--target", help="Share / time of the service level: 80/20s.")]
Patience = Annotated[str, typer.Option("--patience", help="Mean patience of callers (Erlang A); none: for ever (C).")]
Definition = Annotated[LevelDefinition, typer.Option("--definition", help="What the service level counts.")]
Abandons = Annotated[float | None, typer.Option("--abandons", help="Most percent of callers that may give up.")]
Occupancy = Annotated[float | None, typer.Option("--occupancy", help="Most percent of their time agents may be busy.")]
Shrinkage = Annotated[float, typer.Option("--shrinkage", help="Percent of paid time that is not at the phone.")]
Agents = Annotated[int | None, typer.Option("--agents", help="How it goes with this many, instead of the least.")]


def add_to(app: typer.Typer) -> None:
    """Add the command."""

    @app.command("staffing")
    def staffing_command(
        calls: Calls,
        handling: Handling,
        per: Per = "30m",
        target: Target = "80/20s",
        patience: Patience = "",
        definition: Definition = LevelDefinition.OF_OFFERED,
        abandons: Abandons = None,
        occupancy: Occupancy = None,
        shrinkage: Shrinkage = 0.0,
        agents: Agents = None,
        as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
        lang: Annotated[str, typer.Option("--lang", help=HELP)] = "",
    ) -> None:
        """The least number of agents for a load and a goal, and how it goes with a few more or less (Erlang A, C)."""
        load = Load(
            calls_per_s=calls / seconds("--per", per),
            handling_s=seconds("--handling", handling),
            patience_s=seconds("--patience", patience) if patience else None,
        )
        goal = read_goal(target, definition, abandons, occupancy)
        found = outlook(load, agents, goal.within_s) if agents is not None else agents_needed(load, goal)
        roster = on_the_roster(found.agents, shrinkage / 100)
        if as_json:
            print(json.dumps(as_data(load, goal, found, roster), indent=2))
            return
        words = _WORDS[chosen_language(lang, os.environ)]
        print(words.load.format(erlangs=load.erlangs, calls=calls, per=per, handling=handling))
        print(words.patience.format(patience=patience) if patience else words.no_patience)
        print("\n" + "\n".join(table(words, load, goal, found)) + "\n")
        if agents is None:
            print(words.least.format(agents=found.agents))
        if shrinkage:
            print(words.roster.format(roster=roster, shrinkage=shrinkage))


def table(words: Words, load: Load, goal: Goal, found: Outlook) -> list[str]:
    """The outlook with some agents less and more than `found`, which is marked."""
    sizes = range(max(1, found.agents - _AROUND), found.agents + _AROUND + 1)
    rows = [_row(words, outlook(load, size, goal.within_s), goal) for size in sizes]
    widths = [max(map(len, column)) for column in zip(words.head, *rows, strict=True)]
    marks = ["  ", *("> " if size == found.agents else "  " for size in sizes)]
    return [
        mark + "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        for mark, row in zip(marks, [words.head, *rows], strict=True)
    ]


def _row(words: Words, figures: Outlook, goal: Goal) -> tuple[str, ...]:
    wait = words.ever if math.isinf(figures.wait_s) else f"{figures.wait_s:.1f} s"
    shares = (figures.level(goal.definition), figures.waits, figures.abandons)
    return str(figures.agents), *(f"{share:.1%}" for share in shares), wait, f"{figures.occupancy:.1%}"


def as_data(load: Load, goal: Goal, found: Outlook, roster: int) -> dict[str, object]:
    """The answer as data: shares between 0 and 1, times in seconds, an endless wait as null."""
    return {
        "erlangs": load.erlangs,
        "agents": found.agents,
        "roster": roster,
        "is_enough": goal.is_met(found),
        "service_level": {
            "definition": goal.definition,
            "within_s": goal.within_s,
            "share": found.level(goal.definition),
        },
        "waits": found.waits,
        "abandons": found.abandons,
        "wait_s": None if math.isinf(found.wait_s) else found.wait_s,
        "occupancy": found.occupancy,
    }


def seconds(option: str, text: str) -> float:
    """ "90", "90s", "4m", "4min", "1.5h" in seconds. Raises Rejected for anything else, and for nothing."""
    matched = _TIME.fullmatch(text.strip())
    if matched is None or float(matched[1]) == 0:
        raise Rejected(f"{option}: a time such as 90s, 4m or 1h, not {text!r}")
    return float(matched[1]) * _UNITS[matched[2] or ""]


def read_goal(
    target: str, definition: LevelDefinition, abandons: float | None = None, occupancy: float | None = None
) -> Goal:
    """ "80/20s" and the limits in percent as a goal. Raises Rejected for what makes no sense."""
    matched = _TARGET.fullmatch(target.strip())
    if matched is None:
        raise Rejected(f"--target: a share in percent and a time, such as 80/20s, not {target!r}")
    within = matched[2].strip()
    return Goal(
        share=float(matched[1]) / 100,
        within_s=0.0 if within in ("0", "0s") else seconds("--target", within),
        definition=definition,
        abandons_at_most=None if abandons is None else abandons / 100,
        occupancy_at_most=None if occupancy is None else occupancy / 100,
    )
