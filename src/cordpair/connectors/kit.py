"""The ports: what the engine asks of an outside system, whatever it is called.

All ports raise TemporaryFailure (away: try again), Throttled (away, because we ask too much), UnknownOutcome (sent, no
answer: look before repeating) and PermanentFailure (trying again cannot help), and nothing else. What they promise is
written as tests in `testkit`.
"""

import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date, datetime
from typing import Protocol, runtime_checkable

import msgspec

from cordpair.core.events import CallEvent
from cordpair.core.ids import AgentId, CallId, GraphCallId, PartyRef
from cordpair.core.party import ChatReference, PartyRecord


class PartyPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of a sync. `bookmark` continues after this page, even in another process; None asks for nothing more.

    `complete` is true on the last page: its bookmark is where the next hourly sync begins.
    """

    parties: tuple[PartyRecord, ...]
    bookmark: str
    complete: bool


class Activity(msgspec.Struct, frozen=True, kw_only=True):
    """One call, as the CRM shall remember it. Instants are aware UTC, `talk_s` is seconds of conversation."""

    call: CallId
    party: PartyRef
    inbound: bool = True
    started_at: datetime
    talk_s: int
    agent_name: str
    queue: str
    disposition: str = ""
    note: str = ""


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """Something to be done for a party until the end of the day `due`, which is the organisation's own."""

    party: PartyRef
    subject: str
    due: date
    note: str = ""


class Crm(Protocol):
    """A system that knows parties and remembers activities."""

    @property
    def name(self) -> str:
        """The connector's name, as in PartyRef.connector."""

    async def find_by_phone(self, e164: str, region: str | None = None) -> Sequence[PartyRecord]:
        """Parties that may have this number: live look-up, verified by the caller. Never creates anything."""

    def changed_parties(self, bookmark: str | None) -> AsyncIterator[PartyPage]:
        """All parties changed since `bookmark` (None: all), page by page, over one connection."""

    @property
    def keeps_activities(self) -> bool:
        """Whether calls are written here at all; directories are only read."""

    async def log_activity(self, activity: Activity, *, key: str, repeat: bool) -> str:
        """Write one activity and return the CRM's id of it.

        `key` is the same for every try of the same activity; `repeat` says that an earlier try may have
        been carried out: then the CRM is looked through for `key` before anything is written.
        """

    async def update_activity(self, reference: str, activity: Activity, *, key: str) -> None:
        """Bring an activity, by the CRM's id of it, to what is known now.

        It is written whole, so that a repeat changes nothing. PermanentFailure (404) when the CRM no longer has it.
        """

    async def find_activities(self, party: PartyRef, key: str) -> Sequence[str]:
        """The CRM's ids of all activities of `key` at this party. More than one says that it was written twice."""

    @property
    def quarantine_s(self) -> float:
        """Seconds within which the CRM may still carry out what it did not answer: a sooner look proves nothing."""

    def link(self, party: PartyRef) -> str:
        """Where a person opens the party's record, or an empty text."""

    async def close(self) -> None:
        """Let go of connections."""


@runtime_checkable
class KeepsTasks(Protocol):
    """A CRM that keeps follow-ups too."""

    @property
    def name(self) -> str: ...
    async def add_task(self, task: Task, *, key: str, repeat: bool) -> str:
        """Write one task and return the CRM's id of it; `key` and `repeat` as for an activity."""


class Calls(Protocol):
    """Calls of one app registration (Microsoft Graph cloud communications)."""

    async def answer(self, call: GraphCallId) -> None: ...
    async def reject(self, call: GraphCallId, reason: str) -> None: ...
    async def redirect(self, call: GraphCallId, target_user: str) -> None: ...
    async def play(self, call: GraphCallId, prompt: str, context: str) -> None: ...
    async def stop_prompts(self, call: GraphCallId) -> None:
        """Cut short what plays. Nothing plays: done."""

    async def subscribe_tones(self, call: GraphCallId) -> None:
        """Have the caller's keys told to us."""

    async def invite(self, call: GraphCallId, agent: AgentId, participant: str, context: str) -> None:
        """Ring a Teams user into the call. `context` comes back with the result (the offer id)."""

    async def remove(self, call: GraphCallId, participant: str) -> None:
        """Take a participant out, ringing or talking. Done already is done."""

    async def place(self, agent: AgentId, account: str) -> GraphCallId:
        """Call an agent in the name of a resource account; Graph's name of the call that rings them."""

    async def invite_number(self, call: GraphCallId, number: str, participant: str, context: str) -> None:
        """Ring a telephone number (E.164) into the call, like `invite`."""

    async def remove_user(self, call: GraphCallId, user: str) -> None:
        """Take a Teams user out of the call; who is not in it is out of it already."""

    async def hold(self, call: GraphCallId, caller_user: str | None, but: str, *, on: bool) -> None:
        """Let the caller hear music, or take them back.

        `caller_user` is a caller who is a Teams user; else it is the telephone that does not stand there as `but`.
        """

    async def transfer(self, call: GraphCallId, target: str) -> None:
        """Hand the call to a Teams user (Entra object id) or a number (E.164), and leave it."""

    async def keep_alive(self, call: GraphCallId) -> None: ...
    async def hang_up(self, call: GraphCallId) -> None: ...
    async def read(self, call: GraphCallId) -> Sequence[CallEvent]:
        """Re-read state and roster as facts marked inferred; a call that is gone gives one CallEnded."""


class Speech(Protocol):
    """Speaks texts."""

    @property
    def name(self) -> str:
        """Whose voice it is: another name speaks a text anew."""

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages (`de`) that it speaks; none where nothing is installed that could."""

    async def speak(self, text: str, language: str) -> bytes:
        """The samples of the spoken text: 16 kHz, mono, 16-bit PCM. Raises Rejected for what it cannot speak."""


class Chat(Protocol):
    """The bot's 1:1 chats of one app registration."""

    async def send(self, chat: ChatReference, card: Mapping[str, object]) -> str:
        """Post a card; returns the activity id by which it can be changed."""

    async def update(self, chat: ChatReference, activity_id: str, card: Mapping[str, object]) -> None:
        """Replace a card in place."""


#: OpenSSL's codes of what is wrong with a certificate, in words.
_CERTIFICATE: Mapping[int, str] = {
    9: "its certificate is not good yet",
    10: "its certificate has ended",
    18: "its certificate is signed by itself",
    19: "its certificate is of an authority that is not trusted",
    20: "its certificate is of an authority that is not trusted",
    21: "its certificate is of an authority that is not trusted",
    62: "its certificate is for another name",
    64: "its certificate is for another name",
}


def certificate_fault(exc: BaseException) -> str:
    """What is wrong with the other side's certificate where that is behind a failure; else empty."""
    cause: BaseException | None = exc
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return _CERTIFICATE.get(cause.verify_code, "its certificate does not hold")
        cause = cause.__cause__ or cause.__context__
    return ""


def with_reason(what: str, exc: BaseException) -> str:
    """`what`, and behind it what is wrong with the other side's certificate, if that is why."""
    fault = certificate_fault(exc)
    return f"{what}: {fault}" if fault else what
