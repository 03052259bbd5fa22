"""What must be done to pass callers on, to release calls and to place calls."""

from cordpair.core.ids import AgentId, OfferId, TransferId
from cordpair.core.order import GraphOrder, Order


class ReleaseCall(GraphOrder, frozen=True, kw_only=True):
    """Hand an answered call that nobody was invited to over to the agent of an offer, and leave it."""

    agent: AgentId
    offer: OfferId

    @property
    def key(self) -> str:
        return f"release:{self.offer}"


class PlaceCall(Order, frozen=True, kw_only=True):
    """Have Graph ring the agent for a call that we place. Never repeated after an unknown outcome.

    `account` is the resource account by whose number the party will be rung.
    """

    agent: AgentId
    account: str

    @property
    def key(self) -> str:
        return f"place:{self.call}"


class RingParty(GraphOrder, frozen=True, kw_only=True):
    """Ring the party of a call that we place into it. Never repeated after an unknown outcome."""

    @property
    def key(self) -> str:
        return f"party:{self.call}"


class RingTarget(GraphOrder, frozen=True, kw_only=True):
    """Ring whom a transfer is to into the call. Never repeated after an unknown outcome."""

    transfer: TransferId

    @property
    def key(self) -> str:
        return f"ring:{self.transfer}"


class WithdrawTarget(GraphOrder, frozen=True, kw_only=True):
    """Take whom a transfer was to out of the call, ringing or talking."""

    transfer: TransferId

    @property
    def key(self) -> str:
        return f"unring:{self.transfer}"


class RemoveAgent(GraphOrder, frozen=True, kw_only=True):
    """Take an agent out of the call; the others stay. `number` is the transfer's."""

    agent: AgentId
    number: int

    @property
    def key(self) -> str:
        return f"remove:{self.call}:{self.number}:{self.agent}"


class HoldCaller(GraphOrder, frozen=True, kw_only=True):
    """Let the caller hear music while a transfer is under way (`on`), or take them back. `number` is the transfer's."""

    on: bool
    number: int

    @property
    def key(self) -> str:
        return f"hold:{self.call}:{self.number}:{'on' if self.on else 'off'}"
