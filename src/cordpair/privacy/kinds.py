"""The kinds of data we keep: why, on what legal basis, for how long at most, and how each goes.

A period is a ceiling, not a wish: a tenant may shorten it and can never pass it (`expires_at`). What must not outlive
180 days (sign-in data, logs, protocol data, metadata) has that ceiling here, whatever anybody configures.
"""

from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

_CEILING = timedelta(days=180)
_PRIMARY = timedelta(days=150)  # with backups of 30 days even the last copy is gone at 180


class StartsAt(StrEnum):
    """When the period of a kind begins."""

    RECEIVED = "received"  # when it came in
    LAST_CHANGED = "last_changed"
    CALL_CLOSED = "call_closed"
    SOURCE_GONE = "source_gone"  # the system that it was copied from no longer has it
    LEFT = "left"  # the person no longer works with the product
    CONTRACT_END = "contract_end"


class LegalBasis(StrEnum):
    """GDPR Art. 6(1)."""

    CONTRACT = "contract"  # (b)
    LEGITIMATE_INTEREST = "legitimate_interest"  # (f)
    NOT_PERSONAL = "not_personal"  # no personal data in it


class Erasure(StrEnum):
    """How data of a kind goes."""

    DELETE_ROW = "delete_row"
    DESTROY_KEY = "destroy_key"  # reaches every copy, backups too; the row is deleted as well
    OVERWRITE = "overwrite"  # the next value takes its place; deleted with its row
    ROTATE = "rotate"  # the log's own rotation


class DataKind(msgspec.Struct, frozen=True, kw_only=True):
    """One kind. `keep_at_most` is the ceiling, `default` what holds when a tenant sets nothing."""

    name: str
    purpose: str
    legal_basis: LegalBasis
    starts_at: StartsAt
    keep_at_most: timedelta
    default: timedelta
    erasure: Erasure


def expires_at(kind: DataKind, since: datetime, wanted: timedelta | None = None) -> datetime:
    """The instant at which data of `kind` must be gone. A tenant may shorten the period, never pass the ceiling."""
    return since + min(max(wanted, timedelta(0)) if wanted is not None else kind.default, kind.keep_at_most)


