"""What must be done: orders to the outside, the closed list that the outbox carries.

An effect names things by id only; it never carries personal data. Its `key` is deterministic: the same
decision, made twice, orders the same thing once.
"""

import msgspec

from cordpair.core.card_effects import (
    CallbackFace,
    Face,
    ShowCallback,
    ShowCard,
    ShowPresence,
    TellAgent,
)
from cordpair.core.flow import Say
from cordpair.core.ids import AgentId, OfferId
from cordpair.core.order import GraphOrder, Lane, Order
from cordpair.core.transfer_effects import (
    HoldCaller,
    PlaceCall,
    ReleaseCall,
    RemoveAgent,
    RingParty,
    RingTarget,
    WithdrawTarget,
)

#: Effects that stand elsewhere, and what all of them are.
__all__ = [
    "CallbackFace",
    "Face",
    "GraphOrder",
    "HoldCaller",
    "Lane",
    "Order",
    "PlaceCall",
    "ReleaseCall",
    "RemoveAgent",
    "RingParty",
    "RingTarget",
    "ShowCallback",
    "ShowCard",
    "ShowPresence",
    "TellAgent",
    "WithdrawTarget",
]


class AnswerCall(GraphOrder, frozen=True, kw_only=True):
    """Take the ringing call (the bot answers)."""

    @property
    def key(self) -> str:
        return f"answer:{self.call}"

    @property
    def lane(self) -> Lane:
        return Lane.ANSWER


class RejectCall(GraphOrder, frozen=True, kw_only=True):
    """Refuse a ringing call that belongs to no queue. `reason` is none | busy | forbidden."""

    reason: str = "none"

    @property
    def key(self) -> str:
        return f"reject:{self.call}"

    @property
    def lane(self) -> Lane:
        return Lane.ANSWER


class RedirectCall(GraphOrder, frozen=True, kw_only=True):
    """Send a ringing call on, unanswered. `target` is a user's Entra object id."""

    target: str

    @property
    def key(self) -> str:
        return f"redirect:{self.call}"

    @property
    def lane(self) -> Lane:
        return Lane.ANSWER


class TransferCall(GraphOrder, frozen=True, kw_only=True):
    """Hand an answered call that nobody was invited to over, and leave it.

    `target` is a user (Entra object id) or a telephone number (E.164).
    """

    target: str

    @property
    def key(self) -> str:
        return f"transfer:{self.call}"


class PlayPrompt(GraphOrder, frozen=True, kw_only=True):
    """Play a prompt by name to the caller, or what `say` says. `number` counts the prompts of this call.

    The end of what `say` says is awaited. It is said in `language` where it does not name its own; for exactly `fill_s`
    seconds, again and again, where that is more than 0. `cuts`: what plays now is cut short first.
    """

    prompt: str = ""
    number: int
    say: tuple[Say, ...] = ()
    language: str = ""
    fill_s: float = 0.0
    cuts: bool = False

    @property
    def key(self) -> str:
        return f"prompt:{self.call}:{self.number}"

    @property
    def lane(self) -> Lane:
        return Lane.PROMPT


class StopPrompts(GraphOrder, frozen=True, kw_only=True):
    """Cut short what plays; `number` is its number."""

    number: int

    @property
    def key(self) -> str:
        return f"stop:{self.call}:{self.number}"


class SubscribeTones(GraphOrder, frozen=True, kw_only=True):
    """Have the keys that the caller presses told to us."""

    @property
    def key(self) -> str:
        return f"tones:{self.call}"


class InviteAgent(GraphOrder, frozen=True, kw_only=True):
    """Ring the agent's Teams client into the call. Never repeated after an unknown outcome."""

    agent: AgentId
    offer: OfferId

    @property
    def key(self) -> str:
        return f"invite:{self.offer}"


class WithdrawInvite(GraphOrder, frozen=True, kw_only=True):
    """Stop the ring of an offer that has ended. `agent` was rung (None in orders of an earlier version)."""

    offer: OfferId
    agent: AgentId | None = None

    @property
    def key(self) -> str:
        return f"withdraw:{self.offer}"


class HangUp(GraphOrder, frozen=True, kw_only=True):
    """End the call for everybody."""

    @property
    def key(self) -> str:
        return f"hangup:{self.call}"


class RefreshCall(GraphOrder, frozen=True, kw_only=True):
    """Keep the call alive, then re-read its state and roster. `number` counts the checks of this call."""

    number: int

    @property
    def key(self) -> str:
        return f"refresh:{self.call}:{self.number}"

    @property
    def lane(self) -> Lane:
        return Lane.CHECK


class LogActivity(Order, frozen=True, kw_only=True):
    """Write the call to the CRM as one activity of its settled party; what is written already is brought up to date.

    `revision` counts what has changed since it was first ordered (0).
    """

    revision: int = 0

    @property
    def key(self) -> str:
        return f"activity:{self.call}:{self.revision}" if self.revision else f"activity:{self.call}"

    @property
    def lane(self) -> Lane:
        return Lane.CRM


class CorrectCaller(Order, frozen=True, kw_only=True):
    """The caller was somebody else: forget the choice, mark the activity that stands at the wrong party, if one does.

    `number` is the place in `Call.mistaken`; `is_written` whether an activity stands there.
    """

    number: int
    is_written: bool = False

    @property
    def key(self) -> str:
        return f"correct:{self.call}:{self.number}" + (":written" if self.is_written else "")

    @property
    def lane(self) -> Lane:
        return Lane.CRM


Effect = (
    AnswerCall
    | RejectCall
    | RedirectCall
    | TransferCall
    | PlayPrompt
    | StopPrompts
    | SubscribeTones
    | InviteAgent
    | ReleaseCall
    | WithdrawInvite
    | PlaceCall
    | RingParty
    | RingTarget
    | WithdrawTarget
    | RemoveAgent
    | HoldCaller
    | HangUp
    | RefreshCall
    | ShowCard
    | TellAgent
    | ShowCallback
    | ShowPresence
    | LogActivity
    | CorrectCaller
)

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Effect] = msgspec.json.Decoder(Effect)


def encode(effect: Effect) -> bytes:
    """An effect as JSON; ids only."""
    return _encoder.encode(effect)


def decode(data: bytes) -> Effect:
    """The effect that `encode` wrote. Raises msgspec.ValidationError for anything else."""
    return _decoder.decode(data)
