"""How a setup is spoken of, in English and German: the names of its fields, and a difference as a sentence.

A field that has no name in `config_words.toml` yet is called as it is written in a file.
"""

import tomllib
from collections.abc import Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Any

import msgspec

from cordpair.core.flow import Say
from cordpair.core.need import AllOf, AnyOf, Compare
from cordpair.core.setup_diff import Change, Difference
from cordpair.core.tenant import TenantSetup

WORDS: dict[str, Any] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
_THINGS = ("queues", "agents", "flows")
_MOST_SHOWN = 120  # characters of one value


def said(group: str, key: str, language: str, /, **fields: object) -> str:
    """A text of the words file, filled."""
    text: str = WORDS[group][key][language]
    return text.format(**fields)


def label_of(owner: str, field: str, language: str) -> str:
    """What a field of a struct is called."""
    return str(WORDS["fields"].get(owner, {}).get(field, {}).get(language, field))


class Speaker:
    """Speaks of the change from one setup to another, in one language. `before` is None where there was nothing."""

    def __init__(self, before: TenantSetup | None, after: TenantSetup, language: str) -> None:
        self._before, self._after, self._language = before, after, language
        self._names = {**({} if before is None else _names(before)), **_names(after)}

    def sentence(self, it: Difference) -> str:
        """One difference as a sentence without a full stop."""
        if not it.path:
            return self._new_setup()
        thing = self._thing(it.path)
        if thing and len(it.path) == 2:
            return self._say(f"thing_{it.change}", thing=thing)
        if it.path[0] == "agents" and it.path[2:] == ("queues",) and it.change is not Change.MOVED:
            return self._serves(it, thing)
        label = self._label(it)
        whole = f"{thing}: {label}" if thing else label
        owner, field = it.owners[-1], str(it.path[-1])
        before, after = (self.value(value, field if owner else "") for value in (it.before, it.after))
        key = it.change.value if owner else f"item_{it.change.value}"
        return self._say(key, label=whole[:1].upper() + whole[1:], before=before, after=after)

    def value(self, value: Any, field: str = "") -> str:
        """A value as people write it; the name of the field says its unit."""
        match value:
            case None | "" | () | {}:
                return said("values", "nothing", self._language)
            case bool():
                return said("values", "yes" if value else "no", self._language)
            case int() | float():
                return _number(value, field)
            case Enum():
                named = WORDS["choices"].get(type(value).__name__, {}).get(value.value, {})
                return str(named.get(self._language, value.value))
            case Compare():
                return f"{value.attribute} {value.comparison.value} {self.value(value.value)}"
            case AllOf() | AnyOf():
                joined = said("values", "and" if isinstance(value, AllOf) else "or", self._language)
                return _short("(" + f" {joined} ".join(self.value(part) for part in value.parts) + ")")
            case Say():
                return self.value(value.prompt or f"„{value.text}“")
            case msgspec.Struct():
                return self._struct(value)
            case dict():
                return _short(", ".join(f"{key} {self.value(item)}" for key, item in value.items()))
            case frozenset():
                return _short(", ".join(sorted(self.value(item) for item in value)))
            case tuple():
                return _short(", ".join(self.value(item) for item in value))
            case _:
                return _short(self._names.get(str(value), str(value)))

    def _struct(self, value: msgspec.Struct) -> str:
        kind = type(value)
        parts = [
            f"{label_of(kind.__name__, field.name, self._language)} {self.value(item, field.name)}"
            for field in msgspec.structs.fields(value)
            if (item := getattr(value, field.name)) != field.default and item not in ((), frozenset(), {})
        ]
        return _short(", ".join(parts))

    def _new_setup(self) -> str:
        counts = {name: len(getattr(self._after, name)) for name in _THINGS}
        return self._say("setup", name=self._after.name, **counts)

    def _thing(self, path: Sequence[str | int]) -> str:
        if path[0] not in _THINGS or len(path) < 2:
            return ""
        return said("things", str(path[0]), self._language, name=self._names.get(str(path[1]), str(path[1])))

    def _label(self, it: Difference) -> str:
        parts = zip(it.path, it.owners, strict=True)
        named = [label_of(owner, str(part), self._language) if owner else self._names.get(str(part), str(part))
                 for part, owner in parts]  # fmt: skip
        return " › ".join(named[2:] if self._thing(it.path) else named)

    def _serves(self, it: Difference, thing: str) -> str:
        if it.change is Change.ADDED:
            return self._say("serves", thing=thing, item=self.value(it.after))
        count = sum(it.before in agent.queues for agent in self._after.agents)
        remain = said("values", "agent" if count == 1 else "agents", self._language, count=count)
        return self._say("serves_no_longer", thing=thing, item=self.value(it.before), remain=remain)

    def _say(self, key: str, /, **fields: object) -> str:
        return said("changes", key, self._language, **fields)


def _names(setup: TenantSetup) -> Mapping[str, str]:
    queues = {str(queue.id): queue.name for queue in setup.queues}
    flows = {str(flow.id): flow.name or flow.id for flow in setup.flows}
    return {**queues, **flows, **{str(agent.id): agent.name or agent.id for agent in setup.agents}}


def _number(value: float, field: str) -> str:
    if field.endswith("_share"):
        return f"{value * 100:g} %"
    return f"{value:g} s" if field.endswith("_s") else f"{value:g}"


def _short(text: str) -> str:
    return text if len(text) <= _MOST_SHOWN else text[: _MOST_SHOWN - 1] + "…"
