"""How a figure is taken and what is printed of it."""

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One figure. `theirs` is the opponent's or the limit's, in the same unit, from the same run.

    `aim` bounds what we hold ourselves to: our figure (with `by_ratio` the ratio) must be at least, or with `at_most`
    not above it. Without an aim the line only informs.
    """

    work: str
    unit: str
    ours: float
    opponent: str = ""
    theirs: float | None = None
    aim: float | None = None
    at_most: bool = False
    by_ratio: bool = False
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Ours divided by theirs; None without an opponent."""
        return self.ours / self.theirs if self.theirs else None

    @property
    def holds(self) -> bool:
        """Whether the aim is reached."""
        if self.aim is None:
            return True
        judged = (self.ratio or 0.0) if self.by_ratio else self.ours
        return judged <= self.aim if self.at_most else judged >= self.aim


@contextmanager
def undisturbed() -> Iterator[None]:
    """Without pauses of the garbage collector, which would fall on whoever happens to be measured."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def cpu_seconds(work: Callable[[], object]) -> float:
    """Processor seconds of one undisturbed run of `work`: what a neighbour on the machine uses does not count."""
    with undisturbed():
        start = time.process_time()
        work()
        return time.process_time() - start


def table(lines: list[Line]) -> str:
    """The lines as text for a terminal."""
    head = ("work", "ours", "opponent or limit", "theirs", "ratio", "aim", "")
    rows = [head, *(_cells(line) for line in lines)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _cells(line: Line) -> tuple[str, ...]:
    theirs = "" if line.theirs is None else f"{_number(line.theirs)} {line.unit}"
    ratio = "" if line.ratio is None else f"{line.ratio:.3g}"
    aim = (
        ""
        if line.aim is None
        else f"{'<=' if line.at_most else '>='} {'x ' if line.by_ratio else ''}{_number(line.aim)}"
    )
    verdict = "" if line.aim is None else ("holds" if line.holds else "MISSED")
    end = " ".join(part for part in (verdict, line.note) if part)
    return (line.work, f"{_number(line.ours)} {line.unit}", line.opponent, theirs, ratio, aim, end)


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
