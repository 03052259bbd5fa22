"""What a template may name: instants, keys, activities and tasks as plain values."""

import base64
import hashlib
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo

from cordpair.connectors.kit import Activity, Task
from cordpair.core.ids import PartyRef

Values = dict[str, object]

#: Ours alone: ids that are derived in it are nobody else's.
_SPACE = uuid.UUID("5f3c3b0e-3a52-5d0b-9f0c-4d1e6a2b7c88")


def key_values(key: str, party: PartyRef) -> Values:
    """Stands for one entry at one party, the same in every try.

    `text` is the whole key, `guard` 16 letters and digits that stand for it, `uuid` a UUID, `marker` `[cc:…]`.
    """
    key = f"{key}@{party.id}"
    digest = hashlib.blake2b(key.encode(), digest_size=10).digest()
    guard = base64.b32encode(digest).decode().lower()
    return {"text": key, "guard": guard, "uuid": str(uuid.uuid5(_SPACE, key)), "marker": f"[cc:{guard}]"}


def instant_values(at: datetime, zone: tzinfo) -> Values:
    """An aware instant: `iso` and parts in UTC, `s` and `ms` since 1970, `date` and `local` as people there write."""
    utc, here = at.astimezone(UTC), at.astimezone(zone)
    return {
        "iso": utc.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "offset": here.isoformat(timespec="seconds"),
        "utc": utc.strftime("%Y-%m-%d %H:%M:%S"),
        "local": here.strftime("%Y-%m-%d %H:%M:%S"),
        "date": here.strftime("%Y-%m-%d"),
        "s": int(utc.timestamp()),
        "ms": int(utc.timestamp() * 1000),
        "year": utc.year,
        "month": utc.month,
        "day": utc.day,
        "hour": utc.hour,
        "minute": utc.minute,
        "second": utc.second,
    }


def party_id(kind: str, own: str, kinds: Sequence[str]) -> str:
    """How a party is named outside: its own id, with its kind before it where there are several."""
    return own if len(kinds) == 1 else f"{kind}:{own}"


def party_values(party: PartyRef, kinds: Sequence[str]) -> Values:
    """`id` is the CRM's own id, `kind` the entity it is of."""
    kind, _, own = party.id.partition(":") if len(kinds) > 1 else (kinds[0], "", party.id)
    return {"id": own, "kind": kind}


def activity_values(activity: Activity, zone: tzinfo) -> Values:
    ended = activity.started_at + timedelta(seconds=activity.talk_s)
    return {
        "call": activity.call,
        "inbound": activity.inbound,
        "started": instant_values(activity.started_at, zone),
        "ended": instant_values(ended, zone),
        "talk_s": activity.talk_s,
        "talk_ms": activity.talk_s * 1000,
        "talk_min": round(activity.talk_s / 60),
        "agent": activity.agent_name,
        "queue": activity.queue,
        "disposition": activity.disposition,
        "note": activity.note,
    }


def task_values(task: Task, zone: tzinfo) -> Values:
    """`due` is the end of the day in the organisation's zone."""
    due = datetime(task.due.year, task.due.month, task.due.day, 23, 59, tzinfo=zone)
    return {"subject": task.subject, "due": instant_values(due, zone), "note": task.note}
