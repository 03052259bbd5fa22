"""Nobody goes past the audit trail: what needs a privilege is called in one place only, which writes it down."""

import ast
from pathlib import Path

import pytest

from tests.guards.sources import PACKAGE, modules, name, tree

#: (part of the tenant's door, method) that only this module may call.
GUARDED = {("setups", "configure"), ("outbox", "retry_parked"), ("inbox", "retry"), ("flows", "retry_parked")}
GUARDED |= {("audit", "append"), ("versions", "put")}
ALLOWED = PACKAGE / "engine" / "privileged.py"


def calls(module: ast.Module) -> set[tuple[str, str]]:
    """Every `x.part.method(...)` in the module."""
    return {
        (node.func.value.attr, node.func.attr)
        for node in ast.walk(module)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Attribute)
    }


def makers_of_links(paths: list[Path]) -> set[str]:
    """Modules that make a link to the floor without writing it down."""
    texts = {path: path.read_text(encoding="utf-8") for path in paths}
    return {name(path) for path, text in texts.items() if " floor_link(" in text and "note_link_made(" not in text}


def test_privileged_actions_are_called_where_they_are_written_down() -> None:
    found = {name(path): calls(tree(path)) & GUARDED for path in modules() if path != ALLOWED}
    assert {path: what for path, what in found.items() if what} == {}


def test_the_guard_sees_every_one_of_them_where_it_belongs() -> None:
    assert calls(tree(ALLOWED)) >= GUARDED


def test_whoever_makes_a_link_to_the_floor_writes_it_down() -> None:
    makers = makers_of_links([path for path in modules() if path.name != "floor_access.py"])
    assert makers == set()


@pytest.mark.parametrize("text", ["async def f(rows): await rows.setups.configure(1)", "rows.inbox.retry(7)"])
def test_a_planted_way_past_the_trail_is_found(text: str) -> None:
    assert calls(ast.parse(text)) & GUARDED
