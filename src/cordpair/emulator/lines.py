"""The lines of all calls: their states, rosters and operations, and what is told to the product of each change."""

import asyncio
from typing import Any

from cordpair.emulator.cloud import Cloud
from cordpair.emulator.delivery import Delivery
from cordpair.emulator.graph import results
from cordpair.emulator.graph.call import Call, Operation, Participant, Ring, State, caller_identity, item, user_identity
from cordpair.emulator.graph.errors import GraphError
from cordpair.emulator.graph.results import Result
from cordpair.emulator.journal import Stay
from cordpair.emulator.people import People


class Lines:
    """What happens on a line, whoever caused it."""

    def __init__(self, cloud: Cloud, delivery: Delivery, people: People) -> None:
        self._cloud = cloud
        self._delivery = delivery
        self._people = people
        self._dice = cloud.random("exchange")
        self.calls: dict[str, Call] = {}  #: those on the line

    def operation_over(self, call: Call, operation: Operation, result: Result) -> None:
        """An operation has its result; Graph tells it as the operation's deletion."""
        if operation.status != "running":
            return
        operation.status = "completed" if result is results.DONE else "failed"
        operation.result = result
        told = {name: value for name, value in operation.resource().items() if value is not None}
        self._notify(call, "deleted", told, tail=f"/operations/{operation.id}")

    def user_leaves(self, call: Call, user: str) -> None:
        """A user hangs up; the caller and the bot stay. Of a released call it is the end, told to nobody."""
        gone = [p.id for p in call.participants.values() if p.user == user]
        if not gone:
            return
        for participant in gone:
            del call.participants[participant]
        self._gone(call, user)
        if call.is_released:
            self._finish(call, "agent")
        elif call.called is not None and not call.is_group:  # peer-to-peer: nobody but the application is left
            self._tell_end(call, results.CALLED_LEFT)
            self._finish(call, "agent", results.CALLED_LEFT)
        elif not call.is_over:
            self._roster(call)

    def number_leaves(self, call: Call, number: str) -> None:
        """Somebody outside who was invited hangs up; the others stay."""
        gone = [p.id for p in call.participants.values() if p.number == number]
        for participant in gone:
            del call.participants[participant]
        self._cloud.journal.note("telephone left", graph_id=call.id)
        if gone and not call.is_over:
            self._roster(call)

    def _join(self, call: Call, ring: Ring) -> None:
        now, user = self._cloud.clock.now(), ring.user
        if ring.number is not None:
            identity = caller_identity(ring.number)
            call.participants[ring.participant] = Participant(ring.participant, identity, number=ring.number)
            self._cloud.journal.note("telephone joined", graph_id=call.id)
            return
        call.participants[ring.participant] = Participant(ring.participant, user_identity(call.tenant, user), user)
        call.truth.stays.append(Stay(user, now))
        if call.truth.answered_by is None:
            call.truth.answered_by, call.truth.answered_at = user, now
        self._cloud.journal.note("joined", graph_id=call.id, user=user)
        self._people.joined(call, user)

    def _gone(self, call: Call, user: str) -> None:
        for stay in call.truth.stays:
            if stay.user == user and stay.until is None:
                stay.until = self._cloud.clock.now()
        self._cloud.journal.note("left", graph_id=call.id, user=user)
        self._people.left(call, user)

    def _tell_end(self, call: Call, result: Result) -> None:
        """The product is told that the call is over for it; nothing follows."""
        call.result = result
        told = call.brief(resultInfo=result.info()) | {"state": State.TERMINATED.value}
        self._notify(call, "deleted", told, 0.3)
        self._delivery.close_line(call.id)

    def _finish(self, call: Call, by: str, result: Result | None = None) -> None:
        """Nobody is on the line any more."""
        call.state = State.TERMINATED
        call.truth.ended_at, call.truth.ended_by = self._cloud.clock.now(), by
        if result:
            call.truth.code, call.truth.subcode = result.code, result.subcode
        for timer in [*call.timers, *([call.alive_timer] if call.alive_timer else [])]:
            cancel(timer)
        call.timers.clear()
        for user in call.users():
            self._gone(call, user)
        self._cloud.journal.note("call ended", graph_id=call.id, by=by, code=call.truth.code)
        self.calls.pop(call.id, None)
        self._people.ended(call)

    def _to(self, call: Call, state: State, delay_s: float = 0.1) -> None:
        call.state = state
        self._notify(call, "updated", call.brief(), delay_s)

    def _roster(self, call: Call) -> None:
        call.roster_sequence += 1
        self._notify(call, "updated", call.roster(), 0.2, tail="/participants")

    def _notify(
        self, call: Call, change: str, data: dict[str, Any] | list[dict[str, Any]], delay_s: float = 0.1, tail: str = ""
    ) -> None:
        self._delivery.send(call.tenant, call.id, call.callback, item(call, data, change, tail), delay_s)

    def _must_be(self, call: Call, state: State) -> None:
        if call.state is not state:
            raise GraphError(409, "Conflict", f"The call is in state {call.state}, not {state}.")


def cancel(timer: asyncio.Task[None]) -> None:
    """Cancel a timer, unless it is the one that runs this very code: that has fired."""
    if timer is not asyncio.current_task():
        timer.cancel()
