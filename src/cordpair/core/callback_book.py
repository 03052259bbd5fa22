"""The open callbacks of a floor, by call, by the number they are owed to, and by queue."""

from collections.abc import Iterable, Iterator

from cordpair.core.call import Call
from cordpair.core.callback import Callback, CallbackKind, CallbackState, place_id
from cordpair.core.ids import AgentId, CallId, QueueId
from cordpair.errors import IllegalEvent


class CallbackBook:
    """Open callbacks only: what is closed is forgotten here, and kept by the store."""

    def __init__(self, known: Iterable[Callback] = ()) -> None:
        self._by_call: dict[CallId, Callback] = {}
        self._by_place: dict[CallId, CallId] = {}
        self._by_number: dict[str, set[CallId]] = {}
        self._by_agent: dict[AgentId, CallId] = {}
        for callback in known:
            self.save(callback)

    def save(self, callback: Callback) -> None:
        number = callback.caller.e164 or ""
        before = self._by_call.get(callback.call)
        if before is not None and before.agent is not None:
            self._by_agent.pop(before.agent, None)
        if callback.state is CallbackState.CLOSED:
            self._by_call.pop(callback.call, None)
            self._by_place.pop(place_id(callback.call), None)
            self._by_number.get(number, set()).discard(callback.call)
            return
        self._by_call[callback.call] = callback
        if callback.agent is not None:
            self._by_agent[callback.agent] = callback.call
        self._by_place[place_id(callback.call)] = callback.call
        self._by_number.setdefault(number, set()).add(callback.call)

    def get(self, call: CallId) -> Callback | None:
        return self._by_call.get(call)

    def open(self, call: CallId) -> Callback:
        """The open callback of a call. Raises IllegalEvent when there is none (any more)."""
        callback = self._by_call.get(call)
        if callback is None:
            raise IllegalEvent("callback_over")
        return callback

    def of_place(self, place: CallId) -> Callback | None:
        """The callback whose place-holder this is; None for a call."""
        call = self._by_place.get(place)
        return self._by_call[call] if call is not None else None

    def of_agent(self, agent: AgentId) -> Callback | None:
        """The callback that an agent is asked for, or is at."""
        call = self._by_agent.get(agent)
        return self._by_call[call] if call is not None else None

    def keeps(self, call: CallId) -> bool:
        """Whether the caller of this call has kept a place."""
        callback = self._by_call.get(call)
        return callback is not None and callback.kind is CallbackKind.KEPT

    def owed_to(self, number: str | None) -> list[Callback]:
        """What we owe a number (E.164), oldest first."""
        found = [self._by_call[call] for call in self._by_number.get(number or "", ())] if number else []
        return sorted(found, key=lambda it: (it.asked_at, it.call))

    def waiting(self) -> Iterator[Callback]:
        """Those that keep a place, in the order of their calls."""
        found = (it for it in self._by_call.values() if it.state is CallbackState.WAITING)
        return iter(sorted(found, key=lambda it: (it.place.sequence, it.call)))

    def places_in(self, queue: QueueId) -> Iterator[Call]:
        """The place-holders of a queue that nobody has taken yet: who waits behind them waits for them too."""
        before = (CallbackState.WAITING, CallbackState.OFFERED)
        return (it.place for it in self._by_call.values() if it.queue == queue and it.state in before)
