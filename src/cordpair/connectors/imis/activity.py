"""A call as an iMIS activity: the columns of the legacy Activity table, inside a generic entity."""

import base64
import hashlib
from collections.abc import Mapping

from cordpair.connectors.imis.answers import Json
from cordpair.connectors.imis.settings import ImisSettings, Language
from cordpair.connectors.imis.shapes import local_text
from cordpair.connectors.kit import Activity

_DESCRIPTION_WIDTH = 255
_USER_FIELD_WIDTH = 60
_SOURCE = "cordpair"

_WORDS: Mapping[Language, Mapping[bool, str]] = {
    "en": {True: "Inbound call", False: "Outbound call"},
    "de": {True: "Eingehender Anruf", False: "Ausgehender Anruf"},
}


def guard(key: str) -> str:
    """The duplicate guard: ten characters that stand for `key`, compared case aside.

    Columns of this table differ in width from one installation to the next and some hold no more than ten
    characters; a text that is cut on writing is not found again, and the call would be logged twice. Fifty bits
    are enough, since they are looked up among the activities of one party only.
    """
    digest = hashlib.blake2b(key.encode(), digest_size=10).digest()
    return base64.b32encode(digest).decode()[:10]


def activity_entity(activity: Activity, key: str, settings: ImisSettings, assembly: str) -> Json:
    """The body of `POST /api/Activity`. Type tags come first in every object."""
    entries = [_property(name, value, assembly) for name, value in _columns(activity, key, settings) if value != ""]
    return {
        "$type": _type("GenericEntityData", assembly),
        "EntityTypeName": "Activity",
        "PrimaryParentEntityTypeName": "Party",
        "Properties": {"$type": _type("GenericPropertyDataCollection", assembly), "$values": entries},
    }


def personal_texts(activity: Activity) -> tuple[str, ...]:
    """What of an activity must not come back in an error text."""
    return (activity.note, activity.agent_name, activity.party.id)


def _columns(activity: Activity, key: str, settings: ImisSettings) -> list[tuple[str, str | float]]:
    columns: dict[str, str | float] = {
        "PartyId": activity.party.id,
        "ACTIVITY_TYPE": settings.activity_type,
        "TRANSACTION_DATE": local_text(activity.started_at, settings.time_zone),
        "DESCRIPTION": _description(activity, settings.language)[:_DESCRIPTION_WIDTH],
        "NOTE": activity.note,
        "SOURCE_SYSTEM": _SOURCE,
        "UF_2": "inbound" if activity.inbound else "outbound",
        "UF_3": activity.disposition[:_USER_FIELD_WIDTH],
        # UNITS would be added to credits and dues by reports; the user-defined decimal is nobody else's.
        "UF_4": float(activity.talk_s),
    }
    # The guard wins its column, whichever the administrator chose.
    return list((columns | {settings.guard_column: guard(key)}).items())


def _description(activity: Activity, language: Language) -> str:
    parts = (_WORDS[language][activity.inbound], _duration(activity.talk_s), activity.agent_name, activity.queue)
    return ", ".join(filter(None, parts))


def _duration(talk_s: int) -> str:
    return f"{talk_s} s" if talk_s < 60 else f"{round(talk_s / 60)} min"


def _property(name: str, value: str | float, assembly: str) -> Json:
    """Text goes bare, everything else wrapped with its type."""
    wrapped = value if isinstance(value, str) else {"$type": "System.Decimal", "$value": value}
    return {"$type": _type("GenericPropertyData", assembly), "Name": name, "Value": wrapped}


def _type(name: str, assembly: str) -> str:
    return f"Asi.Soa.Core.DataContracts.{name}, {assembly}"
