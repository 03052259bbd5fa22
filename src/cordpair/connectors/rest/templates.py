"""Templates and expressions of a mapping file: JMESPath, compiled when the file is read, with no way to run code.

Expressions read values and nothing else; there are no loops, and four functions of ours stand beside JMESPath's own:
`base64(text)`, `odata(text)` and `soql(text)` for text inside a quoted literal, `digits(text)`.
"""

import base64
import functools
import re
import warnings
from collections.abc import Iterator, Mapping
from urllib.parse import quote

import jmespath
from jmespath import exceptions, functions

Context = Mapping[str, object]
_PLACE = re.compile(r"\{\{(.+?)\}\}", re.DOTALL)
_LONGEST = 1_000  # characters of one expression


class BadExpression(ValueError):
    """An expression that cannot be read; the text says why."""


class _Functions(functions.Functions):
    @functions.signature({"types": ["string"]})
    def _func_base64(self, text: str) -> str:
        return base64.b64encode(text.encode()).decode()

    @functions.signature({"types": ["string"]})
    def _func_odata(self, text: str) -> str:
        return text.replace("'", "''")

    @functions.signature({"types": ["string"]})
    def _func_soql(self, text: str) -> str:
        return text.replace("\\", "\\\\").replace("'", "\\'")

    @functions.signature({"types": ["string"]})
    def _func_digits(self, text: str) -> str:
        return "".join(mark for mark in text if mark.isdigit())


_OPTIONS = jmespath.Options(custom_functions=_Functions())


class Expr:
    """One compiled expression. Raises BadExpression for what cannot be read."""

    def __init__(self, text: str) -> None:
        if len(text) > _LONGEST:
            raise BadExpression(f"an expression has at most {_LONGEST} characters")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")  # of a literal in backticks that is no JSON
                self._compiled = jmespath.compile(text.strip())
        except PendingDeprecationWarning as exc:
            raise BadExpression(f"`{text.strip()}`: what stands in backticks is JSON; write texts as 'text'") from exc
        except (exceptions.JMESPathError, RecursionError) as exc:
            raise BadExpression(f"`{text.strip()}` is no JMESPath: {str(exc).splitlines()[0]}") from exc

    def read(self, context: object) -> object:
        """The value; None where there is none, and where a function was given what it cannot take."""
        try:
            return self._compiled.search(context, options=_OPTIONS)
        except exceptions.JMESPathError:
            return None

    def roots(self) -> set[tuple[str, str]]:
        """The names that it begins with, each with the name behind it or an empty text."""
        return set(_roots(self._compiled.parsed))


def _roots(node: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    kind, children = node["type"], node.get("children") or []
    assert isinstance(children, list)
    match kind:
        case "field":
            yield str(node["value"]), ""
        case "subexpression":
            first, second = children[0], children[1]
            if first["type"] == second["type"] == "field":
                yield str(first["value"]), str(second["value"])
            else:
                yield from _roots(first)
        case "pipe" | "index_expression" | "projection" | "filter_projection" | "value_projection" | "flatten":
            yield from _roots(children[0])
        case "literal" | "current" | "identity":
            pass
        case _:
            for child in children:
                yield from _roots(child)


class Text:
    """A compiled template. Raises BadExpression."""

    def __init__(self, text: str) -> None:
        pieces = _PLACE.split(text)
        self._parts: list[str | Expr] = [Expr(piece) if at % 2 else piece for at, piece in enumerate(pieces)]
        self._alone = pieces[1:] and not pieces[0] and not pieces[2] and len(pieces) == 3

    @property
    def expressions(self) -> list[Expr]:
        return [part for part in self._parts if isinstance(part, Expr)]

    def value(self, context: Context) -> object:
        """The value of the one expression that the text is, with its type; else the text."""
        if self._alone:
            return self.expressions[0].read(context)
        return self.text(context)

    def text(self, context: Context, *, in_path: bool = False) -> str:
        """The text with all values put in; percent-encoded where it is a path."""
        return "".join(part if isinstance(part, str) else _put(part.read(context), in_path) for part in self._parts)


@functools.lru_cache(maxsize=4096)
def template(text: str) -> Text:
    """A compiled template, compiled once. Raises BadExpression."""
    return Text(text)


@functools.lru_cache(maxsize=4096)
def expression(text: str) -> Expr:
    """A compiled expression, compiled once. Raises BadExpression."""
    return Expr(text)


def _put(value: object, in_path: bool) -> str:
    text = as_text(value)
    return quote(text, safe="") if in_path else text


def as_text(value: object) -> str:
    """How a value stands in a text: nothing for null, `true` and `false`, numbers as they are read."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer():
            return str(int(value))
        case _:
            return str(value)


def rendered(value: object, context: Context) -> object:
    """A JSON value with its templates filled in. Entries of an object whose one template is null are left out."""
    match value:
        case str():
            return template(value).value(context)
        case dict():
            filled = ((name, one, rendered(one, context)) for name, one in value.items())
            return {name: new for name, old, new in filled if not (new is None and old is not None)}
        case list():
            return [rendered(one, context) for one in value]
        case _:
            return value


def rendered_texts(values: Mapping[str, str], context: Context) -> dict[str, str]:
    """Texts by name with their templates filled in; those that are one template without a value are left out."""
    filled = ((name, template(text).value(context)) for name, text in values.items())
    return {name: as_text(value) for name, value in filled if value is not None}
