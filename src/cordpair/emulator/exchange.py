"""The switch: every call as a state machine. Graph requests and people act on it, it notifies the product.

Rules and their sources
- A ringing call must be answered, rejected or redirected within 15 s (graph docs, call-answer).
- The first invite makes a peer-to-peer call a group call for good; `transfer` is refused from then on
  (microsoft-graph-comms-samples #395). The roster of a peer-to-peer call reads as empty (#102, #579).
- A call that was not kept alive for 45 minutes ends with 408/8537 (graph docs, call-keepalive, call-delete).
- One application holds at most 100 calls at once and gets 10,000 a month (graph docs, throttling-limits).
"""

import uuid
from collections import Counter

from cordpair.emulator.cloud import Cloud
from cordpair.emulator.delivery import Delivery
from cordpair.emulator.graph import results
from cordpair.emulator.graph.call import Call, Operation, Participant, State, bot_identity, caller_identity
from cordpair.emulator.graph.errors import GraphError, bad_request, call_not_found
from cordpair.emulator.journal import CallTruth
from cordpair.emulator.people import People
from cordpair.emulator.rings import Rings
from cordpair.emulator.world import Queue, Tenant

ANSWER_WITHIN_S = 15.0
ALIVE_FOR_S = 45 * 60.0
CONCURRENT = 100
PER_MONTH = 10_000


class Exchange(Rings):
    """All calls of the emulated cloud."""

    def __init__(self, cloud: Cloud, delivery: Delivery, people: People) -> None:
        super().__init__(cloud, delivery, people)
        self._months: Counter[tuple[str, str]] = Counter()

    def usage(self, tenant: Tenant) -> tuple[int, int]:
        """Calls of the application: on the line now, and since the month began."""
        live = sum(1 for call in self.calls.values() if call.tenant is tenant and not call.is_released)
        return live, self._months[tenant.id, self._month()]

    def _month(self) -> str:
        return f"{self._cloud.clock.now():%Y-%m}"

    # ---- the caller

    def dial(self, tenant: Tenant, queue: Queue, number: str | None) -> Call:
        """A caller dials a queue's resource account. Raises GraphError 429 at the limits of the application."""
        self._count(tenant)
        graph_id = str(uuid.UUID(int=self._dice.getrandbits(128), version=4))
        truth = CallTruth(graph_id, tenant.id, queue.id, number, self._cloud.clock.now())
        call = Call(graph_id, tenant, queue, number, truth, self._cloud.calling_webhook(tenant))
        self.calls[graph_id] = call
        self._cloud.journal.calls[graph_id] = truth
        self._cloud.journal.note("dialled", graph_id=graph_id, tenant=tenant.id, queue=queue.id)
        caller = Participant(f"caller-{graph_id}", caller_identity(number), is_caller=True)
        call.participants[caller.id] = caller
        self._notify(call, "created", {**call.resource(), **call.brief()}, 0.3)
        call.timers.append(self._cloud.clock.later(ANSWER_WITHIN_S, lambda: self._unanswered(call)))
        return call

    def place(self, tenant: Tenant, queue: Queue, user: str, callback: str) -> Call:
        """The application calls a user in the name of a queue's resource account. Raises GraphError 429 at its limits.

        It is told from the beginning, as of any call (graph docs, application-post-calls).
        """
        self._count(tenant)
        graph_id = str(uuid.UUID(int=self._dice.getrandbits(128), version=4))
        truth = CallTruth(graph_id, tenant.id, queue.id, None, self._cloud.clock.now(), is_placed=True)
        call = Call(graph_id, tenant, queue, None, truth, callback, state=State.ESTABLISHING, called=user)
        self.calls[graph_id] = call
        self._cloud.journal.calls[graph_id] = truth
        self._cloud.journal.note("placed", graph_id=graph_id, tenant=tenant.id, queue=queue.id)
        self._notify(call, "updated", call.brief(), 0.2)
        self._ring(call, user, str(uuid.uuid4()), "call")
        return call

    def _count(self, tenant: Tenant) -> None:
        live, month = self.usage(tenant)
        if live >= CONCURRENT or month >= PER_MONTH:
            self._cloud.journal.note("call blocked by limit", tenant=tenant.id, live=live, month=month)
            raise GraphError(429, "TooManyRequests", "The application's limit of calls is reached.")
        self._months[tenant.id, self._month()] += 1

    def caller_leaves(self, call: Call) -> None:
        """The caller hangs up. Of a released call nobody is told."""
        if call.is_over:
            return
        if call.is_released:
            self._finish(call, "caller")
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

    def answer(self, call: Call, callback: str) -> None:
        self._must_be(call, State.INCOMING)
        call.callback = callback
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
        self._ring(call, user, str(uuid.uuid4()), "redirect")

    def transfer(self, call: Call, user: str, number: str | None = None) -> None:
        """Hand a call to a user, or to a number. Raises GraphError 400 for a group call."""
        self._must_be(call, State.ESTABLISHED)
        if call.is_group:
            raise bad_request("Transfer is not supported in a group call; invite the participant instead.")
        self._to(call, State.TRANSFERRING)
        self._ring(call, user, str(uuid.uuid4()), "transfer", number=number)

    def invite(self, call: Call, people: list[tuple[str, str | None, str]], operation: Operation) -> None:
        """Ring people (user id, else number, and participant id) into the call. The operation ends with the last."""
        self._must_be(call, State.ESTABLISHED)
        call.operations[operation.id] = operation
        if not call.is_group:
            call.is_group = True
            self._roster(call)
        for user, number, participant in people:
            self._ring(call, user, participant, "invite", operation, number)

    def hold(self, call: Call, participant: str, operation: Operation, *, on: bool) -> None:
        """Let a participant hear music, or not. Only one at a time (graph docs, participant-startholdmusic)."""
        found = call.participants.get(participant)
        if found is None or not call.is_group:
            raise GraphError(404, "8539", "Participant not found.")
        if on and any(one.is_held for one in call.participants.values()):
            raise GraphError(409, "Conflict", "Only one participant can be placed on hold at any given time.")
        found.is_held = on
        call.operations[operation.id] = operation
        self._cloud.journal.note("held" if on else "taken back", graph_id=call.id, caller=found.is_caller)
        self.operation_over(call, operation, results.DONE)

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
        elif found.number:
            self.number_leaves(call, found.number)
        else:
            self.hang_up(call)

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
