"""Microsoft's own description of Graph (a slice of its public metadata), which lies beside the project."""

import json
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from openapi_schema_validator import OAS30Validator
from referencing import Registry
from referencing.jsonschema import DRAFT4

_FILE = Path(__file__).parents[3] / "shared" / "data" / "graph-slice.json"


@cache
def graph_slice() -> dict[str, Any]:
    """The slice. Absent: a failure where CI=true, else the test is skipped."""
    if not _FILE.exists():
        message = "graph-slice.json is not there: it belongs into the folder shared/data beside the project"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return json.loads(_FILE.read_text())  # type: ignore[no-any-return]


def faults(schema: dict[str, Any], value: Any) -> Iterator[str]:
    """What is wrong with a value."""
    validator = OAS30Validator(_plain(schema), registry=_registry())
    for error in validator.iter_errors(value):
        yield f"{'/'.join(map(str, error.absolute_path))}: {error.message}"[:200]


def named(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def resolved(schema: dict[str, Any] | None) -> dict[str, Any]:
    """Follow a `$ref`, or the `allOf` of one that stands beside `nullable`."""
    schema = schema or {}
    if "$ref" in schema:
        found = graph_slice()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        return resolved(found)
    return resolved(schema["allOf"][0]) if "allOf" in schema else schema


def request_schema(method: str, path: str) -> dict[str, Any] | None:
    body = graph_slice()["paths"][path][method].get("requestBody")
    return body["content"]["application/json"]["schema"] if body else None


def answer_schema(method: str, path: str) -> dict[str, Any] | None:
    content = graph_slice()["paths"][path][method]["responses"]["2XX"].get("content")
    return content["application/json"]["schema"] if content else None


@cache
def _registry() -> Any:
    return Registry().with_resource("urn:graph", DRAFT4.create_resource({"$id": "urn:graph", **_plain(graph_slice())}))


def _plain(node: Any) -> Any:
    """References made absolute, and "nullable beside allOf" said so that null passes."""
    if isinstance(node, list):
        return [_plain(one) for one in node]
    if not isinstance(node, dict):
        return node
    if node.get("nullable") and "allOf" in node:
        return {"anyOf": [{"enum": [None], "nullable": True}, *_plain(node["allOf"])]}
    return {n: f"urn:graph{v}" if n == "$ref" and v.startswith("#") else _plain(v) for n, v in node.items()}
