"""What a call's card may show. Pure values."""

from datetime import datetime

import msgspec

from cordpair.connectors.teams.pass_on import Passing
from cordpair.connectors.teams.texts import language, text
from cordpair.core.call import CallState
from cordpair.core.caller import CallerKind, Candidate
from cordpair.core.events import OfferEnd
from cordpair.core.ids import CallId, OfferId, PartyRef
from cordpair.core.tenant import Disposition
from cordpair.core.transfer import TransferEnd


class WrapUpFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The time of a wrap-up: `until` (aware UTC) it ends by itself, `left` times it may be made `extend_s` longer.

    `is_fixed`: it does not end sooner. `is_free`: calls ring meanwhile. `is_written`: a result stands already.
    """

    until: datetime
    left: int = 0
    extend_s: float = 60.0
    is_fixed: bool = False
    is_free: bool = False
    is_written: bool = False


class CardFacts(msgspec.Struct, frozen=True, kw_only=True):
    """All that a call's card may show. Instants are aware UTC, `..._s` are seconds.

    `number` is the caller's number as people read it. `party` is the settled or chosen party. `ended` says why an
    offer ended without a conversation; `caller_left` that the caller is gone. `activity` is the CRM's reference once
    it is logged; `pending` is a reason of `core.call.pending_reason` while it is not.
    """

    call: CallId
    offer: OfferId | None = None
    queue: str
    colour: str = "#5b5fc7"
    locale: str = "en"
    caller_kind: CallerKind = CallerKind.NUMBER
    number: str = ""
    caller_name: str = ""
    candidates: tuple[Candidate, ...] = ()
    party: PartyRef | None = None
    waited_s: float = 0.0
    connected_at: datetime | None = None
    talk_s: float = 0.0
    dispositions: tuple[Disposition, ...] = ()
    disposition: str = ""
    note: str = ""
    activity: str = ""
    pending: str = ""
    ended: OfferEnd | None = None
    caller_left: bool = False
    wrap_up: WrapUpFacts | None = None
    calling: CallState | None = None  #: how far a call is that we place for the agent
    not_reached: TransferEnd | None = None  #: why it did not come about
    passing: Passing | None = None  #: on the card of who may pass the caller on, or gets them so

    def say(self, key: str, **values: object) -> str:
        """A text of our own in the agent's language."""
        return text(self.locale, key, **values)

    @property
    def chosen(self) -> Candidate | None:
        """The candidate that is the caller, as far as it is settled."""
        return next((it for it in self.candidates if it.party == self.party), None)

    def titled(self, disposition: Disposition) -> str:
        """A disposition in the agent's language."""
        return disposition.de if language(self.locale) == "de" else disposition.en
