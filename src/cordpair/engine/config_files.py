"""An organisation in one text or several: read, put together, and checked; every mistake with its place.

In a folder `organisation`, `agents`, each file in `queues/` (one queue) and each file in `flows/` (one flow) are its
parts; any file that is given alone is the whole. TOML, YAML and JSON are told apart by the ending of the name.
"""

import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import Any

import msgspec

from cordpair.core.tenant import TenantSetup
from cordpair.engine.config_places import KeyPath, Place, toml_places
from cordpair.engine.config_strict import Problem, Unusable, converted
from cordpair.engine.config_yaml import WrongYaml, yaml_document
from cordpair.errors import Rejected

ENDINGS = (".toml", ".yaml", ".yml", ".json")
#: Folders whose files are one item each of the list of that name.
LISTS = ("queues", "flows")
#: What a file says of itself: the version of the setup that it was made from.
BASED_ON = "based_on"


class Text(msgspec.Struct, frozen=True):
    """One file: its name as people see it, its place within the folder (`queues/a.toml`), and its bytes."""

    name: str
    inside: str
    data: bytes


class Organisation(msgspec.Struct, frozen=True, kw_only=True):
    """What the texts say: a setup, the version it says to be based on, and where everything stands."""

    setup: TenantSetup
    based_on: int | None
    places: Mapping[KeyPath, Place]

    def place(self, path: KeyPath) -> Place | None:
        """Where `path`, or what is nearest around it, stands."""
        return nearest(self.places, path)


class Misread(Rejected):
    """Texts that are no organisation: one line for each mistake, `file:line:column: what`."""

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = tuple(lines)


def read_organisation(texts: Sequence[Text]) -> Organisation:
    """The organisation in these texts. Raises Misread."""
    data, places = _together(texts)
    based_on = data.pop(BASED_ON, None)
    try:
        if based_on is not None and (type(based_on) is not int or based_on < 0):
            raise Unusable((Problem((BASED_ON,), "must be the number of a version"),))
        return Organisation(setup=converted(data, TenantSetup), based_on=based_on, places=places)
    except Unusable as exc:
        raise Misread([said_at(places, problem.path, problem.what, texts[0].name) for problem in exc.problems]) from exc


def said_at(places: Mapping[KeyPath, Place], path: KeyPath, what: str, otherwise: str) -> str:
    """One line about a path: its place, the path, and what is wrong. `otherwise` stands for what has no place."""
    return f"{nearest(places, path) or otherwise}: {written(path)}{what}"


def nearest(places: Mapping[KeyPath, Place], path: KeyPath) -> Place | None:
    """The place of `path`, or of what is nearest around it."""
    for length in range(len(path), 0, -1):
        if path[:length] in places:
            return places[path[:length]]
    return None


def written(path: KeyPath) -> str:
    """A path as people write it, with a colon behind: `queues[0].name: `; nothing for the whole."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".") + ": " if text else ""


def _together(texts: Sequence[Text]) -> tuple[dict[str, Any], dict[KeyPath, Place]]:
    whole: dict[str, Any] = {}
    places: dict[KeyPath, Place] = {}
    for text in texts:
        data, found = read_text(text)
        of = PurePath(text.inside).parent.name
        if of in LISTS:
            data, found = {of: [data]}, {(of, 0, *path): place for path, place in found.items()}
            found[(of, 0)] = Place(text.name, 1, 1)
        _add(whole, places, data, found, text.name)
    return whole, places


def _add(
    whole: dict[str, Any],
    places: dict[KeyPath, Place],
    data: Mapping[str, Any],
    found: Mapping[KeyPath, Place],
    name: str,
) -> None:
    """Put one file's keys to the others'. Lists grow; anything else may stand in one file only."""
    shift = {key: len(whole.get(key, ())) for key, value in data.items() if isinstance(value, list)}
    for key, value in data.items():
        if key not in whole:
            whole[key] = list(value) if isinstance(value, list) else value
        elif isinstance(value, list) and isinstance(whole[key], list):
            whole[key] += value
        else:
            here, there = found.get((key,)), places.get((key,))
            raise Misread([f"{here or name}: {key}: stands in another file too ({there})"])
    for path, place in found.items():
        places.setdefault(_moved(path, shift), place)


def _moved(path: KeyPath, shift: Mapping[str, int]) -> KeyPath:
    match path:
        case (str(key), int(number), *inner):
            return (key, number + shift.get(key, 0), *inner)
        case _:
            return path


def read_text(text: Text) -> tuple[dict[str, Any], Mapping[KeyPath, Place]]:
    """One file's data with its places. Raises Misread."""
    try:
        decoded = text.data.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise Misread([f"{text.name}: is not UTF-8"]) from exc
    data, places = _parsed(text.name, decoded)
    if not isinstance(data, dict):
        raise Misread([f"{text.name}: must be a table of keys and values"])
    return data, places


def _parsed(name: str, text: str) -> tuple[Any, Mapping[KeyPath, Place]]:
    ending = PurePath(name).suffix.lower()
    try:
        if ending == ".json":
            return json.loads(text, object_pairs_hook=_single), _json_places(name, text)
        if ending in (".yaml", ".yml"):
            return yaml_document(name, text)
        return tomllib.loads(text), toml_places(name, text)
    except WrongYaml as exc:
        raise Misread([f"{Place(name, exc.line, exc.column)}: {exc}"]) from exc
    except json.JSONDecodeError as exc:
        raise Misread([f"{Place(name, exc.lineno, exc.colno)}: {exc.msg}"]) from exc
    except tomllib.TOMLDecodeError as exc:
        raise Misread([f"{_toml_place(name, str(exc))}: {str(exc).partition(' (at ')[0]}"]) from exc
    except RecursionError as exc:
        raise Misread([f"{name}: is nested without end"]) from exc
    except ValueError as exc:
        raise Misread([f"{name}: {exc}"]) from exc


def _single(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A table of JSON. Raises ValueError for a key that stands there twice."""
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(key for number, (key, _) in enumerate(pairs) if key in dict(pairs[:number]))
        raise ValueError(f'the key "{twice}" stands there twice')
    return found


def _json_places(name: str, text: str) -> Mapping[KeyPath, Place]:
    """JSON is YAML, but for some rare forms: of those we know no places."""
    try:
        return yaml_document(name, text)[1]
    except WrongYaml:
        return {}


def _toml_place(name: str, said: str) -> Place | str:
    """`Invalid value (at line 3, column 9)` is all that tomllib says of a place."""
    words = said.partition(" (at line ")[2].rstrip(")").partition(", column ")
    return Place(name, int(words[0]), int(words[2])) if words[0].isdigit() and words[2].isdigit() else name


def in_order(names: Iterable[str]) -> list[str]:
    """The parts of a folder (`queues/a.toml`) in the order in which they are put together: the organisation first.

    Raises Misread for a file that belongs to no part.
    """
    found = sorted(
        names, key=lambda name: (PurePath(name).parts[0] in LISTS, PurePath(name).stem != "organisation", name)
    )
    strange = [name for name in found if not _is_part(PurePath(name))]
    if strange:
        raise Misread([f"{name}: belongs to no part: organisation, agents, queues/, flows/" for name in strange])
    if not found:
        raise Misread(["there is no organisation.toml in this folder"])
    return found


def _is_part(path: PurePath) -> bool:
    if len(path.parts) == 1:
        return path.stem in ("organisation", "agents")
    return len(path.parts) == 2 and path.parts[0] in LISTS
