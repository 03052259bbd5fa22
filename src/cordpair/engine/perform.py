"""Effects are carried out here, one by one, through the connectors; what comes of them are facts again."""

from collections.abc import Awaitable, Sequence
from datetime import timedelta
from typing import Protocol, assert_never

import structlog

from cordpair.connectors.kit import Calls, Crm
from cordpair.core import effects as o
from cordpair.core import events as e
from cordpair.core.agent import is_engaged
from cordpair.core.call import Call
from cordpair.core.ids import AgentId, CallId, TenantId, participant_id
from cordpair.engine.activities import ActivityWriter
from cordpair.engine.attempt import Attempt
from cordpair.engine.clock import Clock
from cordpair.engine.names import Names
from cordpair.engine.perform_outbound import OutboundPerformer
from cordpair.engine.perform_transfer import TransferPerformer
from cordpair.engine.speaker import MakesSounds, Speaker
from cordpair.errors import PermanentFailure, Rejected
from cordpair.store.doors import Store

log = structlog.get_logger(__name__)

#: How long Teams shows what we say unless we say otherwise; the shortest that it allows is five minutes.
BUSY_FOR = timedelta(hours=1)
FREE_FOR = timedelta(minutes=5)

TEAMS = "teams"  #: the connector of calls and cards


class ShowsCards(Protocol):
    """Brings one agent's card of a call to a face, and tells agents how they stand."""

    async def show(self, tenant: TenantId, order: o.ShowCard) -> None: ...
    async def tell(self, tenant: TenantId, order: o.TellAgent) -> None: ...


class ShowsCallbacks(Protocol):
    """Brings one agent's card of a callback to a face."""

    async def show(self, tenant: TenantId, order: o.ShowCallback) -> None: ...


class SetsPresence(Protocol):
    """Lets Teams show somebody's presence for a while."""

    async def set(self, agent: AgentId, availability: str, activity: str, lasts: timedelta) -> None: ...


