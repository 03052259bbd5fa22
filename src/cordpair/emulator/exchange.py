"""The switch: every call as a state machine. Graph requests and people act on it, it notifies the product.

Rules and their sources
- A ringing call must be answered, rejected or redirected within 15 s (graph docs, call-answer).
- The first invite makes a peer-to-peer call a group call for good; `transfer` is refused from then on
  (microsoft-graph-comms-samples #395). The roster of a peer-to-peer call reads as empty (#102, #579).
- An invite rings for 60 s (#408); its result arrives as the deletion of its operation (docs, participant-invite).
- After `transferAccepted` a transferred call says only that it is over; what becomes of it is not told.
- A call that was not kept alive for 45 minutes ends with 408/8537 (docs, call-keepalive).
- One application holds at most 100 calls at once and gets 10,000 a month (docs, throttling-limits).
"""

import asyncio
import uuid
from typing import Protocol

from cordpair.emulator.cloud import Cloud
from cordpair.emulator.delivery import Delivery
from cordpair.emulator.graph import results
from cordpair.emulator.graph.call import (
    Call,
    Operation,
    Participant,
    Ring,
    State,
    bot_identity,
    caller_identity,
    item,
    user_identity,
)
from cordpair.emulator.graph.errors import GraphError, bad_request, call_not_found
from cordpair.emulator.graph.results import Result
from cordpair.emulator.journal import CallTruth, Stay
from cordpair.emulator.world import Queue, Tenant

ANSWER_WITHIN_S = 15.0
RINGS_FOR_S = 60.0
ALIVE_FOR_S = 45 * 60.0
CONCURRENT = 100
PER_MONTH = 10_000


class People(Protocol):
    """Who is at the other end of the lines."""

    def is_busy(self, tenant: Tenant, user: str) -> bool: ...
    def is_signed_in(self, tenant: Tenant, user: str) -> bool: ...
    def ring_began(self, ring: Ring) -> None: ...
    def ring_ended(self, ring: Ring) -> None: ...
    def joined(self, call: Call, user: str) -> None: ...
    def left(self, call: Call, user: str) -> None: ...
    def answered(self, call: Call) -> None: ...
    def ended(self, call: Call) -> None: ...


