"""Names of things. A call id cannot stand where an agent id belongs."""

import uuid
from functools import lru_cache
from typing import NewType

import msgspec

TenantId = NewType("TenantId", str)  #: the Entra tenant id (`tid`), a lower-case UUID
CallId = NewType("CallId", str)  #: ours, a UUID derived from tenant and Graph call id
GraphCallId = NewType("GraphCallId", str)  #: Graph's name for the caller's leg
AgentId = NewType("AgentId", str)  #: the Entra object id (`oid`) of the agent, a lower-case UUID
QueueId = NewType("QueueId", str)  #: a short slug, unique in its tenant
FlowId = NewType("FlowId", str)  #: a call flow: a short slug, unique in its tenant
OfferId = NewType("OfferId", str)  #: `{call id}/{n}`; n is the fencing number, 1 for the first offer
TransferId = NewType("TransferId", str)  #: `{call id}/t{n}`; n is the fencing number, 1 for the first transfer
RegistrationId = NewType("RegistrationId", str)  #: opaque name of an app registration, part of our webhook addresses


class PartyRef(msgspec.Struct, frozen=True):
    """A party of one CRM: connector name (`imis`) and the CRM's own id."""

    connector: str
    id: str


_CALLS = uuid.UUID("6e4fdd0a-6f9c-4a6e-9b7e-2b8a4f8c9a01")


@lru_cache(maxsize=10_000)
def call_id(tenant: TenantId, graph_id: GraphCallId) -> CallId:
    """Derive our call id from Graph's, so that every notification finds its call without a look-up."""
    return CallId(str(uuid.uuid5(_CALLS, f"{tenant}/{graph_id}")))


def offer_id(call: CallId, number: int) -> OfferId:
    """Name the `number`-th offer of a call (counted from 1)."""
    return OfferId(f"{call}/{number}")


def transfer_id(call: CallId, number: int) -> TransferId:
    """Name the `number`-th transfer of a call (counted from 1)."""
    return TransferId(f"{call}/t{number}")


def transfer_call(transfer: TransferId) -> CallId:
    """The call of a transfer. Raises ValueError when it is none."""
    call, _, number = transfer.rpartition("/t")
    int(number)
    return CallId(str(uuid.UUID(call)))


def participant_id(offer: OfferId | TransferId) -> str:
    """The participant id that an invite of this name asks Graph to use, so that the ring can be withdrawn by it."""
    return str(uuid.uuid5(_CALLS, f"participant/{offer}"))


def offer_parts(offer: OfferId) -> tuple[CallId, int]:
    """Split an offer id. Raises ValueError when it is none."""
    call, _, number = offer.rpartition("/")
    return CallId(str(uuid.UUID(call))), int(number)
