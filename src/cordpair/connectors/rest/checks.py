"""What can be wrong with a mapping file whose shape is right: templates, expressions, and names that there are not."""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from cordpair.connectors.rest.mapping import Entry, LoginAuth, OAuth, Paging, Record, Request
from cordpair.connectors.rest.mapping import Mapping as MappingFile
from cordpair.connectors.rest.templates import BadExpression, Expr, Text

_ANSWER = frozenset({"body", "status", "headers"})
_BASE = frozenset({"settings"})
_WRITES = _BASE | {"key", "party"}

#: Where a name may stand: the names that are known there.
FIND = _BASE | {"number"}
CHANGES = _BASE | {"page", "since"}
ACTIVITY = _WRITES | {"activity"}
TASK = _WRITES | {"task"}
ITEM = None  #: an item of the CRM: its names are the CRM's own


#: A place of the file, and what is wrong there.
Fault = tuple[str, str]


def faults(mapping: MappingFile) -> Iterator[Fault]:
    """What is wrong with a mapping whose shape is right, by place."""
    secret = _BASE | {"secrets"}
    yield from _text("base_url", mapping.base_url, _BASE, mapping)
    for number, host in enumerate(mapping.hosts):
        yield from _text(f"hosts[{number}]", host, _BASE, mapping)
    yield from _texts("headers", mapping.headers, _BASE, mapping)
    yield from _auth(mapping, secret)
    yield from _expression("errors.message", mapping.errors.message, _ANSWER, mapping)
    for number, rule in enumerate(mapping.errors.rules):
        yield from _expression(f"errors.rules[{number}].when", rule.when, _ANSWER, mapping)
        if not rule.status and not rule.when:
            yield f"errors.rules[{number}]", "a rule needs a status or a when"
    yield from _parties(mapping)
    if mapping.activity is not None:
        yield from _entry("activity", mapping.activity, ACTIVITY, mapping)
    if mapping.task is not None:
        yield from _entry("task", mapping.task, TASK, mapping)


def _auth(mapping: MappingFile, names: frozenset[str]) -> Iterator[Fault]:
    auth = mapping.auth
    for field in auth.__struct_fields__:
        value = getattr(auth, field)
        if isinstance(value, Request):
            yield from _request(f"auth.{field}", value, names, mapping)
        elif field in ("session", "base_url"):
            yield from _expression(f"auth.{field}", value, _ANSWER, mapping)
        elif isinstance(value, str):
            yield from _text(f"auth.{field}", value, names, mapping)
        elif isinstance(value, dict):
            known = names | {"session"} if isinstance(auth, LoginAuth) else names
            yield from _texts(f"auth.{field}", value, known, mapping)
    if isinstance(auth, OAuth):
        needed = {"password": ("username", "password"), "refresh_token": ("refresh_token",)}
        for field in needed.get(auth.grant, ("client_id", "client_secret")):
            if not getattr(auth, field):
                yield f"auth.{field}", f"the grant {auth.grant} needs it"


def _parties(mapping: MappingFile) -> Iterator[Fault]:
    kinds = [one.kind for one in mapping.parties]
    if len(set(kinds)) < len(kinds):
        yield "parties", "two of them have the same kind"
    if not any(one.changes for one in mapping.parties) and not any(one.find for one in mapping.parties):
        yield "parties", "nothing says how parties are found: give one of them find or changes"
    for number, one in enumerate(mapping.parties):
        place = f"parties[{number}]"
        yield from _record(f"{place}.record", one.record, mapping)
        yield from _text(f"{place}.link", one.link, _BASE | {"party"}, mapping)
        if one.find is not None:
            yield from _request(f"{place}.find.request", one.find.request, FIND, mapping)
            yield from _expression(f"{place}.find.items", one.find.items, _ANSWER, mapping)
            if one.find.record is not None:
                yield from _record(f"{place}.find.record", one.find.record, mapping)
        if one.changes is not None:
            yield from _request(f"{place}.changes.request", one.changes.request, CHANGES, mapping)
            yield from _expression(f"{place}.changes.items", one.changes.items, _ANSWER, mapping)
            yield from _paging(f"{place}.changes.paging", one.changes.paging, mapping)
            if one.changes.record is not None:
                yield from _record(f"{place}.changes.record", one.changes.record, mapping)
            if not one.changes.always_all and not _names(one.changes.request, "since"):
                yield (
                    f"{place}.changes",
                    "the request does not name since; if this CRM cannot tell changes, say always_all",
                )


