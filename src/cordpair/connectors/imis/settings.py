"""What must be known of an iMIS before it can be spoken to."""

import ipaddress
import re
from collections.abc import Mapping
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import httpx
import msgspec

from cordpair.core.tenant import CrmSetup
from cordpair.errors import Rejected

Language = Literal["de", "en"]
_NO_ADDRESS = "iMIS: base_url must be an address like https://example.imiscloud.com"


class PasswordGrant(msgspec.Struct, frozen=True):
    """Signs in as an iMIS user, who needs staff and API rights; everything is written in that user's name."""

    username: str
    password: str


class RefreshGrant(msgspec.Struct, frozen=True):
    """Signs in as a registered client application."""

    client_id: str
    client_secret: str
    refresh_token: str


class PanelSink(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A panel table for tasks, and which of its columns hold what; empty: nothing does. `guard` is nobody else's."""

    table: str
    subject: str
    guard: str
    due: str = ""
    note: str = ""


class ImisSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of one iMIS.

    `base_url` is everything before `/token` and `/api`, with a path prefix where the installation has one.
    `time_zone` is the one in which this iMIS writes its dates, which have no offset.
    `search_entity` is what is searched by phone and synchronised: Party has organisations too, Person has not,
    PartySummary is small and has one number for each. `contacts_query` is the path of a saved query to use instead.
    `task_sink` is where tasks go; None: into activities, by their tickler date.
    `guard_column` is a text column of Activity that holds our key; it is at least ten characters wide.
    `record_link` is an address with `{party_id}` in it.
    """

    base_url: str
    time_zone: ZoneInfo
    grant: PasswordGrant | RefreshGrant
    search_entity: str = "Party"
    activity_type: str = "CALL"
    guard_column: str = "UF_1"
    record_link: str = ""
    contacts_query: str = ""
    task_sink: PanelSink | None = None
    language: Language = "en"
    page_size: int = 500
    timeout_s: float = 30.0


def read_settings(setup: CrmSetup) -> ImisSettings:
    """Read what an administrator has set. Raises Rejected, naming the setting."""
    given = setup.settings
    language = given.get("language", "en")
    if language not in ("de", "en"):
        raise Rejected("iMIS: language must be de or en")
    return ImisSettings(
        base_url=_base_url(_required(given, "base_url")),
        time_zone=_time_zone(_required(given, "time_zone")),
        grant=_grant(given, setup.secrets),
        search_entity=_one_of(
            given.get("search_entity", "Party"), ("Party", "Person", "PartySummary"), "search_entity"
        ),
        activity_type=_short(given.get("activity_type", "CALL"), "activity_type"),
        guard_column=_one_of(given.get("guard_column", "UF_1"), ("UF_1", "UF_2", "UF_3", "OTHER_CODE"), "guard_column"),
        record_link=given.get("record_link", ""),
        contacts_query=_query(given.get("contacts_query", "")),
        task_sink=_task_sink(given.get("task_table", ""), given.get("task_columns", "")),
        language="de" if language == "de" else "en",
    )


def _grant(given: Mapping[str, str], secrets: Mapping[str, str]) -> PasswordGrant | RefreshGrant:
    match given.get("grant", "password"):
        case "password":
            return PasswordGrant(_required(given, "username"), _required(secrets, "password"))
        case "refresh_token":
            return RefreshGrant(
                _required(given, "client_id"),
                _required(secrets, "client_secret"),
                _required(secrets, "refresh_token"),
            )
        case _:
            raise Rejected("iMIS: grant must be password or refresh_token")


def _required(values: Mapping[str, str], name: str) -> str:
    value = values.get(name, "")
    if not value.strip():
        raise Rejected(f"iMIS: {name} is missing")
    return value


def _one_of(value: str, allowed: tuple[str, ...], name: str) -> str:
    if value not in allowed:
        raise Rejected(f"iMIS: {name} must be one of {', '.join(allowed)}")
    return value


def _query(path: str) -> str:
    if path and not (path.startswith("$/") and path.strip("/ ") == path and len(path) > len("$/")):
        raise Rejected("iMIS: contacts_query must be the path of a saved query, like $/Cordpair/Contacts")
    return path


def _task_sink(table: str, columns: str) -> PanelSink | None:
    """`task_columns` reads like `subject=Subject due=DueDate guard=ExternalKey`."""
    if not table:
        return None
    named = dict(pair.split("=", 1) for pair in columns.split() if "=" in pair)
    try:
        if not re.fullmatch(r"\w{1,100}", table) or "table" in named:
            raise Rejected("iMIS: task_table must be the name of a panel table")
        return msgspec.convert({"table": table, **named}, PanelSink, strict=True)
    except msgspec.ValidationError as exc:
        raise Rejected("iMIS: task_columns must name at least subject=... and guard=...") from exc


def _short(value: str, name: str) -> str:
    if not 1 <= len(value) <= 10:
        raise Rejected(f"iMIS: {name} must have 1 to 10 characters")
    return value


def _base_url(text: str) -> str:
    """Encrypted, unless it stays on this machine."""
    try:
        parts = httpx.URL(text.strip())
    except httpx.InvalidURL as exc:
        raise Rejected(_NO_ADDRESS) from exc
    if parts.scheme not in ("http", "https") or not parts.host or parts.query or parts.fragment or parts.userinfo:
        raise Rejected(_NO_ADDRESS)
    if parts.scheme == "http" and not _is_loopback(parts.host):
        raise Rejected("iMIS: base_url must begin with https://")
    return text.strip().rstrip("/")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _time_zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name.strip())
    except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
        raise Rejected("iMIS: time_zone must be a name like Europe/Berlin") from exc
