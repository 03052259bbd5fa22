"""Reading iMIS's JSON as plain data. Type tags are skipped, never acted on; anything can be missing."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import phonenumbers

from cordpair.connectors.imis.answers import Json
from cordpair.core.ids import PartyRef
from cordpair.core.party import PartyRecord, StoredPhone
from cordpair.errors import TemporaryFailure

NAME = "imis"


def scalar(value: object) -> str | int | float | bool | None:
    """A scalar, bare or wrapped as `{"$type": …, "$value": …}`. An empty text is None, as iMIS means it."""
    if isinstance(value, dict):
        value = value.get("$value")
    if isinstance(value, str | int | float) and value != "":
        return value
    return None


def text(value: object) -> str:
    found = scalar(value)
    return "" if found is None else str(found).strip()


def values(collection: object) -> list[Json]:
    """The objects of a collection, tagged (`$values`) or bare."""
    entries = collection.get("$values") if isinstance(collection, dict) else collection
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []


def items(page: Json) -> list[Json]:
    """The objects of a paged result. Raises TemporaryFailure when it is none."""
    if "Items" not in page:
        raise TemporaryFailure("iMIS answered with data of another form than a list")
    return values(page["Items"])


def next_offset(page: Json) -> int | None:
    """Where the next page begins, by the server's own count; None after the last."""
    if scalar(page.get("HasNext")) is not True:
        return None
    following, offset, count = (scalar(page.get(key)) for key in ("NextOffset", "Offset", "Count"))
    if isinstance(following, int) and following > (offset if isinstance(offset, int) else 0):
        return following
    if isinstance(offset, int) and isinstance(count, int) and count > 0:
        return offset + count
    raise TemporaryFailure("iMIS says that there are more parties, but not where")


def property_of(entity: Json, name: str) -> object:
    """A property of a generic entity by name, case aside; None without `Value`."""
    for entry in values(entity.get("Properties")):
        if text(entry.get("Name")).lower() == name.lower():
            return scalar(entry.get("Value"))
    return None


def identity_of(entity: Json) -> str:
    """The key of a generic entity: its identity elements, else its SEQN."""
    identity = entity.get("Identity")
    elements = identity.get("IdentityElements") if isinstance(identity, dict) else None
    found = elements.get("$values") if isinstance(elements, dict) else elements
    if isinstance(found, list) and found and text(found[0]):
        return "/".join(text(element) for element in found)
    return text(property_of(entity, "SEQN"))


def party_record(entity: Json, zone: ZoneInfo) -> PartyRecord | None:
    """A person or an organisation; None without an id. Who is marked for deletion keeps no number."""
    party_id = text(entity.get("PartyId")) or text(entity.get("Id"))
    if not party_id:
        return None
    gone = scalar(entity.get("IsMarkedForDelete")) is True
    return PartyRecord(
        ref=PartyRef(NAME, party_id),
        name=_name(entity),
        company=text(_part(entity, "PrimaryOrganization").get("Name")) or text(entity.get("OrganizationName")),
        phones=() if gone else tuple(_phones(entity)),
        region=_region(entity),
        is_organization="OrganizationData" in text(entity.get("$type")),
        updated_at=instant(_part(entity, "UpdateInformation").get("UpdatedOn"), zone),
    )


def local_text(instant: datetime, zone: ZoneInfo) -> str:
    """An aware instant as iMIS writes it: local, without an offset."""
    return instant.astimezone(zone).replace(tzinfo=None, microsecond=0).isoformat()


def _name(entity: Json) -> str:
    person = _part(entity, "PersonName")
    parts = (text(person.get("FirstName")), text(person.get("LastName")))
    return text(person.get("FullName")) or " ".join(filter(None, parts)) or text(entity.get("Name"))


def _phones(entity: Json) -> Iterator[StoredPhone]:
    """Numbers stand in two places: the list of phones, and each address. A summary has one of its own."""
    seen = set()
    for raw, label in _raw_phones(entity):
        if raw and raw not in seen:
            seen.add(raw)
            yield StoredPhone(raw=raw, label=label)


def _raw_phones(entity: Json) -> Iterator[tuple[str, str]]:
    for phone in values(entity.get("Phones")):
        yield text(phone.get("Number")), text(phone.get("PhoneType"))
    for address in values(entity.get("Addresses")):
        yield text(address.get("Phone")), text(address.get("AddressPurpose"))
    yield text(entity.get("Phone")), ""


def _region(entity: Json) -> str | None:
    """The country of the first address that names one that has telephones."""
    for address in values(entity.get("Addresses")):
        if region := region_of(text(_part(address, "Address").get("CountryCode"))):
            return region
    return None


def region_of(country: str) -> str | None:
    """A country that has telephones, by its two letters."""
    code = {"UK": "GB"}.get(country.upper(), country.upper())
    return code if code in phonenumbers.SUPPORTED_REGIONS else None


def instant(value: object, zone: ZoneInfo) -> datetime | None:
    """A date of iMIS, which has no offset, as an aware UTC instant; None when it cannot be read."""
    try:
        local = datetime.fromisoformat(text(value))
    except ValueError:
        return None
    return (local if local.tzinfo else local.replace(tzinfo=zone)).astimezone(UTC)


def _part(entity: Json, name: str) -> Mapping[str, object]:
    part = entity.get(name)
    return part if isinstance(part, dict) else {}
