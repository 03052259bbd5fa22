"""kill -9 in the middle of a call: what both nodes tell of it is one trace, and each knows the other's spans."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from cordpair.core.ids import CallId
from cordpair.emulator.failing import Failing
from tests.collector import Collector, Received, collector
from tests.crash.life import life
from tests.crash.products import products
from tests.databases import Server

pytestmark = pytest.mark.asyncio(loop_scope="module")

INVITE = "InviteAgent"


class Told:
    """What a collector has of the call: all of it, and node by node in the order in which they came."""

    def __init__(self, call: CallId, spans: list[Received]) -> None:
        self.call, self.spans = call, spans
        nodes = list(dict.fromkeys(span.node for span in spans))
        self.first, *others = ([span for span in spans if span.node == node] for node in nodes)
        self.second = others[0] if others else []

    def ids(self, spans: list[Received], name: str) -> set[str]:
        return {span.id for span in spans if span.name == name}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def told(postgresql: Server, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Told]:
    """While an agent cannot be invited the node dies; the next one invites them, and brings the call to its end."""
    folder = tmp_path_factory.mktemp("traced")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("OTEL_BSP_SCHEDULE_DELAY", "20")  # what is still in its hands dies with a node
        async with collector() as at:
            with products() as born:
                async with life(postgresql, born, folder, otlp_endpoint=at.url) as one:
                    one.is_told = lambda: bool(_named(at, "call"))
                    one.parts.graph.failing = Failing(path="/participants/invite", status=500, times=10_000)
                    living = asyncio.create_task(one.live())
                    await _until_tried(at, living)
                    one.parts.graph.failing = Failing()
                    os.kill(born.pid, signal.SIGKILL)
                    left = await living
    assert left.call is not None
    yield Told(left.call.id, at.spans)


def _named(at: Collector, name: str) -> list[Received]:
    return [span for span in at.spans if span.name == name]


async def _until_tried(at: Collector, living: "asyncio.Task[object]") -> None:
    """Until the collector has heard of a try to invite somebody."""
    while not _named(at, INVITE):
        assert not living.done(), "the life is over, and nobody was invited"
        await asyncio.sleep(0.01)


async def test_both_nodes_write_into_the_trace_that_the_call_is_named_by(told: Told) -> None:
    wanted = {told.call.replace("-", "")}
    assert ({span.trace for span in told.first}, {span.trace for span in told.second}) == (wanted, wanted)


async def test_the_node_that_closes_the_call_tells_the_span_below_which_the_killed_one_s_hang(told: Told) -> None:
    (root,) = (span for span in told.spans if not span.parent)
    assert root in told.second
    assert {span.parent for span in told.first if span.name == "process inbox"} == {root.id}


async def test_what_the_killed_node_has_ordered_is_tried_below_its_order_by_the_next_one(told: Told) -> None:
    ordered = told.ids(told.first, "send outbox")
    assert [span for span in told.second if span.name == INVITE and span.parent in ordered]


async def test_no_two_spans_of_the_two_nodes_have_one_id(told: Told) -> None:
    assert len({span.id for span in told.spans}) == len(told.spans)
