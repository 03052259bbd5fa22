"""JSON Schemas of an organisation's file and of flow tests, for editors and checks outside: made from the structs."""

from typing import Any

import msgspec

from cordpair.core.flow_case import FlowCases
from cordpair.core.tenant import TenantSetup
from cordpair.engine.config_files import BASED_ON
from cordpair.engine.config_words import label_of

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def setup_schema() -> dict[str, Any]:
    """The schema: JSON Schema 2020-12, in which a key that is not known is a mistake."""
    schema = msgspec.json.schema(TenantSetup)
    for name, definition in schema["$defs"].items():
        _make_strict(name, definition)
    setup = schema["$defs"]["TenantSetup"]
    setup["properties"][BASED_ON] = {"type": "integer", "description": "the version that the file was made from"}
    return {"$schema": _DIALECT, "title": "An organisation of cordpair", **schema}


def cases_schema() -> dict[str, Any]:
    """The schema of a file of flow tests."""
    schema = msgspec.json.schema(FlowCases)
    for name, definition in schema["$defs"].items():
        _make_strict(name, definition)
    return {"$schema": _DIALECT, "title": "Flow tests of cordpair", **schema}


def _make_strict(name: str, definition: dict[str, Any]) -> None:
    if definition.get("type") != "object":
        return
    definition["additionalProperties"] = False
    if "description" in definition:
        definition["description"] = " ".join(definition["description"].split())
    for field, kind in definition["properties"].items():
        label = label_of(name, field, "en")
        if label != field:
            kind.setdefault("description", label)
