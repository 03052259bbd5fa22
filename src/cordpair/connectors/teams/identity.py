"""Who calls and who was called, from Graph's identity sets."""

from collections.abc import Mapping

from cordpair.core.caller import Caller, CallerKind
from cordpair.core.numbers import read_number

#: How networks spell a number that the caller withholds.
_WITHHELD = frozenset({"", "anonymous", "restricted", "private", "unavailable", "unknown", "withheld"})


def caller_of(source: object, region: str) -> Caller:
    """The caller of a call's `source` (participantInfo). National numbers are read as of `region` (ISO country).

    `assertedIdentity` is left alone on purpose: it can name a caller who withholds the number.
    """
    identity = _mapping(_mapping(source).get("identity"))
    phone = _member(identity, "phone")
    if phone is not None:
        return _by_number(phone, region)
    user = _member(identity, "user")
    if user is not None:
        return Caller(kind=CallerKind.USER, user=_text(user, "id").lower() or None, name=_name(user))
    for kind in ("guest", "onPremises", "azureCommunicationServicesUser", "applicationInstance", "application"):
        other = _member(identity, kind)
        if other is not None:
            return Caller(kind=CallerKind.USER, name=_name(other))
    return Caller(kind=CallerKind.WITHHELD)  # encrypted, missing, or a kind that did not exist when this was written


def dialled_of(targets: object) -> str:
    """The resource account (else the application) that was called, lower-case; empty when Graph names none."""
    for target in targets if isinstance(targets, list) else []:
        identity = _mapping(_mapping(target).get("identity"))
        for kind in ("applicationInstance", "application"):
            found = _text(_member(identity, kind) or {}, "id")
            if found:
                return found.lower()
    return ""


def _by_number(phone: Mapping[str, object], region: str) -> Caller:
    raw = _text(phone, "id").removeprefix("tel:").strip()
    if raw.lower() in _WITHHELD:
        return Caller(kind=CallerKind.WITHHELD)
    caller = read_number(raw, region)
    name = _name(phone)
    if name is None or caller.kind is CallerKind.WITHHELD or name.strip() == raw:
        return caller
    return Caller(kind=caller.kind, raw=caller.raw, e164=caller.e164, user=caller.user, name=name)


def _member(identity: Mapping[str, object], kind: str) -> Mapping[str, object] | None:
    found = identity.get(kind)
    return found if isinstance(found, dict) else None


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _text(values: Mapping[str, object], key: str) -> str:
    found = values.get(key)
    return found if isinstance(found, str) else ""


def _name(values: Mapping[str, object]) -> str | None:
    return _text(values, "displayName") or None
