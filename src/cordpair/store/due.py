"""Which records have had their time: one plan, for who erases them and for who watches that they are erased."""

from datetime import UTC, date, datetime, time

import msgspec

from cordpair.privacy.kinds import KINDS
from cordpair.store.sealing import INTAKE_KEPT


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """What is older goes: raw payloads that came in, flows that were done, audit records of days (UTC), versions."""

    intake_before: datetime
    flows_before: datetime
    audit_before: date
    versions_before: datetime


def due(now: datetime) -> Due:
    """What is due at `now` (aware). Raw payloads go by whole days, because the keys of their days go with them."""
    first_kept = (now - INTAKE_KEPT).astimezone(UTC).date()
    return Due(
        intake_before=_midnight(first_kept),
        flows_before=now - KINDS["effect_protocol"].default,
        audit_before=now.date() - KINDS["audit_record"].default,
        versions_before=_midnight((now - KINDS["setup_version"].default).astimezone(UTC).date()),
    )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)
