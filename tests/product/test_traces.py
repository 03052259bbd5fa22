"""One trace for a whole call, as an OpenTelemetry collector gets it; nobody's data in it."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from cordpair.core.call import CallState
from cordpair.core.ids import CallId
from tests.collector import Collector, Received, collector
from tests.databases import Server
from tests.product.house import House, house, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOTE = "Kanarienvogel bittet um Rückruf"


class Traced:
    """A call that was made, talked and written up, and what the collector has of it."""

    def __init__(self, one: House, call: CallId, told: Collector) -> None:
        self.one, self.call, self.told = one, call, told
        self.spans = [span for span in told.spans if span.trace == call.replace("-", "")]

    def named(self, name: str) -> list[Received]:
        return [span for span in self.spans if span.name == name]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def traced(postgresql: Server) -> AsyncIterator[Traced]:
    async with collector() as told, postgresql.fresh() as pair, house(pair, otlp_endpoint=told.url) as one:
        us, member = one.lanterns, one.lanterns.member()
        await us.until_known(member)
        for agent in us.agents:
            await agent.come_in()
        person, call = await us.talked(member.e164[0])
        disposition = us.setup.queues[0].dispositions[0].id
        await person.press("wrap_up", disposition=disposition, note=NOTE)
        await us.until_call(call, CallState.CLOSED)
        await until(lambda: _logged(one, call))
        assert one.product.traces is not None
        await asyncio.to_thread(one.product.traces.close)
        yield Traced(one, call, told)


async def _logged(one: House, call: CallId) -> bool:
    """Whether the activity is written, and nothing that was ordered is under way any more."""
    found = await one.lanterns.call(call)
    async with one.store.open_tenant(one.lanterns.id) as rows:
        open_ones = await rows.inbox._scope.connection.fetchval(
            "select count(*) from outbox where tenant = $1 and state not in ('done', 'parked')", one.lanterns.id
        )
    return found is not None and bool(found.activity) and open_ones == 0


async def test_every_span_hangs_below_the_call_s_own(traced: Traced) -> None:
    (root,) = traced.named("call")
    ids = {span.id for span in traced.spans}
    assert root.parent == ""
    assert [span.name for span in traced.spans if span is not root and span.parent not in ids] == []


async def test_no_two_spans_have_one_id(traced: Traced) -> None:
    assert len({span.id for span in traced.spans}) == len(traced.spans)


async def test_the_trace_tells_the_call_from_the_webhook_to_the_crm(traced: Traced) -> None:
    names = {span.name for span in traced.spans}
    told = {"POST /graph/{registration}/calls", "send inbox", "process inbox", "commit fold", "send outbox"}
    assert names >= told | {"AnswerCall", "InviteAgent", "ShowCard", "LogActivity", "POST"}


async def test_a_fold_is_linked_to_the_notification_that_told_it(traced: Traced) -> None:
    told = {span.id for span in traced.named("POST /graph/{registration}/calls")}
    assert [span for span in traced.named("process inbox") if told & set(span.links)]


async def test_a_try_hangs_below_the_order_that_a_fold_gave(traced: Traced) -> None:
    orders = {span.id: span for span in traced.named("send outbox")}
    folds = {span.id for span in traced.named("process inbox")}
    (invite,) = traced.named("InviteAgent")
    assert orders[invite.parent].parent in folds


async def test_the_call_s_own_span_says_how_it_ended(traced: Traced) -> None:
    (root,) = traced.named("call")
    assert (root.attributes["cc.outcome"], root.attributes["cc.call"]) == ("answered", traced.call)


async def test_every_attribute_was_one_that_may_leave(traced: Traced) -> None:
    dropped = traced.one.product.metrics.registry.get_sample_value("cc_span_attributes_dropped_total")
    assert (dropped, len(traced.spans) > 20) == (0, True)


async def test_nobody_stands_in_a_trace(traced: Traced) -> None:
    us = traced.one.lanterns
    member = us.member()
    words = [NOTE, member.name, member.e164[0], member.e164[0][-10:], *(agent.name for agent in us.setup.agents)]
    sent = b"".join(traced.told.raw)
    assert [word for word in words if word.encode() in sent] == []
