"""A setup as a file that gives the same setup when it is applied: TOML for people, JSON for programs; no secrets."""

import json
import re
from datetime import datetime
from enum import Enum
from typing import Any

import msgspec
import tomli_w

from cordpair.core.setup_secrets import without_secrets
from cordpair.core.tenant import TenantSetup
from cordpair.engine.config_files import BASED_ON, LISTS


def as_toml(setup: TenantSetup, version: int) -> str:
    """The setup in TOML, based on its version; what is as it would be without saying so is left out."""
    return tomli_w.dumps({BASED_ON: version, **plain(without_secrets(setup))})


def as_files(setup: TenantSetup, version: int) -> dict[str, str]:
    """The same as the files of a folder, by their names in it; numbered, because files come in the order of names."""
    whole = plain(without_secrets(setup))
    files = {"agents.toml": tomli_w.dumps({"agents": whole.pop("agents", [])})}
    for part in LISTS:
        for number, item in enumerate(whole.pop(part, []), 1):
            files[f"{part}/{number:02}-{re.sub(r'[^A-Za-z0-9_-]', '_', item['id'])}.toml"] = tomli_w.dumps(item)
    return {"organisation.toml": tomli_w.dumps({BASED_ON: version, **whole}), **files}


def as_json(setup: TenantSetup, version: int) -> str:
    """The same in JSON."""
    data = {BASED_ON: version, **plain(without_secrets(setup))}
    return json.dumps(data, indent=2, ensure_ascii=False, default=_instant) + "\n"


def plain(value: Any) -> Any:
    """A value of a setup as plain data: tables, lists, texts, numbers, instants."""
    match value:
        case msgspec.Struct():
            return _table(value)
        case Enum():
            return value.value
        case float() if value.is_integer():
            return int(value)  # 20, as people write it
        case dict():
            return {key: plain(item) for key, item in value.items()}
        case frozenset():
            return sorted(plain(item) for item in value)
        case tuple():
            return [plain(item) for item in value]
        case _:
            return value


def _table(value: msgspec.Struct) -> dict[str, Any]:
    config = value.__struct_config__
    tag = {config.tag_field: config.tag} if config.tag_field else {}
    return tag | {
        field.encode_name: plain(item)
        for field in msgspec.structs.fields(value)
        if (item := getattr(value, field.name)) != _default(field)
    }


def _default(field: msgspec.structs.FieldInfo) -> Any:
    return field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()


def _instant(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(type(value).__name__)
