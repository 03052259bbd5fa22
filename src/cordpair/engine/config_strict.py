"""Data of a file made into a typed setup, strictly: an unknown key is a mistake, and the nearest known one is named.

Stored setups are read leniently, so that an older version can read what a newer one wrote; what a person wrote is not.
"""

import difflib
import re
from collections.abc import Iterator
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

from cordpair.engine.config_places import KeyPath

T = TypeVar("T")


class Problem(msgspec.Struct, frozen=True):
    """Something wrong at a path; an empty path is the whole."""

    path: KeyPath
    what: str


class Unusable(Exception):
    """Data that cannot be made into the type; with everything that is wrong, as far as it can be told at once."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("; ".join(problem.what for problem in problems))
        self.problems = problems


def converted(data: Any, kind: type[T]) -> T:
    """`data` as a `kind`. Raises Unusable."""
    unknown = tuple(_unknown((), data, inspect.type_info(kind)))
    if unknown:
        raise Unusable(unknown)
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as exc:
        raise Unusable((_problem(str(exc), data, kind),)) from exc
    except RecursionError as exc:
        raise Unusable((Problem((), "is nested without end"),)) from exc


def _unknown(path: KeyPath, data: Any, kind: inspect.Type) -> Iterator[Problem]:
    match kind:
        case inspect.UnionType(types=types):
            yield from _unknown(path, data, _meant(data, types))
        case inspect.StructType() if isinstance(data, dict):
            yield from _unknown_of_struct(path, data, kind)
        case inspect.DictType(value_type=inner) if isinstance(data, dict):
            for key, value in data.items():
                yield from _unknown((*path, key), value, inner)
        case inspect.CollectionType(item_type=inner) if isinstance(data, list):
            for number, value in enumerate(data):
                yield from _unknown((*path, number), value, inner)
        case _:
            return


def _unknown_of_struct(path: KeyPath, data: dict[str, Any], kind: inspect.StructType) -> Iterator[Problem]:
    known = {field.encode_name: field.type for field in kind.fields}
    for key, value in data.items():
        if key in known:
            yield from _unknown((*path, key), value, known[key])
        elif key != kind.tag_field:
            yield Problem((*path, key), _said_of(key, [*known, *([kind.tag_field] if kind.tag_field else [])]))


def _meant(data: Any, types: tuple[inspect.Type, ...]) -> inspect.Type:
    """Which of several types the data is to be: by its tag; the only struct or list of them, otherwise."""
    structs = [kind for kind in types if isinstance(kind, inspect.StructType)]
    for kind in structs:
        if kind.tag_field and isinstance(data, dict) and data.get(kind.tag_field) == kind.tag:
            return kind
    if len(structs) == 1 and not structs[0].tag_field:
        return structs[0]
    lists = [kind for kind in types if isinstance(kind, inspect.CollectionType | inspect.DictType)]
    return lists[0] if lists and not structs else inspect.AnyType()


def _said_of(key: str, known: list[str]) -> str:
    near = difflib.get_close_matches(key, known, n=1)
    return f'unknown key "{key}"' + (f'; did you mean "{near[0]}"?' if near else f"; known are {', '.join(known)}")


def _problem(said: str, data: Any, kind: Any) -> Problem:
    """What msgspec says, with its path (`$.queues[0].name`) made into ours."""
    what, _, where = said.partition(" - at `")
    path: KeyPath = ()
    for name, number in re.findall(r"\.([^.\[\]]+)|\[([^\]]*)\]", where.rstrip("`").removeprefix("$")):
        path = (*path, name or (int(number) if number.isdigit() else _key(said, data, path, kind)))
    return Problem(path, what[:1].lower() + what[1:])


def _key(said: str, data: Any, path: KeyPath, kind: Any) -> str:
    """msgspec names no key of a dict (`[...]`): the wrong one is that which alone gives the same mistake."""
    for key, value in _at(data, path).items():
        try:
            msgspec.convert(_with(data, path, {key: value}), kind)
        except msgspec.ValidationError as exc:
            if str(exc) == said:
                return str(key)
    return ""


def _at(data: Any, path: KeyPath) -> Any:
    for part in path:
        data = data[part]
    return data


def _with(data: Any, path: KeyPath, value: Any) -> Any:
    """`data` with `value` at `path`; the rest is shared."""
    if not path:
        return value
    copy = data.copy()
    copy[path[0]] = _with(data[path[0]], path[1:], value)
    return copy