def _paging(place: str, paging: Paging, mapping: MappingFile) -> Iterator[Fault]:
    yield from _expression(f"{place}.next", paging.next, _ANSWER if paging.kind != "keyset" else ITEM, mapping)
    yield from _expression(f"{place}.more", paging.more, _ANSWER, mapping)
    if paging.kind in ("cursor", "keyset", "url") and not paging.next:
        yield f"{place}.next", f"paging by {paging.kind} needs it"


def _record(place: str, record: Record, mapping: MappingFile) -> Iterator[Fault]:
    for field in record.__struct_fields__:
        value = getattr(record, field)
        for name, text in value.items() if isinstance(value, dict) else [("", value)]:
            yield from _expression(f"{place}.{field}{'.' if name else ''}{name}", text, ITEM, mapping)


def _entry(place: str, entry: Entry, names: frozenset[str], mapping: MappingFile) -> Iterator[Fault]:
    made = names | {"entry"}
    yield from _request(f"{place}.create", entry.create, names, mapping)
    yield from _expression(f"{place}.id", entry.id, _ANSWER | names, mapping)
    for number, request in enumerate(entry.then):
        yield from _request(f"{place}.then[{number}]", request, made, mapping)
    if entry.update is not None:
        yield from _request(f"{place}.update", entry.update, made, mapping)
    if entry.find is not None:
        yield from _request(f"{place}.find.request", entry.find.request, names, mapping)
        yield from _expression(f"{place}.find.id", entry.find.id, _ANSWER | names, mapping)
        if not _names(entry.find.request, "key") and "key" not in entry.find.id:
            yield f"{place}.find", "nothing in it names key: it would find another's entry"
    elif entry.once == "probe":
        yield place, 'once = "probe" needs find: how the entry is looked for before it is written again'
    if not _names(entry.create, "key"):
        yield f"{place}.create", "nothing in it names key: what was written could not be told from anything else"


def _names(request: Request, root: str) -> bool:
    return any(root == name for text in _all_texts(msgspec.to_builtins(request)) for name, _ in _roots_of(text))


def _all_texts(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            yield from (text for one in value.values() for text in _all_texts(one))
        case list():
            yield from (text for one in value for text in _all_texts(one))


def _request(place: str, request: Request, names: frozenset[str], mapping: MappingFile) -> Iterator[Fault]:
    yield from _text(f"{place}.path", request.path, names, mapping)
    for field in ("query", "headers", "form"):
        yield from _texts(f"{place}.{field}", getattr(request, field), names, mapping)
    if request.json is not None and request.form:
        yield place, "a request has json or form, not both"
    yield from _json(f"{place}.json", request.json, names, mapping)


def _json(place: str, value: object, names: frozenset[str], mapping: MappingFile) -> Iterator[Fault]:
    match value:
        case str():
            yield from _text(place, value, names, mapping)
        case dict():
            for name, one in value.items():
                yield from _json(f"{place}.{name}", one, names, mapping)
        case list():
            for number, one in enumerate(value):
                yield from _json(f"{place}[{number}]", one, names, mapping)


def _texts(place: str, values: Mapping[str, str], names: frozenset[str], mapping: MappingFile) -> Iterator[Fault]:
    for name, text in values.items():
        yield from _text(f"{place}.{name}", text, names, mapping)


def _text(place: str, text: str, names: frozenset[str], mapping: MappingFile) -> Iterator[Fault]:
    try:
        found = Text(text).expressions
    except BadExpression as exc:
        yield place, str(exc)
        return
    yield from _known(place, found, names, mapping)


def _expression(place: str, text: str, names: frozenset[str] | None, mapping: MappingFile) -> Iterator[Fault]:
    if not text:
        return
    try:
        found = Expr(text)
    except BadExpression as exc:
        yield place, str(exc)
        return
    if names is not None:
        yield from _known(place, [found], names | {"settings"}, mapping)


def _known(place: str, found: Sequence[Expr], names: frozenset[str], mapping: MappingFile) -> Iterator[Fault]:
    declared = {"settings": mapping.settings, "secrets": mapping.secrets}
    for root, field in (pair for one in found for pair in one.roots()):
        if root not in names and root not in ("null", "true", "false"):
            yield place, f"there is no {root} here; there are: {', '.join(sorted(names))}"
        elif root in declared and field and field not in declared[root]:
            yield place, f"{root}.{field} is not declared under [{root}]"


def _roots_of(text: str) -> set[tuple[str, str]]:
    return {pair for one in Text(text).expressions for pair in one.roots()}
