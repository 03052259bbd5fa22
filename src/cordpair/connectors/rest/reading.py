"""A mapping file is read and looked through before anybody is asked: errors name file, line, place and cure.

The shape is that of `mapping.Mapping`, whose JSON Schema `schema()` gives; then every template and expression is
compiled, and the names that it begins with must be ones that there are at its place.
"""

import re
import tomllib
from importlib import resources

import msgspec

from cordpair.connectors.rest.checks import faults
from cordpair.connectors.rest.mapping import Mapping as MappingFile
from cordpair.errors import Rejected

_LONGEST_FILE = 200_000


def shipped_names() -> list[str]:
    """The mapping files that come with cordpair."""
    folder = resources.files(__package__) / "mappings"
    return sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml"))


def shipped_text(name: str) -> str:
    """A mapping file that comes with cordpair. Raises Rejected."""
    if name not in shipped_names():
        raise Rejected(f"there is no mapping {name!r}; there are: {', '.join(shipped_names())}")
    return (resources.files(__package__) / "mappings" / f"{name}.toml").read_text(encoding="utf-8")


def schema() -> dict[str, object]:
    """The JSON Schema (2020-12) of a mapping file."""
    made = msgspec.json.schema(MappingFile)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "A cordpair REST mapping", **made}


def read_mapping(text: str, source: str) -> MappingFile:
    """The mapping in a TOML text. Raises Rejected: `source:line: place: what is wrong; what helps`."""
    if len(text) > _LONGEST_FILE:
        raise Rejected(f"{source}: a mapping file has at most {_LONGEST_FILE} characters")
    try:
        raw = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as exc:
        raise Rejected(f"{source}: this is no TOML: {exc}") from exc
    try:
        mapping = msgspec.convert(raw, MappingFile, strict=True)
    except msgspec.ValidationError as exc:
        what, _, path = str(exc).partition(" - at `$")
        path = path.rstrip("`").lstrip(".")
        raise Rejected(
            _said(source, text, path, f"{_cure(what)}; docs/reference/mapping.md lists every field")
        ) from exc
    for path, what in faults(mapping):
        raise Rejected(_said(source, text, path, what))
    return mapping


def _said(source: str, text: str, path: str, what: str) -> str:
    line = _line(text, path)
    return ": ".join(filter(None, (f"{source}:{line}" if line else source, path, what)))


def _cure(what: str) -> str:
    if found := re.search(r"contains unknown field `(.+?)`", what):
        return f"there is no field {found[1]} here (a slip of the pen?)"
    if found := re.search(r"missing required field `(.+?)`", what):
        return f"the field {found[1]} is missing"
    return what[:1].lower() + what[1:]


def _line(text: str, path: str) -> int:
    """The line at which a place of the file stands, as near as it can be told; 0 where it cannot."""
    names = [re.sub(r"\[\d*\]", "", name) for name in path.split(".") if name]
    lines = text.splitlines()
    for depth in range(len(names), 0, -1):
        header = re.compile(rf"^\s*\[+\s*{re.escape('.'.join(names[:depth]))}\s*\]+")
        start = next((number for number, line in enumerate(lines) if header.match(line)), None)
        if start is None and depth > 1:
            continue
        for number in range(0 if start is None else start + 1, len(lines)):
            if depth < len(names) + (start is None) and re.match(
                rf"^\s*[\"']?{re.escape(names[depth if start is not None else 0])}[\"']?\s*[=.]", lines[number]
            ):
                return number + 1
        return 0 if start is None else start + 1
    return 0
