"""Several writes as one statement: one way to the server and back instead of one for each."""

import re
from collections.abc import Sequence
from typing import Any

import msgspec

_PARAMETER = re.compile(r"\$(\d+)")


class Write(msgspec.Struct, frozen=True):
    """An insert, update or delete, and what stands for its `$1`, `$2` and so on."""

    sql: str
    values: tuple[Any, ...]


def together(writes: Sequence[Write], last: Write) -> Write:
    """One statement that makes all writes and gives the rows of `last`.

    All of them see the rows as they were before: no two writes may touch the same row. `last` may read what a write
    returns as the table `w0`, `w1` and so on.
    """
    values: list[Any] = []
    parts = [f"w{number} as ({_renumbered(write, values)})" for number, write in enumerate(writes)]
    head = f"with {', '.join(parts)} " if parts else ""
    return Write(head + _renumbered(last, values), tuple(values))


def _renumbered(write: Write, values: list[Any]) -> str:
    """The text with its parameters counted on from those of the writes before it; adds its values to theirs."""
    before = len(values)
    values.extend(write.values)
    return _PARAMETER.sub(lambda found: f"${before + int(found[1])}", write.sql)
