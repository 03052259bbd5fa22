"""Texts of an organisation, read and checked: what cannot work is refused, each mistake with the place it stands at."""

from collections.abc import Sequence
from typing import Any

import msgspec

from cordpair.core.tenant import TenantSetup
from cordpair.engine.config_files import Misread, Organisation, Text, nearest, read_organisation
from cordpair.engine.config_places import KeyPath
from cordpair.engine.setup_check import setup_problems


def read_checked(texts: Sequence[Text]) -> Organisation:
    """The organisation in these texts. Raises Misread, one line for each mistake, `file:line:column: what`."""
    return _checked(read_organisation(texts), texts[0].name)


def checked(setup: TenantSetup, name: str) -> Organisation:
    """A setup that comes from no text; `name` is what is said of where it comes from. Raises Misread."""
    return _checked(Organisation(setup=setup, based_on=None, places={}), name)


def _checked(found: Organisation, name: str) -> Organisation:
    problems = setup_problems(found.setup)
    if problems:
        raise Misread([f"{_place(found, said) or name}: {said}" for said in problems])
    return found


def _place(found: Organisation, said: str) -> object:
    return nearest(found.places, problem_path(found.setup, said))


def problem_path(setup: TenantSetup, said: str) -> KeyPath:
    """The path that a problem (`queues.sales: ring_timeout_s must be ...`) is about, as far as it leads somewhere."""
    where, _, what = said.partition(": ")
    path, value, rest = _followed(setup, where)
    if isinstance(value, msgspec.Struct) and not rest:
        field = what.split(" ", 1)[0]
        path = (*path, field) if field in value.__struct_fields__ else path
    return path


def _followed(value: Any, where: str) -> tuple[KeyPath, Any, str]:
    """The path along `where`, what stands at its end, and what of `where` leads no further."""
    path: KeyPath = ()
    while where:
        found = _next(value, where)
        if found is None:
            return path, value, where
        part, value, where = found
        path = (*path, part)
    return path, value, ""


def _next(value: Any, where: str) -> tuple[str | int, Any, str] | None:
    """One part further: a field, a key or the item of a name, which may have dots in it."""
    ways: list[tuple[str, str | int, Any]] = []
    match value:
        case msgspec.Struct():
            ways = [(name, name, getattr(value, name)) for name in value.__struct_fields__]
        case dict():
            ways = [(str(key), key, item) for key, item in value.items()]
        case tuple():
            ways = [(str(getattr(item, "id", number)), number, item) for number, item in enumerate(value)]
    for name, part, item in ways:
        if where == name or where.startswith(f"{name}."):
            return part, item, where[len(name) + 1 :]
    return None
