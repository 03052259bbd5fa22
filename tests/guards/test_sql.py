"""All SQL stands in the store."""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.guards.sources import PACKAGE, modules, name, tree

_STATEMENT = re.compile(
    r"\s*(select\b.+\bfrom\b|insert\s+into\b|update\b.+\bset\b|delete\s+from\b|truncate\s|"
    r"(create|alter|drop)\s+(table|index|role|policy|schema|database)\b|with\b.+\bas\s*\()",
    re.DOTALL,
)


def is_sql(text: str) -> bool:
    """Whether a text begins like a statement. `Select a caller` does not: SQL's first word is all small or capital."""
    first = text.split(maxsplit=1)[:1]
    return bool(first) and (first[0].islower() or first[0].isupper()) and bool(_STATEMENT.match(text.lower()))


def statements(module: ast.Module) -> Iterator[int]:
    """Lines with SQL in them."""
    for node in ast.walk(module):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and is_sql(node.value):
            yield node.lineno


def test_sql_stands_in_the_store_only() -> None:
    outside = [path for path in modules() if (PACKAGE / "store") not in path.parents]
    assert [f"{name(path)}:{line}" for path in outside for line in statements(tree(path))] == []


@pytest.mark.parametrize(
    "text",
    [
        "'select id from calls'",
        "'''\n  insert into inbox values ($1)'''",
        "'UPDATE calls SET state = $1'",
        "f'delete from calls where id = {call}'",
        "'with due as (select 1) select * from due'",
    ],
)
def test_planted_sql_is_caught(text: str) -> None:
    assert list(statements(ast.parse(text)))


@pytest.mark.parametrize("text", ["'Select a caller from the list'", "'update the card'", "'with care'"])
def test_ordinary_words_are_left_alone(text: str) -> None:
    assert not list(statements(ast.parse(text)))
