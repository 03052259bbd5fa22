"""Finds the operation of a request and checks its body against the operation's shape."""

import re
from typing import Any

from cordpair.emulator.graph.errors import GraphError, bad_request
from cordpair.emulator.graph.tables import OPERATIONS, Operation, Shape

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "object": (dict,),
    "any": (object,),
}
_PATTERNS = [
    (op, re.compile("^" + re.sub(r"\\{[^}]*\\}", "([^/]+)", re.escape(op.path)) + "$")) for op in OPERATIONS.values()
]


def find(method: str, path: str) -> tuple[Operation, tuple[str, ...]] | None:
    """The operation and the ids in its path, or None: not one of ours."""
    for op, pattern in _PATTERNS:
        found = pattern.match(path)
        if found and op.method == method:
            return op, found.groups()
    return None


def check_body(op: Operation, body: Any) -> dict[str, Any]:
    """The body as an object. Raises GraphError 400 naming the field that is wrong."""
    if op.body is None:
        if body not in (None, {}):
            raise bad_request("This operation takes no request body.")
        return {}
    _check("", op.body, {} if body is None else body)
    return body or {}


def check_answer(op: Operation, body: dict[str, Any] | list[dict[str, Any]] | None) -> None:
    """An answer of ours has the fields of the table and no others."""
    for resource in body if isinstance(body, list) else [body or {}]:
        unknown = set(resource) - set(op.answer) - {"@odata.type"}
        assert not unknown, f"{op.method} {op.path} answers {sorted(unknown)}, which the table does not know"


def _check(where: str, shape: Shape, value: Any) -> None:
    if isinstance(shape, str):
        wrong_bool = isinstance(value, bool) and shape == "integer"
        if value is not None and (not isinstance(value, _TYPES[shape]) or wrong_bool):
            raise bad_request(f"Property '{where}' must be of type {shape}.")
    elif isinstance(shape, list):
        if not isinstance(value, list):
            raise bad_request(f"Property '{where}' must be a collection.")
        for number, item in enumerate(value):
            _check(f"{where}[{number}]", shape[0], item)
    else:
        _check_object(where, shape, value)


def _check_object(where: str, shape: dict[str, Shape], value: Any) -> None:
    if not isinstance(value, dict):
        raise bad_request(f"Property '{where or 'body'}' must be an object.")
    fields = {name.removesuffix("!"): (name.endswith("!"), part) for name, part in shape.items()}
    for name, (required, _) in fields.items():
        if required and value.get(name) is None:
            raise bad_request(f"Required property '{_join(where, name)}' is missing.")
    for name, item in value.items():
        if name in fields:
            if item is not None:
                _check(_join(where, name), fields[name][1], item)
        elif "..." not in fields:
            raise bad_request(f"Property '{_join(where, name)}' does not exist on this type.")


def _join(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


__all__ = ["GraphError", "check_body", "find"]