_ALL = (
    DataKind(
        name="tenant_setup",
        purpose="run the contact centre as the organisation set it up",
        legal_basis=LegalBasis.NOT_PERSONAL,
        starts_at=StartsAt.CONTRACT_END,
        keep_at_most=timedelta(days=30),
        default=timedelta(days=30),
        erasure=Erasure.DELETE_ROW,
    ),
    DataKind(
        name="tenant_secret",
        purpose="speak to Microsoft and the CRM in the organisation's name",
        legal_basis=LegalBasis.NOT_PERSONAL,
        starts_at=StartsAt.CONTRACT_END,
        keep_at_most=timedelta(0),
        default=timedelta(0),
        erasure=Erasure.DESTROY_KEY,
    ),
    DataKind(
        name="agent_profile",
        purpose="reach the agent in Teams and name them in the CRM activity",
        legal_basis=LegalBasis.CONTRACT,
        starts_at=StartsAt.LEFT,
        keep_at_most=timedelta(days=30),
        default=timedelta(days=30),
        erasure=Erasure.DESTROY_KEY,
    ),
    DataKind(
        name="agent_state",
        purpose="offer calls only to agents who can take them",
        legal_basis=LegalBasis.CONTRACT,
        starts_at=StartsAt.LAST_CHANGED,
        keep_at_most=_CEILING,
        default=timedelta(days=30),
        erasure=Erasure.OVERWRITE,
    ),
    DataKind(
        name="call_metadata",
        purpose="route the call, show the floor, count the service level, and say why each decision was made",
        legal_basis=LegalBasis.LEGITIMATE_INTEREST,
        starts_at=StartsAt.CALL_CLOSED,
        keep_at_most=_CEILING,
        default=_PRIMARY,
        erasure=Erasure.DELETE_ROW,
    ),
    DataKind(
        name="call_content",
        purpose="tell the agent who calls, and log the call with the agent's note to the CRM",
        legal_basis=LegalBasis.LEGITIMATE_INTEREST,
        starts_at=StartsAt.CALL_CLOSED,
        keep_at_most=_CEILING,
        default=_PRIMARY,
        erasure=Erasure.DESTROY_KEY,
    ),
    DataKind(
        name="party_index",
        purpose="find who calls by the number, without asking the CRM while the phone rings",
        legal_basis=LegalBasis.LEGITIMATE_INTEREST,
        starts_at=StartsAt.SOURCE_GONE,
        keep_at_most=timedelta(days=1),
        default=timedelta(days=1),
        erasure=Erasure.DESTROY_KEY,
    ),
    DataKind(
        name="intake_payload",
        purpose="lose no notification and be able to fold it again",
        legal_basis=LegalBasis.LEGITIMATE_INTEREST,
        starts_at=StartsAt.RECEIVED,
        keep_at_most=timedelta(days=3),
        default=timedelta(days=3),
        erasure=Erasure.DESTROY_KEY,
    ),
    DataKind(
        name="intake_protocol",
        purpose="recognise a notification that is delivered again",
        legal_basis=LegalBasis.LEGITIMATE_INTEREST,
        starts_at=StartsAt.RECEIVED,
        keep_at_most=_CEILING,
        default=timedelta(days=3),
        erasure=Erasure.DELETE_ROW,
    ),
    DataKind(
        name="effect_protocol",
        purpose="carry out each order exactly once, and show what was given up",
        legal_basis=LegalBasis.LEGITIMATE_INTEREST,
        starts_at=StartsAt.CALL_CLOSED,
        keep_at_most=_CEILING,
        default=_PRIMARY,
        erasure=Erasure.DELETE_ROW,
    ),
    DataKind(
        name="audit_record",
        purpose="show who used privileged rights, when and on what",
        legal_basis=LegalBasis.LEGITIMATE_INTEREST,
        starts_at=StartsAt.RECEIVED,
        keep_at_most=_CEILING,
        default=_PRIMARY,
        erasure=Erasure.DELETE_ROW,
    ),
    DataKind(
        name="audit_detail",
        purpose="show what exactly a privileged action changed",
        legal_basis=LegalBasis.LEGITIMATE_INTEREST,
        starts_at=StartsAt.RECEIVED,
        keep_at_most=_CEILING,
        default=_PRIMARY,
        erasure=Erasure.DESTROY_KEY,
    ),
    DataKind(
        name="audit_chain",
        purpose="prove that no record of a privileged action was changed, removed or put in between",
        legal_basis=LegalBasis.NOT_PERSONAL,
        starts_at=StartsAt.LAST_CHANGED,
        keep_at_most=_CEILING,
        default=timedelta(days=170),
        erasure=Erasure.DELETE_ROW,
    ),
    DataKind(
        name="setup_version",
        purpose="show who changed the setup and what it said, and go back to what it said",
        legal_basis=LegalBasis.LEGITIMATE_INTEREST,
        starts_at=StartsAt.RECEIVED,
        keep_at_most=_CEILING,
        default=_PRIMARY,
        erasure=Erasure.DESTROY_KEY,
    ),
    DataKind(
        name="operations",
        purpose="keep the machinery going: leases, bookmarks, subscriptions, schema",
        legal_basis=LegalBasis.NOT_PERSONAL,
        starts_at=StartsAt.LAST_CHANGED,
        keep_at_most=_CEILING,
        default=_CEILING,
        erasure=Erasure.OVERWRITE,
    ),
    DataKind(
        name="operator_log",
        purpose="see that the product works and find faults, by ids, counts and durations",
        legal_basis=LegalBasis.LEGITIMATE_INTEREST,
        starts_at=StartsAt.RECEIVED,
        keep_at_most=_CEILING,
        default=timedelta(days=30),
        erasure=Erasure.ROTATE,
    ),
    DataKind(
        name="key",
        purpose="open what is sealed for as long as it may be read",
        legal_basis=LegalBasis.NOT_PERSONAL,
        starts_at=StartsAt.SOURCE_GONE,
        keep_at_most=timedelta(0),
        default=timedelta(0),
        erasure=Erasure.DESTROY_KEY,
    ),
)

#: All kinds by name.
KINDS: dict[str, DataKind] = {kind.name: kind for kind in _ALL}
