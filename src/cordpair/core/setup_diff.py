"""What differs between two setups, value by value. Pure; made from the structs, so that a new field shows by itself.

Queues, agents and what else has a name of its own are matched by it, not by their place in the list. Of a secret only
that it differs is told.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any

import msgspec
from msgspec.structs import replace

from cordpair.core.setup_secrets import secrets_of, without_secrets
from cordpair.core.tenant import TenantSetup

#: By which field the items of a list are known.
_NAMED_BY = ("id", "queue")

Key = str | int


class Change(StrEnum):
    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    MOVED = "moved"  #: the same items in another order
    SECRET = "secret"  # noqa: S105 - a secret is new, gone or another one


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One difference. `path` leads to it by fields, names of items and numbers of those that have none.

    `owners` says for each part of the path in which struct it is a field (`Queue`), or "" where it is no field.
    `before` is None for what was added, `after` for what was removed.
    """

    change: Change
    path: tuple[Key, ...]
    owners: tuple[str, ...]
    before: Any = None
    after: Any = None


def differences(before: TenantSetup | None, after: TenantSetup) -> tuple[Difference, ...]:
    """All that `after` does not have in common with `before`, in the order of the setup. None: there was nothing."""
    if before is None:
        return (Difference(change=Change.ADDED, path=(), owners=(), after=without_secrets(after)),)
    values = _of_structs(_Spot((), ()), _in_order(without_secrets(before)), _in_order(without_secrets(after)))
    return (*values, *_new_secrets(before, after))


def same_setup(before: TenantSetup | None, after: TenantSetup) -> bool:
    """Whether two setups mean the same. In which order their agents stand means nothing."""
    return before is not None and _in_order(before) == _in_order(after)


def _in_order(setup: TenantSetup) -> TenantSetup:
    return replace(setup, agents=tuple(sorted(setup.agents, key=lambda agent: agent.id)))


class _Spot(msgspec.Struct, frozen=True):
    """Where two values are compared."""

    path: tuple[Key, ...]
    owners: tuple[str, ...]

    def at(self, part: Key, owner: str = "") -> "_Spot":
        return _Spot((*self.path, part), (*self.owners, owner))

    def difference(self, change: Change, before: Any = None, after: Any = None) -> Difference:
        return Difference(change=change, path=self.path, owners=self.owners, before=before, after=after)


def _compared(spot: _Spot, before: Any, after: Any) -> Iterator[Difference]:
    if before == after:
        return
    match before, after:
        case (msgspec.Struct(), msgspec.Struct()) if type(before) is type(after):
            yield from _of_structs(spot, before, after)
        case (tuple(), tuple()):
            yield from _of_lists(spot, before, after)
        case (frozenset(), frozenset()):
            yield from _of_sets(spot, before, after)
        case (dict(), dict()):
            yield from _of_items(spot, before, after)
        case _:
            yield spot.difference(Change.CHANGED, before, after)


def _of_structs(spot: _Spot, before: msgspec.Struct, after: msgspec.Struct) -> Iterator[Difference]:
    for field in type(after).__struct_fields__:
        yield from _compared(spot.at(field, type(after).__name__), getattr(before, field), getattr(after, field))


def _of_lists(spot: _Spot, before: Sequence[Any], after: Sequence[Any]) -> Iterator[Difference]:
    name = _naming([*before, *after])
    if name:
        old = {getattr(item, name): item for item in before}
        new = {getattr(item, name): item for item in after}
        yield from _of_items(spot, old, new)
        if [key for key in old if key in new] != [key for key in new if key in old]:
            yield spot.difference(Change.MOVED, tuple(old), tuple(new))
    elif any(isinstance(item, msgspec.Struct) for item in (*before, *after)):
        yield from _of_items(spot, dict(enumerate(before, 1)), dict(enumerate(after, 1)))
    elif sorted(before) == sorted(after):
        yield spot.difference(Change.MOVED, before, after)
    else:
        yield from _of_sets(spot, before, after)


def _of_sets(spot: _Spot, before: Iterable[Any], after: Iterable[Any]) -> Iterator[Difference]:
    """Of lists and sets of plain values: what came, and what went."""
    old, new = list(before), list(after)
    ordered = sorted if isinstance(after, frozenset) else list
    for item in ordered([item for item in new if item not in old]):
        yield spot.difference(Change.ADDED, after=item)
    for item in ordered([item for item in old if item not in new]):
        yield spot.difference(Change.REMOVED, before=item)


def _of_items(spot: _Spot, before: Mapping[Any, Any], after: Mapping[Any, Any]) -> Iterator[Difference]:
    for key, value in after.items():
        if key in before:
            yield from _compared(spot.at(key), before[key], value)
        else:
            yield spot.at(key).difference(Change.ADDED, after=value)
    for key, value in before.items():
        if key not in after:
            yield spot.at(key).difference(Change.REMOVED, before=value)


def _naming(items: Iterable[Any]) -> str:
    """The field that names these items; empty where they have none, or two have the same."""
    known = list(items)
    for name in _NAMED_BY:
        if known and all(isinstance(item, msgspec.Struct) and hasattr(item, name) for item in known):
            return name
    return ""


def _new_secrets(before: TenantSetup, after: TenantSetup) -> Iterator[Difference]:
    old, new = secrets_of(before), secrets_of(after)
    for path in (*new, *(path for path in old if path not in new)):
        if path in old and path in new and old[path] != new[path]:
            owners = ("TenantSetup", {"registration": "Registration", "crm": "CrmSetup"}[path[0]], "")
            yield Difference(change=Change.SECRET, path=path, owners=owners[: len(path)])
