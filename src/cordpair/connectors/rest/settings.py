"""What an administrator has given for a mapping, against what the mapping declares."""

from collections.abc import Mapping

from cordpair.connectors.rest.mapping import Mapping as MappingFile
from cordpair.connectors.rest.mapping import Setting
from cordpair.core.tenant import CrmSetup
from cordpair.errors import Rejected

_OURS = frozenset({"mapping"})


def given_values(mapping: MappingFile, setup: CrmSetup) -> tuple[dict[str, str], dict[str, str]]:
    """All settings and all secrets, with defaults. Raises Rejected, naming what is missing and what it is for."""
    for name in setup.settings.keys() - mapping.settings.keys() - _OURS:
        known = ", ".join(sorted(mapping.settings)) or "none"
        raise Rejected(f"{mapping.title}: there is no setting {name}; there are: {known}")
    return _values(mapping, mapping.settings, setup.settings), _values(mapping, mapping.secrets, setup.secrets)


def _values(mapping: MappingFile, declared: Mapping[str, Setting], given: Mapping[str, str]) -> dict[str, str]:
    found = {}
    for name, setting in declared.items():
        value = given.get(name, setting.default)
        if value is None or (not value.strip() and setting.default is None):
            raise Rejected(f"{mapping.title}: {name} is missing: {setting.en}")
        found[name] = value
    return found
