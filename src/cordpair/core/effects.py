"""What must be done: orders to the outside, the closed list that the outbox carries.

An effect names things by id only; it never carries personal data. Its `key` is deterministic: the same
decision, made twice, orders the same thing once.
"""

from enum import IntEnum, StrEnum

import msgspec

from cordpair.core.flow import Say
from cordpair.core.ids import AgentId, CallId, GraphCallId, OfferId, TransferId


class Lane(IntEnum):
    """Order of service in the outbox: a lower lane overtakes all higher ones."""

    ANSWER = 0  # a ringing call: 15 s are all there is
    CONTROL = 1  # invites, hang-ups
    CARD = 2
    PROMPT = 3
    CHECK = 4
    CRM = 5


class Face(StrEnum):
    """What the one card of a call shows an agent."""

    CLAIMABLE = "claimable"  # waits for whoever takes it
    RINGING = "ringing"
    DECLINED = "declined"  # said not now; may still claim the call
    MISSED = "missed"  # rang out, or the caller left
    TAKEN = "taken"  # somebody else has it
    CALLING = "calling"  # we call somebody for them
    STRIP = "strip"  # in conversation
    PASSED = "passed"  # somebody else talks to the caller now
    WRAP_UP = "wrap_up"
    DONE = "done"


class Order(msgspec.Struct, frozen=True, kw_only=True, tag=True, tag_field="type"):
    """One effect, about one call."""

    call: CallId

    @property
    def key(self) -> str:
        """What makes two orders the same order."""
        raise NotImplementedError

    @property
    def lane(self) -> Lane:
        return Lane.CONTROL


class GraphOrder(Order, frozen=True, kw_only=True):
    """An effect on the call in Graph."""

    graph_id: GraphCallId


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


class ReleaseCall(GraphOrder, frozen=True, kw_only=True):
    """Hand an answered call that nobody was invited to over to the agent of an offer, and leave it."""

    agent: AgentId
    offer: OfferId

    @property
    def key(self) -> str:
        return f"release:{self.offer}"


class WithdrawInvite(GraphOrder, frozen=True, kw_only=True):
    """Stop the ring of an offer that has ended. `agent` was rung (None in orders of an earlier version)."""

    offer: OfferId
    agent: AgentId | None = None

    @property
    def key(self) -> str:
        return f"withdraw:{self.offer}"


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


class ShowCard(Order, frozen=True, kw_only=True):
    """Bring the agent's card of this call to `face`. A higher `number` makes lower ones pointless."""

    agent: AgentId
    face: Face
    number: int

    @property
    def key(self) -> str:
        return f"card:{self.call}:{self.agent}:{self.number}"

    @property
    def lane(self) -> Lane:
        return Lane.CARD


class CallbackFace(StrEnum):
    """What the card of a callback shows an agent."""

    OFFERED = "offered"  # asked to call back
    TAKEN = "taken"  # at it
    GONE = "gone"  # somebody else is asked
    DONE = "done"


class ShowCallback(Order, frozen=True, kw_only=True):
    """Bring an agent's card of the callback of this call to `face`. A higher `number` makes lower ones pointless."""

    agent: AgentId
    face: CallbackFace
    number: int

    @property
    def key(self) -> str:
        return f"callback:{self.call}:{self.agent}:{self.number}"

    @property
    def lane(self) -> Lane:
        return Lane.CARD


class TellAgent(Order, frozen=True, kw_only=True):
    """Tell an agent in the chat how they stand: somebody else has set it, or a rule. `number` counts these."""

    call: CallId = CallId("")
    agent: AgentId
    number: int

    @property
    def key(self) -> str:
        return f"tell:{self.agent}:{self.number}"

    @property
    def lane(self) -> Lane:
        return Lane.CARD


class ShowPresence(Order, frozen=True, kw_only=True):
    """Let Teams show an agent as busy, or no longer, whichever is so by then. `since` is when (UTC, ISO) it changed."""

    call: CallId = CallId("")
    agent: AgentId
    since: str

    @property
    def key(self) -> str:
        return f"presence:{self.agent}:{self.since}"

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
