"""Rings of Teams clients: an invite, a transfer or a redirect rings a user until somebody ends it.

An invite rings for 60 s (microsoft-graph-comms-samples #408); its result arrives as the deletion of its operation
(graph docs, participant-invite). After `transferAccepted` a transferred call says only that it is over for the bot.
"""

from cordpair.emulator.graph import results
from cordpair.emulator.graph.call import Call, Operation, Participant, Ring, State, bot_identity
from cordpair.emulator.graph.results import Result
from cordpair.emulator.lines import Lines, cancel

RINGS_FOR_S = 60.0


class Rings(Lines):
    """Lines whose users can be rung."""

    def accept(self, ring: Ring) -> bool:
        """The user takes the ring. False when it is over already."""
        call = ring.call
        if ring.is_over or call.is_over:
            return False
        self._end_ring(ring)
        if ring.purpose == "invite":
            self._join(call, ring)
            self._invite_over(ring, results.DONE)
            self._roster(call)
        elif ring.purpose == "call":
            self._called(call, ring)
        else:
            self._release(call, ring)
        return True

    def decline(self, ring: Ring) -> None:
        """The user refuses in the Teams client."""
        self._ring_over(ring, results.DECLINED)

    def busy(self, ring: Ring) -> None:
        """The client is in another call, or rings for one."""
        self._ring_over(ring, results.BUSY)

    def _ring(
        self,
        call: Call,
        user: str,
        participant: str,
        purpose: str,
        operation: Operation | None = None,
        number: str | None = None,
    ) -> None:
        ring = Ring(call, user, participant, purpose, number, operation)
        call.rings[participant] = ring
        call.truth.rings += 1
        context = operation.context if operation else None
        if context:
            call.truth.offers.append(context)
        self._cloud.journal.note("ring", graph_id=call.id, user=user, purpose=purpose, context=context)
        refusal, delay = None if number else self._refusal(call, user), self._dice.uniform(0.2, 0.6)
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
        return None if self._people.is_signed_in(call.tenant, user) else results.NO_ENDPOINTS

    def _ring_over(self, ring: Ring, result: Result) -> None:
        """A ring ends without the user."""
        if ring.is_over:
            return
        self._end_ring(ring)
        call = ring.call
        self._cloud.journal.note("ring over", graph_id=call.id, user=ring.user, code=result.code)
        if ring.purpose == "invite":
            self._invite_over(ring, result)
        elif ring.purpose == "transfer" and call.state is State.TRANSFERRING:
            call.state = State.ESTABLISHED
            self._notify(call, "updated", call.brief(resultInfo=results.TRANSFER_FAILED.info()))
        elif ring.purpose in ("redirect", "call") and not call.is_over:
            self._terminate(call, result, "cloud")

    def _end_ring(self, ring: Ring) -> None:
        ring.is_over = True
        ring.call.rings.pop(ring.participant, None)
        if ring.timer:
            cancel(ring.timer)
        self._people.ring_ended(ring)

    def _invite_over(self, ring: Ring, result: Result) -> None:
        """The operation of an invite ends with the last of its rings."""
        assert ring.operation is not None
        if not any(other.operation is ring.operation for other in ring.call.rings.values()):
            self.operation_over(ring.call, ring.operation, result)

    def _called(self, call: Call, ring: Ring) -> None:
        """The user whom the application calls has answered."""
        call.truth.established = self._cloud.clock.now()
        bot = Participant(f"bot-{call.id}", bot_identity(call.tenant))
        call.participants[bot.id] = bot
        self._join(call, ring)
        self._to(call, State.ESTABLISHED)
        self.keep_alive(call)

    def keep_alive(self, call: Call) -> None:
        """The application wants the call to stand."""
        raise NotImplementedError

    def _release(self, call: Call, ring: Ring) -> None:
        """A transfer or redirect was taken: the bot is out and hears nothing more."""
        if ring.purpose == "transfer":
            self._to(call, State.TRANSFER_ACCEPTED)
        self._tell_end(call, results.TRANSFERRED if ring.purpose == "transfer" else results.REDIRECTED)
        call.is_released = call.truth.is_released = True
        call.participants.pop(f"bot-{call.id}", None)
        if call.alive_timer:
            cancel(call.alive_timer)
        self._join(call, ring)

    def _terminate(self, call: Call, result: Result, by: str) -> None:
        if call.is_over:
            return
        for ring in list(call.rings.values()):
            # The ring of a redirect, or of a call that was placed, would end the call once more.
            ring.purpose = "none" if ring.purpose in ("redirect", "call") else ring.purpose
            self._ring_over(ring, results.CALL_OVER)
        self._tell_end(call, result)
        self._finish(call, by, result)
