"""`cordpair simulate`: a day of a floor that does not exist, by the router that routes the real one."""

import json
import os
import random
import sys
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from cordpair.cli.language import HELP, chosen_language
from cordpair.core.scenario import read_scenario
from cordpair.core.simulation import Simulation
from cordpair.core.tally import ClassFigures, GroupFigures
from cordpair.errors import Rejected

_HEADS = {
    "en": (
        ("contacts", "offered", "answered", "gave up", "standing", "in time", "mean wait", "9 of 10", "longest"),
        ("agents", "hours", "calls", "occupancy", "idlest", "busiest", "Gini"),
    ),
    "de": (
        ("Anrufe", "gekommen", "beantwortet", "aufgelegt", "offen", "pünktlich", "Wartezeit", "9 von 10", "längste"),
        ("Agenten", "Stunden", "Anrufe", "Auslastung", "wenigste", "meiste", "Gini"),
    ),
}

#: How often progress is told on a terminal, in seconds.
_PROGRESS_S = 1.0


def add_to(app: typer.Typer) -> None:
    """Add the command."""

    @app.command("simulate")
    def simulate_command(
        scenario: Annotated[Path, typer.Argument(help="A TOML or JSON file; see docs/reference/scenario.toml.")],
        seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same day.")] = 1,
        as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
        lang: Annotated[str, typer.Option("--lang", help=HELP)] = "",
    ) -> None:
        """Play a day of random calls on a given staff: waits, service level, abandonment, occupancy."""
        language = chosen_language(lang, os.environ)
        simulation = Simulation(read_scenario(read_file(scenario)), random.Random(seed))  # noqa: S311 - chance of a game, not a secret
        played = simulation.run(_progress() if sys.stderr.isatty() else None)
        contacts = [one.figures() for one in played.classes.values()]
        agents = [one.figures() for one in played.groups.values()]
        if as_json:
            data = {"seed": seed, "contacts": contacts, "agents": agents}
            print(json.dumps(msgspec.to_builtins(data), indent=2))
            return
        head, second_head = _HEADS[language]
        print(table(head, [_contact_row(one) for one in contacts]) + "\n")
        print(table(second_head, [_agent_row(one) for one in agents]))


def read_file(path: Path) -> object:
    """The data of a TOML or JSON file. Raises Rejected when it cannot be read."""
    try:
        text = path.read_text(encoding="utf-8")
        return json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except (OSError, ValueError) as exc:
        raise Rejected(f"{path}: {exc}") from exc


def _progress() -> Callable[[float], None]:
    begun = told = time.monotonic()

    def tell(share: float) -> None:
        nonlocal told
        now = time.monotonic()
        if now - told >= _PROGRESS_S:
            told = now
            print(f"\r{share:5.1%}  {now - begun:.0f} s ", end="", file=sys.stderr, flush=True)

    return tell


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Columns to the right, the first to the left."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = []
    for row in (head, *rows):
        cells = [cell.rjust(width) for cell, width in zip(row, widths, strict=True)]
        lines.append("  ".join([row[0].ljust(widths[0]), *cells[1:]]).rstrip())
    return "\n".join(lines)


def _contact_row(one: ClassFigures) -> tuple[str, ...]:
    counts = (one.offered, one.answered, one.abandoned, one.standing)
    level = one.answered_in / one.offered if one.offered else 0.0
    times = (one.mean_wait_s, one.waits.p90_s, one.waits.longest_s)
    return one.name, *(str(count) for count in counts), f"{level:.1%}", *(f"{value:.1f} s" for value in times)


def _agent_row(one: GroupFigures) -> tuple[str, ...]:
    shares = (one.occupancy, one.idlest, one.busiest)
    return one.name, f"{one.staffed_h:.1f}", str(one.taken), *(f"{it:.1%}" for it in shares), f"{one.gini:.3f}"
