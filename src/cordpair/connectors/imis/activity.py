"""A call as an iMIS activity: the columns of the legacy Activity table, inside a generic entity."""

import base64
import hashlib
from collections.abc import Mapping

from cordpair.connectors.imis.answers import Json
from cordpair.connectors.imis.columns import Column, Columns
from cordpair.connectors.imis.settings import ImisSettings, Language
from cordpair.connectors.imis.shapes import local_text
from cordpair.connectors.kit import Activity
from cordpair.errors import PermanentFailure

_GUARD_WIDTH = 10
_NEEDED = ("PartyId", "ACTIVITY_TYPE")
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
    return base64.b32encode(digest).decode()[:_GUARD_WIDTH]


def guard_column(settings: ImisSettings, columns: Columns) -> str:
    """The column of the guard as it is spelled here. Raises PermanentFailure when it cannot hold it whole."""
    column = columns.find(settings.guard_column)
    if column is None:
        raise PermanentFailure(f"iMIS: activities have no column {settings.guard_column}: choose another guard_column")
    if column.width is not None and column.width < _GUARD_WIDTH:
        raise PermanentFailure(
            f"iMIS: the column {settings.guard_column} holds {column.width} characters and {_GUARD_WIDTH} are needed: "
            "choose another guard_column"
        )
    return column.name


def activity_entity(activity: Activity, key: str, settings: ImisSettings, columns: Columns, assembly: str) -> Json:
    """The body of `POST /api/Activity`. Type tags come first in every object. Raises PermanentFailure."""
    entries = [_property(name, value, assembly) for name, value in _fitting(activity, key, settings, columns)]
    return {
        "$type": _type("GenericEntityData", assembly),
        "EntityTypeName": "Activity",
        "PrimaryParentEntityTypeName": "Party",
        "Properties": {"$type": _type("GenericPropertyDataCollection", assembly), "$values": entries},
    }


def personal_texts(activity: Activity) -> tuple[str, ...]:
    """What of an activity must not come back in an error text."""
    return (activity.note, activity.agent_name, activity.party.id)


def _columns(activity: Activity, settings: ImisSettings) -> list[tuple[str, str | float]]:
    columns: dict[str, str | float] = {
        "PartyId": activity.party.id,
        "ACTIVITY_TYPE": settings.activity_type,
        "TRANSACTION_DATE": local_text(activity.started_at, settings.time_zone),
        "DESCRIPTION": _description(activity, settings.language),
        "NOTE": activity.note,
        "SOURCE_SYSTEM": _SOURCE,
        "UF_2": "inbound" if activity.inbound else "outbound",
        "UF_3": activity.disposition,
        # UNITS would be added to credits and dues by reports; the user-defined decimal is nobody else's.
        "UF_4": float(activity.talk_s),
    }
    return list(columns.items())


def _fitting(activity: Activity, key: str, settings: ImisSettings, columns: Columns) -> list[tuple[str, str | float]]:
    """What this installation has columns for, as it fits; the guard wins its column, whichever was chosen."""
    # A type that is cut would be another type.
    kind = columns.find("ACTIVITY_TYPE")
    if kind is not None and kind.width is not None and len(settings.activity_type) > kind.width:
        raise PermanentFailure(f"iMIS: activity_type may have {kind.width} characters here")
    held = {}
    for name, value in _columns(activity, settings):
        column = columns.find(name) if name not in _NEEDED else columns.find(name) or Column(name)
        if column is not None and value != "" and name != settings.guard_column:
            held[column.name] = columns.fitted(name, value) if isinstance(value, str) else value
    return [*held.items(), (guard_column(settings, columns), guard(key))]


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
