"""Lists docs/reference/mapping.md from the schema of mapping files: `python -m tools.list_mapping`."""

import inspect
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cordpair.connectors.rest import schema

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "mapping.md"
SCHEMA = PAGE.with_suffix(".schema.json")

_HEAD = """# Mapping files

<!-- Listed from `connectors/rest/mapping.py` by `python -m tools.list_mapping`. Change that, not this page. -->

A mapping file (TOML) says how a CRM over HTTP is asked, and what its answers mean.
[How to connect a CRM](../how-to/connect-a-crm.md) goes through one; those that come with cordpair are good examples.
Editors check a file by [the JSON Schema](mapping.schema.json).

**Templates** are texts in which `{{ ... }}` stands for a value, an expression in JMESPath. A text that is one template
alone keeps the type of its value; an entry whose value is null is left out. **Expressions** read answers: `body`,
`status`, `headers` (in small letters); those of a `record` read one item. Beside JMESPath's own functions there are
`base64(text)`, `digits(text)`, and `odata(text)` and `soql(text)` for text inside a quoted literal. Literals are JSON
in backticks, or 'text'.

| name | where | values |
| --- | --- | --- |
| `settings.*` | everywhere | as declared under `[settings]` |
| `secrets.*` | `auth` only | as declared under `[secrets]` |
| `session` | headers of `auth` by login | what was read out of the answer |
| `number.*` | `find` | `value` (the variant that is asked for), and every variant by its name |
| `page.*` | `changes` | `number`, `offset`, `size`, `cursor` |
| `since.*` | `changes` | an instant, and `first` (true in the first sync) |
| `key.*` | `activity`, `task` | `guard` (16 letters and digits), `uuid`, `marker` (`[cc:...]`), `text` |
| `party.*` | `activity`, `task`, `link` | `id`, `kind` |
| `activity.*` | `activity` | `started`, `ended` (instants), `talk_s`, `talk_ms`, `talk_min`, `inbound`, `agent`, ... |
| `task.*` | `task` | `subject`, `due` (an instant), `note` |
| `entry.id` | `then`, `update` | the CRM's id of what was written |

Of an activity also `queue`, `disposition`, `note` and `call`. An instant has `iso` (UTC), `offset`, `local` and `date`
(where the organisation is), `utc`, `s` and `ms` since 1970, and `year`,
`month`, `day`, `hour`, `minute`, `second` in UTC.
"""


def page() -> str:
    """The text that the page must have."""
    parts = schema()["$defs"]
    assert isinstance(parts, dict)
    order = ["Mapping", *sorted(name for name in parts if name != "Mapping")]
    return _HEAD + "".join(line for name in order for line in _section(name, parts[name]))


def schema_text() -> str:
    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"


def _section(name: str, part: dict[str, Any]) -> Iterator[str]:
    yield f"\n## {name}\n{inspect.cleandoc(part.get('description', ''))}\n\n"
    yield "| field | type | required |\n| --- | --- | --- |\n"
    needed = part.get("required", [])
    for field, one in part.get("properties", {}).items():
        default = f"default `{json.dumps(one['default'], ensure_ascii=False)}`" if "default" in one else ""
        yield f"| `{field}` | {_kind(one)} | {'yes' if field in needed else default} |\n"


def _kind(one: dict[str, Any]) -> str:
    if "$ref" in one:
        name = one["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in one:
        return ", or ".join(_kind(each) for each in one["anyOf"] if each.get("type") != "null")
    if "enum" in one:
        return ", ".join(f"`{json.dumps(value)}`" for value in one["enum"])
    match one.get("type"):
        case "array":
            return f"list of {_kind(one.get('items', {}))}"
        case "object":
            return f"table of {_kind(one.get('additionalProperties') or {})}"
        case "string" if "JMESPath." in one.get("description", ""):
            return "expression"
        case "string" if "{{" in one.get("description", ""):
            return "template"
        case "string":
            return "text"
        case None:
            return "any"
        case kind:
            return str(kind)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    SCHEMA.write_text(schema_text(), encoding="utf-8")