class Performer:
    """Carries out the effects of one tenant."""

    def __init__(
        self,
        tenant: TenantId,
        store: Store,
        clock: Clock,
        *,
        calls: Calls,
        cards: ShowsCards,
        crm: Crm | None,
        names: Names,
        sounds: MakesSounds,
        callbacks: ShowsCallbacks | None = None,
        presence: SetsPresence | None = None,
    ) -> None:
        self._tenant, self._store, self._clock = tenant, store, clock
        self._activities = ActivityWriter(tenant, store, clock, crm, names)
        self._calls, self._cards, self._crm, self._callbacks = calls, cards, crm, callbacks
        self._presence = presence
        self._transfers = TransferPerformer(calls, self._load, clock)
        self._outbound = OutboundPerformer(tenant, calls, self._load, clock)
        self._speaker = Speaker(tenant, calls, sounds, clock)

    def connector(self, effect: o.Effect) -> str:
        """Through which connector the effect goes; empty where none is set up for it."""
        if not isinstance(effect, o.LogActivity | o.CorrectCaller):
            return TEAMS
        return "" if self._crm is None else self._crm.name

    async def perform(self, effect: o.Effect, attempt: Attempt) -> Sequence[e.AnyEvent]:
        """Do it. Raises TemporaryFailure (again later) and PermanentFailure (parked, a person sees it)."""
        match effect:
            case o.AnswerCall():
                return await self._answer(effect, attempt)
            case o.InviteAgent():
                return await self._invite(effect, attempt)
            case o.WithdrawInvite():
                return await self._withdraw(effect)
            case o.RefreshCall():
                return await self._refresh(effect)
            case o.RejectCall():
                return await self._unless_gone(effect, self._calls.reject(effect.graph_id, effect.reason))
            case o.RedirectCall():
                return await self._redirect(effect)
            case o.TransferCall():
                return await self._transfer(effect, attempt)
            case o.PlaceCall() | o.RingParty():
                return await self._outbound.perform(effect, attempt)
            case o.RingTarget() | o.WithdrawTarget() | o.RemoveAgent() | o.HoldCaller() | o.ReleaseCall():
                return await self._transfers.perform(effect, attempt)
            case o.HangUp():
                return await self._unless_gone(effect, self._calls.hang_up(effect.graph_id))
            case o.PlayPrompt():
                return await self._play(effect)
            case o.StopPrompts():
                return await self._unless_gone(effect, self._calls.stop_prompts(effect.graph_id))
            case o.SubscribeTones():
                return await self._unless_gone(effect, self._calls.subscribe_tones(effect.graph_id))
            case o.ShowCallback():
                if self._callbacks is None:
                    raise PermanentFailure("no chat is set up")
                await self._callbacks.show(self._tenant, effect)
                return []
            case o.ShowCard():
                await self._cards.show(self._tenant, effect)
                return []
            case o.TellAgent():
                if not attempt.repeat:  # told twice would be worse than late: the state stands on their card anyway
                    await self._cards.tell(self._tenant, effect)
                return []
            case o.ShowPresence():
                return await self._show_presence(effect)
            case o.LogActivity():
                return await self._activities.log(effect, await self._load(effect.call), repeat=attempt.repeat)
            case o.CorrectCaller():
                return await self._activities.correct(effect, await self._load(effect.call))
            case _:
                assert_never(effect)

    async def _show_presence(self, order: o.ShowPresence) -> Sequence[e.AnyEvent]:
        """A courtesy: where Graph refuses it, calls go on without."""
        async with self._store.open_tenant(self._tenant) as rows:
            agent = next((one for one in await rows.agents.of_floor() if one.id == order.agent), None)
        if self._presence is not None and agent is not None:
            shown = ("Busy", "InACall", BUSY_FOR) if is_engaged(agent) else ("Available", "Available", FREE_FOR)
            try:
                await self._presence.set(order.agent, *shown)
            except PermanentFailure as exc:
                log.warning("Teams shows no presence of ours", tenant=self._tenant, status=exc.status)
        return []

    async def _answer(self, order: o.AnswerCall, attempt: Attempt) -> Sequence[e.AnyEvent]:
        """Take the call. After an unknown outcome it may be ours already: then what is read tells how it stands."""
        if attempt.repeat:
            facts = await self._calls.read(order.graph_id)
            if not _rings(facts):
                return facts
        try:
            await self._calls.answer(order.graph_id)
        except PermanentFailure as exc:
            if exc.status == 404:
                return [self._gone(order)]
            if exc.status == 409:  # it rings no longer: an attempt that Graph called a failure has been carried out
                return await self._calls.read(order.graph_id)
            return [e.AnswerFailed(at=self._clock.now(), call=order.call, why=str(exc.status or "refused"))]
        return []

    async def _redirect(self, order: o.RedirectCall) -> Sequence[e.AnyEvent]:
        """Send a ringing call on. It is never left ringing: where Graph does not take the target, we are busy."""
        try:
            await self._calls.redirect(order.graph_id, order.target)
        except PermanentFailure as exc:
            if exc.status in (404, 409):  # it rings no longer: an earlier attempt has been carried out, or it is gone
                return []
            return await self._unless_gone(order, self._calls.reject(order.graph_id, "busy"))
        return []

    async def _transfer(self, order: o.TransferCall, attempt: Attempt) -> Sequence[e.AnyEvent]:
        """Hand a call over. Where Graph refuses, it is ended: nobody serves it any more."""
        if attempt.repeat and not _stands(await self._calls.read(order.graph_id)):
            return []  # an earlier attempt is under way, has been carried out, or the caller is gone
        try:
            await self._calls.transfer(order.graph_id, order.target)
        except PermanentFailure as exc:
            if exc.status in (404, 409):
                return []
            await self._calls.hang_up(order.graph_id)
        return []

    async def _invite(self, order: o.InviteAgent, attempt: Attempt) -> Sequence[e.AnyEvent]:
        """Ring the agent, once. After an unknown outcome it may be ringing already: then only the roster is read.

        Should it not, the caller waits until the ring would be over; it is not held against the agent.
        """
        if attempt.repeat:
            return await self._perhaps_rings(order)
        call = await self._load(order.call)
        if order.offer not in {offer.id for offer in call.rings}:
            return []  # the offer was over before its ring could begin
        try:
            await self._calls.invite(order.graph_id, order.agent, participant_id(order.offer), order.offer)
        except PermanentFailure as exc:
            if exc.status == 404:
                return [self._gone(order)]
            if exc.status == 409 and attempt.number > 1:  # an attempt that Graph called a failure rings already
                return await self._perhaps_rings(order)
            failed = e.OfferFailed(at=self._clock.now(), call=order.call, offer=order.offer, why=e.OfferEnd.FAILED)
            return [failed]
        return []

    async def _perhaps_rings(self, order: o.InviteAgent) -> Sequence[e.AnyEvent]:
        unsure = e.RingUnsure(at=self._clock.now(), call=order.call, offer=order.offer)
        return [*await self._calls.read(order.graph_id), unsure]

    async def _withdraw(self, order: o.WithdrawInvite) -> Sequence[e.AnyEvent]:
        """Stop a ring. Who has just answered it while nobody else had the call stays: a late accept is an accept.

        It is their own answer that counts: somebody else in the call must not leave this ring ringing.
        """
        facts = await self._calls.read(order.graph_id)
        call = await self._load(order.call)
        rosters = [fact for fact in facts if isinstance(fact, e.RosterSeen)]
        stays = call.agent is None and any(order.agent in roster.users for roster in rosters)
        if rosters and not stays:
            await self._unless_gone(order, self._calls.remove(order.graph_id, participant_id(order.offer)))
        return facts

    async def _refresh(self, order: o.RefreshCall) -> Sequence[e.AnyEvent]:
        await self._unless_gone(order, self._calls.keep_alive(order.graph_id))
        facts = await self._calls.read(order.graph_id)
        return [*facts, e.CallRefreshed(at=self._clock.now(), call=order.call, number=order.number)]

    async def _play(self, order: o.PlayPrompt) -> Sequence[e.AnyEvent]:
        try:
            return await self._speaker.play(order)
        except PermanentFailure as exc:
            if exc.status != 404:
                raise
            return [self._gone(order)]

    async def _unless_gone(self, order: o.GraphOrder, doing: Awaitable[None]) -> Sequence[e.AnyEvent]:
        """Orders to a call that is gone are pointless, not failures."""
        try:
            await doing
        except PermanentFailure as exc:
            if exc.status != 404:
                raise
            return [self._gone(order)]
        return []

    def _gone(self, order: o.GraphOrder) -> e.CallEnded:
        return e.CallEnded(at=self._clock.now(), call=order.call, graph_id=order.graph_id, inferred=True)

    async def _load(self, call: CallId) -> Call:
        async with self._store.open_tenant(self._tenant) as rows:
            found = await rows.calls.get(call)
        if found is None:
            raise Rejected("the call of this effect is not stored")
        return found


def _rings(facts: Sequence[e.AnyEvent]) -> bool:
    """Whether the call that was read still waits for our answer."""
    told = {type(fact) for fact in facts}
    return e.Arrived in told and e.Established not in told


def _stands(facts: Sequence[e.AnyEvent]) -> bool:
    """Whether the call that was read is answered and with us."""
    return any(isinstance(fact, e.Established) for fact in facts)
