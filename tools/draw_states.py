"""Draws docs/reference/{call,agent}-states.md from the tables of legal moves: `python -m tools.draw_states`."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from cordpair.core import agent, call

State = TypeVar("State", bound=StrEnum)
Step = TypeVar("Step", bound=StrEnum)

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "reference"

_HEAD = """# {title}

<!-- Drawn from {source} by `python -m tools.draw_states`. Change that table, not this page. -->

{sentence} What is not drawn here is refused: the event changes nothing.

```mermaid
stateDiagram-v2
{diagram}
```

| in state | step | may lead to |
| --- | --- | --- |
{rows}
"""


def draw(moves: Mapping[tuple[State, Step], frozenset[State]], *, first: State, last: State | None) -> str:
    """The table as a mermaid state diagram: one arrow for each pair of states, labelled with all its steps."""
    arrows: dict[tuple[State, State], list[str]] = {}
    for (state, step), targets in moves.items():
        for target in sorted(targets):
            arrows.setdefault((state, target), []).append(step.value)
    lines = [f"    [*] --> {first}"]
    lines += [
        f"    {state} --> {target}: {', '.join(sorted(steps))}" for (state, target), steps in sorted(arrows.items())
    ]
    return "\n".join(lines + ([f"    {last} --> [*]"] if last else []))


def table(moves: Mapping[tuple[State, Step], frozenset[State]]) -> str:
    """The table as rows of Markdown."""

    def rows() -> Iterator[str]:
        for (state, step), targets in sorted(moves.items()):
            yield f"| `{state}` | {step} | {', '.join(f'`{target}`' for target in sorted(targets))} |"

    return "\n".join(rows())


def pages() -> dict[Path, str]:
    """Each page with the text that it must have."""
    return {
        FOLDER / "call-states.md": _HEAD.format(
            title="The states of a call",
            source="MOVES in src/cordpair/core/call.py",
            sentence="Every legal step in the life of one call.",
            diagram=draw(call.MOVES, first=call.CallState.HEARD_OF, last=call.CallState.CLOSED),
            rows=table(call.MOVES),
        ),
        FOLDER / "agent-states.md": _HEAD.format(
            title="The states of an agent",
            source="MOVES in src/cordpair/core/agent.py",
            sentence="Every legal step in the day of one agent.",
            diagram=draw(agent.MOVES, first=agent.AgentState.OFFLINE, last=None),
            rows=table(agent.MOVES),
        ),
    }


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
