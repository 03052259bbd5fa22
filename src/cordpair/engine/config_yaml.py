"""YAML as configuration: the plain data of a text, and where each key stands.

The words of YAML 1.2 only: `no`, `on` and `12:30` are texts, so that Norway is a country and a time is a time.
"""

import re
from collections.abc import Mapping
from typing import Any

import yaml

from cordpair.engine.config_places import KeyPath, Place

_MOST_NODES = 200_000  # aliases may repeat a part, not blow it up


class WrongYaml(ValueError):
    """A text that is no configuration in YAML; `line` and `column` count from 1."""

    def __init__(self, what: str, line: int, column: int) -> None:
        super().__init__(what)
        self.line, self.column = line, column


class _Words(yaml.SafeLoader):
    """Reads plain words as YAML 1.2 does."""


_Words.yaml_implicit_resolvers = {}

for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", "~nN"),
    ("int", r"[-+]?[0-9]+", "-+0123456789"),
    ("float", r"[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*)(?:[eE][-+]?[0-9]+)?|[-+]?[0-9]+[eE][-+]?[0-9]+", "-+.0123456789"),
    (
        "timestamp",
        r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[Tt ][0-9:.]+(?:[Zz]|[-+][0-9]{2}:[0-9]{2})?)?",
        "0123456789",
    ),
):
    _Words.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})$"), [*_first, ""])


def yaml_document(file: str, text: str) -> tuple[Any, Mapping[KeyPath, Place]]:
    """The data of a YAML text and the place of every key and list item. Raises WrongYaml."""
    loader = _Words(text)
    try:
        node = loader.get_single_node()
        reading = _Reading(file, loader)
        return ({} if node is None else reading.value((), node)), reading.places
    except yaml.MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        what = exc.problem or exc.context or "is no YAML"
        raise WrongYaml(what, *((mark.line + 1, mark.column + 1) if mark else (1, 1))) from exc
    except (yaml.YAMLError, RecursionError) as exc:
        raise WrongYaml("is no YAML that can be read", 1, 1) from exc
    finally:
        loader.dispose()


class _Reading:
    def __init__(self, file: str, loader: _Words) -> None:
        self._file, self._loader, self._count = file, loader, 0
        self.places: dict[KeyPath, Place] = {}

    def value(self, path: KeyPath, node: yaml.Node) -> Any:
        """The value of a node. Keys are texts as they stand there: a menu's key 1 is `"1"`."""
        self._count += 1
        if self._count > _MOST_NODES:
            raise _wrong("repeats itself beyond measure", node)
        if isinstance(node, yaml.SequenceNode):
            return [self._noted((*path, number), item) for number, item in enumerate(node.value)]
        if isinstance(node, yaml.MappingNode):
            return self._mapping(path, node)
        try:
            return self._loader.construct_object(node)
        except ValueError as exc:
            raise _wrong("is no date or time that there is", node) from exc

    def _mapping(self, path: KeyPath, node: yaml.MappingNode) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise _wrong("a key must be a word", key)
            if key.value in found:
                raise _wrong(f'the key "{key.value}" stands there twice', key)
            self.places[(*path, key.value)] = self._place(key)
            found[key.value] = self.value((*path, key.value), value)
        return found

    def _noted(self, path: KeyPath, node: yaml.Node) -> Any:
        self.places[path] = self._place(node)
        return self.value(path, node)

    def _place(self, node: yaml.Node) -> Place:
        return Place(self._file, node.start_mark.line + 1, node.start_mark.column + 1)


def _wrong(what: str, node: yaml.Node) -> WrongYaml:
    return WrongYaml(what, node.start_mark.line + 1, node.start_mark.column + 1)
