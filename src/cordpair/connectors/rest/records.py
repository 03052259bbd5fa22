"""From items of an answer to parties."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from cordpair.connectors.rest.mapping import Record
from cordpair.connectors.rest.templates import as_text, expression
from cordpair.connectors.rest.values import party_id
from cordpair.core.ids import PartyRef
from cordpair.core.party import PartyRecord, StoredPhone


def items_of(found: object) -> list[object]:
    """The items that an expression has read; one object alone is a list of itself."""
    match found:
        case None:
            return []
        case list():
            return [one for one in found if one is not None]
        case _:
            return [found]


def parties_of(
    items: Iterable[object], record: Record, *, connector: str, kind: str, kinds: Sequence[str]
) -> list[PartyRecord]:
    """The parties of these items, in their order. Items with one id are one party with all its numbers."""
    found: dict[str, PartyRecord] = {}
    for item in items:
        own = as_text(_read(record.id, item)).strip()
        if not own or (record.when and not _read(record.when, item)):
            continue
        name = party_id(kind, own, kinds)
        known = found.get(name)
        phones = tuple(_phones(item, record))
        if known is not None:
            phones = tuple(dict.fromkeys((*known.phones, *phones)))
        found[name] = PartyRecord(
            ref=PartyRef(connector, name),
            name=_text(record.name, item) or (known.name if known else ""),
            company=_text(record.company, item),
            phones=phones,
            region=_region(_text(record.country, item)),
            is_organization=bool(_read(record.organization, item)) if record.organization else False,
            updated_at=_instant(_read(record.updated_at, item)) if record.updated_at else None,
        )
    return list(found.values())


def _phones(item: object, record: Record) -> Iterator[StoredPhone]:
    seen = set()
    for label, text in record.phones.items():
        for one in items_of(_read(text, item)):
            raw = as_text(one).strip()
            if raw and raw not in seen:
                seen.add(raw)
                yield StoredPhone(raw=raw, label=label)


def _read(text: str, item: object) -> object:
    return expression(text).read(item) if text else None


def _text(text: str, item: object) -> str:
    return " ".join(as_text(_read(text, item)).split())


def _region(text: str) -> str | None:
    return text.upper() if len(text) == 2 and text.isalpha() else None


def _instant(value: object) -> datetime | None:
    """An instant as systems write it: ISO 8601, or milliseconds since 1970. Without an offset it is UTC."""
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value / 1000, UTC)
        at = datetime.fromisoformat(str(value))
    except (ValueError, OverflowError, OSError):
        return None
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)
