"""Other systems are told what happens to calls: signed, in the order of each call, for more than a day if need be.

History is the source: what is committed there is told, whatever dies in between, at least once. What an endpoint does
not take within GIVEN_UP_AFTER is given up and waits for a person (`cordpair hooks replay`); one at which nothing
has arrived for DISABLED_AFTER is told no more.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import httpx
import structlog

from cordpair.connectors.cloudtoolz import Message, message_of, sign
from cordpair.connectors.cloudtoolz.messages import Told
from cordpair.core.call import Call
from cordpair.core.ids import TenantId
from cordpair.core.retry import asked_s, pause_s
from cordpair.core.tenant import TenantSetup
from cordpair.engine.clock import Clock
from cordpair.errors import CordpairError, PermanentFailure
from cordpair.store.doors import Store
from cordpair.store.hooks import Delivery, Hook

log = structlog.get_logger(__name__)

#: The state that a call comes to, or the name of what happened to it, and what the event is called.
EVENTS: Mapping[str, str] = {
    "queued": "call.queued",
    "offered": "call.offered",
    "connected": "call.answered",
    "wrap_up": "call.ended",
    "closed": "call.closed",
    "Identified": "caller.identified",
    "PartyPicked": "caller.identified",
    "ActivityLogged": "call.logged",
}
DEFAULT_EVENTS = frozenset({"call.queued", "call.answered", "call.closed"})

GIVEN_UP_AFTER = timedelta(hours=36)
DISABLED_AFTER = timedelta(days=5)
KEPT = timedelta(days=30)
_LOOK_S = 1.0
_LOOK_IDLE_S = 15.0  # no endpoint is set up
_LEASE = timedelta(seconds=60)
_AT_ONCE = 20
_FIRST_S, _LONGEST_S = 5.0, 7200.0
_TIMEOUT_S = 15.0
_MOST_WAIT_S = 7200.0
_ANSWER_BYTES = 4096


class HookSender:
    """Tells the endpoints of one tenant. `http` reaches only hosts that may be spoken to."""

    def __init__(
        self, setup: TenantSetup, store: Store, clock: Clock, http: httpx.AsyncClient, chance: Callable[[], float]
    ) -> None:
        self._setup, self._store, self._clock, self._http, self._chance = setup, store, clock, http, chance
        self._tenant: TenantId = setup.id

    async def run(self) -> None:
        """Tell them until cancelled."""
        while True:
            pause = _LOOK_S
            try:
                if not await self.turn():
                    pause = _LOOK_IDLE_S
            except CordpairError as exc:
                log.warning("webhooks could not be looked after", tenant=self._tenant, error=type(exc).__name__)
            await self._clock.sleep(pause)

    async def turn(self) -> bool:
        """Spread what is new and send what is due; False when there is no endpoint."""
        now = self._clock.now()
        async with self._store.open_tenant(self._tenant) as rows:
            hooks = await rows.hooks.all()
            active = [hook for hook in hooks if hook.state == "active"]
            for hook in active:
                await rows.hooks.spread(hook, EVENTS, now)
            due = await rows.hooks.claim(now, _LEASE, _AT_ONCE) if active else []
            if hooks:
                await rows.hooks.purge(now - KEPT)
        by_name = {hook.id: hook for hook in active}
        async with asyncio.TaskGroup() as group:
            for delivery in due:
                group.create_task(self._deliver(by_name[delivery.hook], delivery))
        return bool(hooks)

    async def _deliver(self, hook: Hook, delivery: Delivery) -> None:
        """One that cannot be dealt with now comes again when its lease is over; the others go on."""
        try:
            await self._deal_with(hook, delivery)
        except CordpairError as exc:
            log.warning("a webhook could not be dealt with", tenant=self._tenant, error=type(exc).__name__)

    async def _call(self, delivery: Delivery) -> Call | None:
        """The call as it stands now; None when it is gone, or when its key is."""
        async with self._store.open_tenant(self._tenant) as rows:
            try:
                return await rows.calls.get(delivery.call)
            except PermanentFailure:
                return None

    async def _deal_with(self, hook: Hook, delivery: Delivery) -> None:
        call = await self._call(delivery)
        if call is None:
            problem, wait, gone = "the call is not stored any more", None, False
        else:
            problem, wait, gone = await self._send(hook, delivery, self._message(hook, delivery, call))
        async with self._store.open_tenant(self._tenant) as rows:
            if not problem:
                await rows.hooks.delivered(delivery)
                return
            now = self._clock.now()
            again = None if call is None or gone else self._again(delivery, now, wait)
            failing = await rows.hooks.failed(delivery, problem, now, again)
            if gone or now - failing >= DISABLED_AFTER:
                await rows.hooks.disable(hook.id)
                log.warning("a webhook is disabled", tenant=self._tenant, reason="gone" if gone else "failing for days")

    async def _send(self, hook: Hook, delivery: Delivery, message: Message) -> tuple[str, float | None, bool]:
        """What went wrong (nothing: an empty text), the wait that was asked for, and whether the endpoint is gone."""
        headers = {
            **message.headers,
            "Content-Type": message.content_type,
            **sign(hook.secrets, _message_id(delivery), self._clock.now(), message.body),
        }
        request = self._http.build_request("POST", hook.url, content=message.body, headers=headers)
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                answer = await self._http.send(request, stream=True, follow_redirects=False)
                await answer.aclose()  # what it says is nothing to us
        except TimeoutError:
            return "no answer in time", None, False
        except httpx.HTTPError as exc:
            return type(exc).__name__, None, False
        if answer.is_success:
            return "", None, False
        wait = asked_s(answer.headers.get("retry-after", ""), since=self._clock.now(), most_s=_MOST_WAIT_S)
        return f"status {answer.status_code}", wait, answer.status_code == httpx.codes.GONE

    def _again(self, delivery: Delivery, now: datetime, wait: float | None) -> datetime | None:
        if now - delivery.since >= GIVEN_UP_AFTER:
            return None
        pause = pause_s(delivery.attempts, self._chance(), first_s=_FIRST_S, longest_s=_LONGEST_S)
        return now + timedelta(seconds=max(pause, wait or 0.0))

    def _message(self, hook: Hook, delivery: Delivery, call: Call) -> Message:
        told = Told(
            id=_message_id(delivery),
            tenant=self._tenant,
            event=delivery.event,
            at=delivery.at,
            entry=delivery.entry,
            call=call.id,
            data={name: value for name, value in self._data(call).items() if name in hook.fields and value is not None},
        )
        return message_of(hook.profile, told)

    def _data(self, call: Call) -> dict[str, object]:
        """All fields that there are, of the call as it stands now."""
        names = {agent.id: agent.name for agent in self._setup.agents}
        party = next((one for one in call.candidates if one.party == call.party), None)
        return {
            "call": call.id,
            "state": call.state.value,
            "queue": call.queue,
            "direction": "inbound" if call.outbound is None else "outbound",
            "outcome": call.outcome.value if call.outcome else None,
            "arrived_at": call.arrived_at,
            "connected_at": call.connected_at,
            "ended_at": call.ended_at,
            "talk_s": _talk_s(call),
            "agent": call.agent,
            "agent_name": names.get(call.agent) if call.agent else None,
            "caller_number": call.caller.e164,
            "party": f"{call.party.connector}:{call.party.id}" if call.party else None,
            "party_name": party.name if party else None,
            "disposition": call.disposition or None,
            "note": call.note or None,
        }


def _message_id(delivery: Delivery) -> str:
    """The same in every try, so that a receiver knows what it has had."""
    return f"msg_{delivery.hook}_{delivery.entry}"


def _talk_s(call: Call) -> float | None:
    if call.connected_at is None or call.ended_at is None:
        return None
    return max(0.0, (call.ended_at - call.connected_at).total_seconds())
