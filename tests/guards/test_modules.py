"""The shape of the code: modules that fit in a head, named by what they do."""

import ast

from tests.guards.sources import modules, name, tree

LONGEST_MODULE = 300  # lines
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}


def test_no_module_is_longer_than_a_reader_can_hold() -> None:
    lengths = {name(path): len(path.read_text(encoding="utf-8").splitlines()) for path in modules()}
    assert {path: lines for path, lines in lengths.items() if lines > LONGEST_MODULE} == {}


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert [name(path) for path in modules() if EMPTY_NAMES & set(path.with_suffix("").parts)] == []


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        path for path in modules() if path.read_text(encoding="utf-8").strip() and not ast.get_docstring(tree(path))
    ]
    assert [name(path) for path in silent] == []
