"""A call in the CRM: one activity per call and party, written once and brought up to date in its place.

What nobody has answered may still be carried out. So a later version waits until the earlier one has come to an end,
and every write after the first looks for what stands there already.
"""

from collections.abc import Sequence

from cordpair.connectors.kit import Activity, Crm
from cordpair.core import effects as o
from cordpair.core import events as e
from cordpair.core.call import Call, Mistaken
from cordpair.core.caller import choosable, settled
from cordpair.core.identify import Contact
from cordpair.core.ids import PartyRef, TenantId
from cordpair.engine.clock import Clock
from cordpair.engine.names import Names
from cordpair.errors import PermanentFailure, TemporaryFailure
from cordpair.store.doors import Store

_WAIT_S = 5.0
_WRONG = {
    "en": "Logged by mistake: it was somebody else who called.",
    "de": "Irrtümlich erfasst: Es hat jemand anderes angerufen.",
}


def activity_key(tenant: TenantId, call: Call, mistaken: int | None = None) -> str:
    """What makes two writes the same activity: the call, and after how many mistaken parties it was (None: all)."""
    after = len(call.mistaken) if mistaken is None else mistaken
    return f"cc:{tenant}:{call.graph_id}" + (f":{after}" if after else "")


class ActivityWriter:
    """Writes the calls of one tenant to its CRM."""

    def __init__(self, tenant: TenantId, store: Store, clock: Clock, crm: Crm | None, names: Names) -> None:
        self._tenant, self._store, self._clock, self._crm, self._names = tenant, store, clock, crm, names

    async def log(self, order: o.LogActivity, call: Call, *, repeat: bool) -> Sequence[e.AnyEvent]:
        """Write the activity, or bring it up to date. Nothing, where the party was taken back meanwhile."""
        crm = self._crm_of(call.party)
        if call.party is None:
            return []
        if not crm.keeps_activities:
            await self._remember(call, call.party)
            return []
        await self._wait_for_earlier(order)
        activity, key = self._activity(call, call.party), activity_key(self._tenant, call)
        if call.activity:
            await crm.update_activity(call.activity, activity, key=key)
            return []
        # Before the write: a database that is away after it would have it tried again as if nothing had been written.
        await self._remember(call, call.party)
        reference = await crm.log_activity(activity, key=key, repeat=repeat or order.revision > 0)
        return [e.ActivityLogged(at=self._clock.now(), call=call.id, party=call.party, reference=reference)]

    async def correct(self, order: o.CorrectCaller, call: Call) -> Sequence[e.AnyEvent]:
        """Forget that the party was chosen for this number, and say so where the call was written for it."""
        wrong = call.mistaken[order.number]
        if call.caller.e164 is not None:
            async with self._store.open_tenant(self._tenant) as rows:
                await rows.callers.forget(call.caller.e164, wrong.party)
        if wrong.activity:
            await self._mark(order, call, wrong)
        return []

    async def _mark(self, order: o.CorrectCaller, call: Call, wrong: Mistaken) -> None:
        """What was said in the call is not the wrong party's: its note goes, a sentence says why."""
        text = _WRONG[self._names.language(call)]
        activity = self._activity(call, wrong.party, disposition="", note=text)
        key = activity_key(self._tenant, call, order.number)
        try:
            await self._crm_of(wrong.party).update_activity(wrong.activity, activity, key=key)
        except PermanentFailure as exc:
            if exc.status != 404:
                raise

    async def _wait_for_earlier(self, order: o.LogActivity) -> None:
        """Two versions under way at once could both find nothing and write twice."""
        if order.revision == 0:
            return
        earlier = [o.LogActivity(call=order.call, revision=number).key for number in range(order.revision)]
        async with self._store.open_tenant(self._tenant) as rows:
            if await rows.outbox.under_way(earlier):
                raise TemporaryFailure("an earlier version of the activity is being written", retry_after_s=_WAIT_S)

    async def _remember(self, call: Call, party: PartyRef) -> None:
        """For the next call: who was spoken to, and whom a person chose where the number left it open."""
        contact = Contact(call.agent, call.queue, call.connected_at or call.heard_at)
        async with self._store.open_tenant(self._tenant) as rows:
            await rows.callers.met(party, contact)
            was_open = len(choosable(call.candidates)) > 1 and settled(call.candidates) != party
            if was_open and call.caller.e164 is not None:
                await rows.callers.chose(call.caller.e164, party, contact.at)

    def _crm_of(self, party: PartyRef | None) -> Crm:
        if self._crm is None:
            raise PermanentFailure("no CRM is set up")
        if party is not None and party.connector != self._crm.name:
            raise PermanentFailure("the party belongs to a CRM that is not set up")
        return self._crm

    def _activity(
        self, call: Call, party: PartyRef, *, disposition: str | None = None, note: str | None = None
    ) -> Activity:
        return Activity(
            call=call.id,
            party=party,
            inbound=call.outbound is None,
            started_at=call.arrived_at or call.heard_at,
            talk_s=_talk_s(call),
            agent_name=self._names.agent(call),
            queue=self._names.queue(call),
            disposition=self._names.disposition(call) if disposition is None else disposition,
            note=call.note if note is None else note,
        )


def _talk_s(call: Call) -> int:
    """Seconds of conversation."""
    if call.connected_at is None or call.ended_at is None:
        return 0
    return max(0, round((call.ended_at - call.connected_at).total_seconds()))