class Exchange:
    """All calls of the emulated cloud."""

    def __init__(self, cloud: Cloud, delivery: Delivery, people: People) -> None:
        self._cloud = cloud
        self._delivery = delivery
        self._people = people
        self._dice = cloud.random("exchange")
        self.calls: dict[str, Call] = {}
        self.month: dict[str, int] = {}

    # ---- the caller

    def dial(self, tenant: Tenant, queue: Queue, number: str | None) -> Call:
        """A caller dials a queue's resource account. Raises GraphError 429 at the limits of the application."""
        live = sum(1 for call in self.calls.values() if call.tenant is tenant and not call.is_over)
        if live >= CONCURRENT or self.month.get(tenant.id, 0) >= PER_MONTH:
            self._cloud.journal.note("call blocked by limit", tenant=tenant.id, live=live)
            raise GraphError(429, "TooManyRequests", "The application's limit of calls is reached.")
        self.month[tenant.id] = self.month.get(tenant.id, 0) + 1
        graph_id = str(uuid.UUID(int=self._dice.getrandbits(128), version=4))
        now = self._cloud.clock.now()
        truth = CallTruth(graph_id, tenant.id, queue.id, number, now)
        call = Call(graph_id, tenant, queue, number, truth, self._cloud.calling_webhook(tenant))
        self.calls[graph_id] = call
        self._cloud.journal.calls[graph_id] = truth
        self._cloud.journal.note("dialled", graph_id=graph_id, tenant=tenant.id, queue=queue.id)
        caller = Participant(f"caller-{graph_id}", caller_identity(number), is_caller=True)
        call.participants[caller.id] = caller
        self._notify(call, "created", {**call.resource(), **call.brief()}, 0.3)
        call.timers.append(self._cloud.clock.later(ANSWER_WITHIN_S, lambda: self._unanswered(call)))
        return call

    def caller_leaves(self, call: Call) -> None:
        """The caller hangs up. Of a released call nobody is told."""
        if call.is_over:
            return
        if call.is_released:
            self._released_caller_left(call)
            return
        if call.state is State.INCOMING:
            self._terminate(call, results.CALLER_GAVE_UP, "caller")
            return
        if call.is_group:
            call.participants.pop(f"caller-{call.id}", None)
            self._roster(call)
        self._terminate(call, results.CALLER_LEFT, "caller")

    def press_tone(self, call: Call, tone: str) -> None:
        """The caller presses a key; it is told to who subscribed. `tone` is tone0..tone9, star, pound."""
        if not call.wants_tones or call.state is not State.ESTABLISHED:
            return
        call.tones += 1
        info = {"@odata.type": "#microsoft.graph.toneInfo", "sequenceId": call.tones, "tone": tone}
        self._notify(call, "updated", call.brief(toneInfo=info))

    # ---- the bot

    def get(self, tenant: Tenant, graph_id: str) -> Call:
        """A live call of the application. Raises GraphError 404."""
        call = self.calls.get(graph_id.lower())
        if call is None or call.tenant is not tenant or call.is_over or call.is_released:
            raise call_not_found()
        return call

    def answer(self, call: Call, callback: str, media: list[dict[str, object]]) -> None:
        self._must_be(call, State.INCOMING)
        call.callback, call.media = callback, media
        self._to(call, State.ESTABLISHING, 0.15)
        bot = Participant(f"bot-{call.id}", bot_identity(call.tenant))
        call.participants[bot.id] = bot
        call.timers.append(self._cloud.clock.later(self._dice.uniform(0.3, 0.9), lambda: self._established(call)))

    def reject(self, call: Call) -> None:
        self._must_be(call, State.INCOMING)
        self._terminate(call, results.REJECTED_BY_BOT, "bot")

    def redirect(self, call: Call, user: str) -> None:
        self._must_be(call, State.INCOMING)
        self._to(call, State.REDIRECTING)
        self._ring(call, user, str(uuid.uuid4()), "redirect", None)

    def transfer(self, call: Call, user: str) -> None:
        self._must_be(call, State.ESTABLISHED)
        if call.is_group:
            raise bad_request("Transfer is not supported in a group call; invite the participant instead.")
        self._to(call, State.TRANSFERRING)
        self._ring(call, user, str(uuid.uuid4()), "transfer", None)

    def invite(self, call: Call, users: list[tuple[str, str]], operation: Operation) -> None:
        """Ring users (user id, participant id) into the call. The operation ends with the last of them."""
        self._must_be(call, State.ESTABLISHED)
        call.operations[operation.id] = operation
        if not call.is_group:
            call.is_group = True
            self._roster(call)
        for user, participant in users:
            self._ring(call, user, participant, "invite", operation)

    def keep_alive(self, call: Call) -> None:
        if call.alive_timer:
            call.alive_timer.cancel()
        call.alive_timer = self._cloud.clock.later(
            ALIVE_FOR_S, lambda: self._terminate(call, results.KEEP_ALIVE_MISSED, "cloud")
        )

    def hang_up(self, call: Call) -> None:
        self._terminate(call, results.ENDED_BY_BOT, "bot")

    def remove(self, call: Call, participant: str) -> None:
        """Take somebody out, ringing or talking. Raises GraphError 404."""
        ring = call.rings.get(participant)
        if ring:
            self._ring_over(ring, results.WITHDRAWN)
            return
        found = call.participants.get(participant)
        if found is None:
            raise GraphError(404, "8539", "Participant not found.")
        if found.is_caller:
            self._terminate(call, results.CALLER_REMOVED, "bot")
        elif found.user:
            self.user_leaves(call, found.user)
        else:
            self.hang_up(call)

    def operation_over(self, call: Call, operation: Operation, result: Result) -> None:
        """An operation has its result; Graph tells it as the operation's deletion."""
        if operation.status != "running":
            return
        operation.status = "completed" if result is results.DONE else "failed"
        operation.result = result
        data = operation.resource()
        data = {name: value for name, value in data.items() if value is not None}
        self._notify(call, "deleted", data, tail=f"/operations/{operation.id}")

    # ---- Teams users

    def accept(self, ring: Ring) -> bool:
        """The user takes the ring. False when it is over already."""
        call = ring.call
        if ring.is_over or call.is_over:
            return False
        self._end_ring(ring)
        if ring.purpose == "invite":
            self._join(call, ring)
            assert ring.operation is not None
            if not any(other.operation is ring.operation for other in call.rings.values()):
                self.operation_over(call, ring.operation, results.DONE)
            self._roster(call)
        else:
            self._release(call, ring)
        return True

    def decline(self, ring: Ring) -> None:
        """The user refuses in the Teams client."""
        self._ring_over(ring, results.DECLINED)

    def busy(self, ring: Ring) -> None:
        """The client turned out to be in another call."""
        self._ring_over(ring, results.BUSY)

    def user_leaves(self, call: Call, user: str) -> None:
        """A user hangs up; the caller and the bot stay. Of a released call it is the end, told to nobody."""
        gone = [p.id for p in call.participants.values() if p.user == user]
        if not gone:
            return
        for participant in gone:
            del call.participants[participant]
        self._close_stay(call, user)
        self._people.left(call, user)
        if call.is_released:
            self._finish_released(call, "agent")
        elif not call.is_over:
            self._roster(call)

    # ---- inside

    def _unanswered(self, call: Call) -> None:
        if call.state is State.INCOMING:
            self._cloud.journal.note("not answered in time", graph_id=call.id)
            self._terminate(call, results.NOT_ANSWERED_BY_BOT, "cloud")

    def _established(self, call: Call) -> None:
        if call.state is State.ESTABLISHING:
            call.truth.established = self._cloud.clock.now()
            self._to(call, State.ESTABLISHED)
            self.keep_alive(call)
            self._people.answered(call)

    def _ring(self, call: Call, user: str, participant: str, purpose: str, operation: Operation | None) -> None:
        ring = Ring(call, user, participant, purpose, operation)
        call.rings[participant] = ring
        call.truth.rings += 1
        if operation and operation.context:
            call.truth.offers.append(operation.context)
        refusal = self._refusal(call, user)
        self._cloud.journal.note(
            "ring", graph_id=call.id, user=user, purpose=purpose, context=operation.context if operation else None
        )
        delay = self._dice.uniform(0.2, 0.6)
        if refusal:
            ring.timer = self._cloud.clock.later(delay, lambda: self._ring_over(ring, refusal))
            return
        ring.timer = self._cloud.clock.later(RINGS_FOR_S, lambda: self._ring_over(ring, results.RANG_OUT))
        call.timers.append(self._cloud.clock.later(delay, lambda: self._ring_began(ring)))

    def _ring_began(self, ring: Ring) -> None:
        if not ring.is_over:
            self._people.ring_began(ring)

    def _refusal(self, call: Call, user: str) -> Result | None:
        if call.tenant.agent(user) is None:
            return results.UNKNOWN_USER
        if not self._people.is_signed_in(call.tenant, user):
            return results.NO_ENDPOINTS
        return results.BUSY if self._people.is_busy(call.tenant, user) else None

    def _ring_over(self, ring: Ring, result: Result) -> None:
        if ring.is_over:
            return
        self._end_ring(ring)
        call = ring.call
        self._cloud.journal.note("ring over", graph_id=call.id, user=ring.user, code=result.code)
        if ring.purpose == "invite":
            assert ring.operation is not None
            if not any(other.operation is ring.operation for other in call.rings.values()):
                self.operation_over(call, ring.operation, result)
        elif ring.purpose == "transfer" and call.state is State.TRANSFERRING:
            call.state = State.ESTABLISHED
            self._notify(call, "updated", call.brief(resultInfo=results.TRANSFER_FAILED.info()))
        elif ring.purpose == "redirect":
            self._terminate(call, result, "cloud")

    def _end_ring(self, ring: Ring) -> None:
        ring.is_over = True
        ring.call.rings.pop(ring.participant, None)
        if ring.timer:
            _cancel(ring.timer)
        self._people.ring_ended(ring)

    def _join(self, call: Call, ring: Ring) -> None:
        now = self._cloud.clock.now()
        user = ring.user
        call.participants[ring.participant] = Participant(ring.participant, user_identity(call.tenant, user), user)
        call.truth.stays.append(Stay(user, now))
        if call.truth.answered_by is None:
            call.truth.answered_by, call.truth.answered_at = user, now
        self._cloud.journal.note("joined", graph_id=call.id, user=user)
        self._people.joined(call, user)

    def _release(self, call: Call, ring: Ring) -> None:
        """A transfer or redirect was taken: the bot is out and hears nothing more."""
        if ring.purpose == "transfer":
            self._to(call, State.TRANSFER_ACCEPTED)
        result = results.TRANSFERRED if ring.purpose == "transfer" else results.REDIRECTED
        self._tell_end(call, result)
        call.is_released = call.truth.is_released = True
        call.participants.pop(f"bot-{call.id}", None)
        self._join(call, ring)

    def _released_caller_left(self, call: Call) -> None:
        for user in call.users():
            self._close_stay(call, user)
            self._people.left(call, user)
        self._finish_released(call, "caller")

    def _finish_released(self, call: Call, by: str) -> None:
        if not call.is_over:
            call.state = State.TERMINATED
            call.truth.ended_at, call.truth.ended_by = self._cloud.clock.now(), by
            self._stop_timers(call)
            self._people.ended(call)

    def _terminate(self, call: Call, result: Result, by: str) -> None:
        if call.is_over:
            return
        for ring in list(call.rings.values()):
            self._ring_over(ring, results.CALL_OVER)
        if call.is_over:  # a redirect's ring ends its call
            return
        self._tell_end(call, result)
        call.truth.ended_at, call.truth.ended_by = self._cloud.clock.now(), by
        call.truth.code, call.truth.subcode = result.code, result.subcode
        self._stop_timers(call)
        for user in call.users():
            self._close_stay(call, user)
            self._people.left(call, user)
        self._cloud.journal.note("call ended", graph_id=call.id, by=by, code=result.code, subcode=result.subcode)
        self._people.ended(call)

    def _tell_end(self, call: Call, result: Result) -> None:
        state, call.result = call.state, result
        call.state = State.TERMINATED
        self._notify(call, "deleted", call.brief(resultInfo=result.info()), 0.3)
        self._delivery.close_line(call.id)
        if state is State.TRANSFER_ACCEPTED or state is State.REDIRECTING:
            call.state = state

    def _stop_timers(self, call: Call) -> None:
        for timer in [*call.timers, *([call.alive_timer] if call.alive_timer else [])]:
            _cancel(timer)
        call.timers.clear()

    def _close_stay(self, call: Call, user: str) -> None:
        for stay in call.truth.stays:
            if stay.user == user and stay.until is None:
                stay.until = self._cloud.clock.now()

    def _to(self, call: Call, state: State, delay_s: float = 0.1) -> None:
        call.state = state
        self._notify(call, "updated", call.brief(), delay_s)

    def _roster(self, call: Call) -> None:
        call.roster_sequence += 1
        self._notify(call, "updated", call.roster(), 0.2, tail="/participants")

    def _notify(
        self,
        call: Call,
        change: str,
        data: dict[str, object] | list[dict[str, object]],
        delay_s: float = 0.1,
        tail: str = "",
    ) -> None:
        self._delivery.send(call.tenant, call.id, call.callback, item(call, data, change, tail), delay_s)

    def _must_be(self, call: Call, state: State) -> None:
        if call.state is not state:
            raise GraphError(409, "Conflict", f"The call is in state {call.state}, not {state}.")


def _cancel(timer: asyncio.Task[None]) -> None:
    # A timer that runs this very code has fired: cancelling it would cancel us.
    if timer is not asyncio.current_task():
        timer.cancel()
