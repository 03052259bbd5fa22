"""A call as an iMIS activity: the columns of the legacy Activity table, inside a generic entity."""

from collections.abc import Mapping

from cordpair.connectors.imis.answers import Json
from cordpair.connectors.imis.columns import Columns
from cordpair.connectors.imis.generic import Value, entity
from cordpair.connectors.imis.guards import guard, guard_column
from cordpair.connectors.imis.settings import ImisSettings, Language
from cordpair.connectors.imis.shapes import local_text
from cordpair.connectors.kit import Activity
from cordpair.errors import PermanentFailure

_NEEDED = ("PartyId", "ACTIVITY_TYPE")
_SOURCE = "cordpair"

_WORDS: Mapping[Language, Mapping[bool, str]] = {
    "en": {True: "Inbound call", False: "Outbound call"},
    "de": {True: "Eingehender Anruf", False: "Ausgehender Anruf"},
}


def activity_entity(
    activity: Activity, key: str, settings: ImisSettings, columns: Columns, assembly: str, *, number: str = ""
) -> Json:
    """The body of `POST /api/Activity`; with its `number` (SEQN) that of a PUT. Raises PermanentFailure.

    Type tags come first in every object.
    """
    return entity("Activity", _fitting(activity, key, settings, columns), assembly, number=number)


def personal_texts(activity: Activity) -> tuple[str, ...]:
    """What of an activity must not come back in an error text."""
    return (activity.note, activity.agent_name, activity.party.id)


def _row(activity: Activity, settings: ImisSettings) -> dict[str, Value]:
    return {
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


def _fitting(activity: Activity, key: str, settings: ImisSettings, columns: Columns) -> list[tuple[str, Value]]:
    """What this installation has columns for, as it fits; the guard wins its column, whichever was chosen."""
    # A type that is cut would be another type.
    kind = columns.find("ACTIVITY_TYPE")
    if kind is not None and kind.width is not None and len(settings.activity_type) > kind.width:
        raise PermanentFailure(f"iMIS: activity_type may have {kind.width} characters here")
    row = {name: value for name, value in _row(activity, settings).items() if name != settings.guard_column}
    return [
        *columns.held(row, needed=_NEEDED),
        (guard_column(settings.guard_column, columns, "guard_column"), guard(key)),
    ]


def _description(activity: Activity, language: Language) -> str:
    parts = (_WORDS[language][activity.inbound], _duration(activity.talk_s), activity.agent_name, activity.queue)
    return ", ".join(filter(None, parts))


def _duration(talk_s: int) -> str:
    return f"{talk_s} s" if talk_s < 60 else f"{round(talk_s / 60)} min"
