"""How long the outbox waits between two attempts, and what it does with orders that it cannot read."""

import asyncio
import contextlib
from typing import Any

import pytest

from cordpair.core.bucket import QUARANTINE_S, Peer
from cordpair.core.effects import AnswerCall, Effect, HangUp, LogActivity
from cordpair.core.ids import CallId, GraphCallId, TenantId
from cordpair.core.retry import LONGEST_PAUSE_S
from cordpair.engine.outbox import LONGEST_ASKED_S, MOST_ATTEMPTS, OutboxWorkers
from cordpair.engine.perform import Performer
from cordpair.errors import PermanentFailure, TemporaryFailure, UnknownOutcome
from cordpair.store.doors import Store
from cordpair.store.outbox import OutboxRow
from cordpair.telemetry import Metrics
from tests.engine.conftest import StandingClock, until
from tests.store.world import NOON, A, B, configured

ORDER = HangUp(call=CallId("c"), graph_id=GraphCallId("g"))


class Tries:
    """Performs effects by these answers, one after the other (then the last again), and counts."""

    def __init__(self, *answers: Exception | None) -> None:
        self._answers = list(answers)
        self.count = 0

    def connector(self, _: Any) -> str:
        return "teams"

    async def perform(self, effect: Any, attempt: Any) -> list[Any]:
        self.count += 1
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if answer is not None:
            raise answer
        return []


def workers(store: Any, clock: StandingClock, tries: Any = None, *, chance: float = 1.0) -> OutboxWorkers:
    async def performer_of(_: TenantId) -> Performer:
        return tries  # type: ignore[no-any-return]

    return OutboxWorkers(
        store,
        clock,
        performer_of,
        owned=lambda: frozenset({A}),
        ring=lambda tenant: None,
        width=4,
        metrics=Metrics(),
        chance=lambda: chance,
    )


def tries_told(outbox: OutboxWorkers) -> dict[tuple[str, str], float]:
    """How many tries the metrics tell of, by connector and outcome."""
    (metric,) = outbox._metrics.connector_requests.collect()
    return {
        (sample.labels["connector"], sample.labels["outcome"]): sample.value
        for sample in metric.samples
        if sample.name.endswith("_total")
    }


@pytest.fixture
async def ordered(store: Store, clock: StandingClock) -> Store:
    """A store in whose outbox one order waits."""
    await configured(store, A, B)
    async with store.open_tenant(A) as rows:
        await rows.outbox.put([ORDER], clock.now())
    return store


@contextlib.asynccontextmanager
async def at_work(outbox: OutboxWorkers) -> Any:
    task = asyncio.create_task(outbox.run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def row(store: Store) -> Any:
    async with store.open_tenant(A) as rows:
        return (await rows.outbox.load(range(1, 500)))[-1]


async def until_attempts(outbox: OutboxWorkers, store: Store, count: int) -> Any:
    """The order, when it has been tried so often and nobody is at it."""
    async with asyncio.timeout(5):
        while True:
            seen = await row(store)
            if seen.attempts >= count and seen.state in ("ready", "parked", "done"):
                return seen
            outbox.bell.ring()
            await asyncio.sleep(0.01)


def tried(order: Effect, attempts: int = 1) -> OutboxRow:
    return OutboxRow(id=1, key="k", effect=order, attempts=attempts, state="sending", unknown=False, since=NOON)


@pytest.mark.parametrize(("asked_s", "pause_s"), [(None, 0.5), (0.0, 0.5), (7.0, 7.0), (86_400.0, LONGEST_ASKED_S)])
def test_the_pause_is_never_shorter_than_the_other_side_asks_for(
    clock: StandingClock, asked_s: float | None, pause_s: float
) -> None:
    outbox = workers(None, clock)
    assert outbox._pause_s(tried(ORDER), TemporaryFailure("throttled", retry_after_s=asked_s)) == pause_s


def test_a_write_of_unknown_outcome_is_not_looked_for_before_it_can_be_seen(clock: StandingClock) -> None:
    outbox, order = workers(None, clock), LogActivity(call=CallId("c"))
    assert outbox._pause_s(tried(order), UnknownOutcome("cut")) == QUARANTINE_S[Peer.CRM]
    assert outbox._pause_s(tried(order), UnknownOutcome("cut", quarantine_s=600)) == 600
    assert outbox._pause_s(tried(order), TemporaryFailure("away")) < 1


def test_a_caller_who_rings_is_looked_for_at_once(clock: StandingClock) -> None:
    order = AnswerCall(call=CallId("c"), graph_id=GraphCallId("g"))
    assert workers(None, clock)._pause_s(tried(order), UnknownOutcome("cut")) < 1


async def test_an_order_is_tried_a_dozen_times_and_then_waits_for_a_person(
    ordered: Store, clock: StandingClock
) -> None:
    tries = Tries(TemporaryFailure("iMIS is away"))
    outbox = workers(ordered, clock, tries)
    async with at_work(outbox):
        for count in range(1, MOST_ATTEMPTS + 1):
            await until_attempts(outbox, ordered, count)
            clock.move(LONGEST_PAUSE_S)
        seen = await until_attempts(outbox, ordered, MOST_ATTEMPTS)
    assert (seen.state, tries.count) == ("parked", MOST_ATTEMPTS)
    async with ordered.open_tenant(A) as rows:
        assert [one.reason for one in await rows.outbox.parked()] == ["iMIS is away"]


async def test_tries_are_counted_by_connector_and_outcome(ordered: Store, clock: StandingClock) -> None:
    outbox = workers(ordered, clock, Tries(TemporaryFailure("away"), None))
    async with at_work(outbox):
        await until_attempts(outbox, ordered, 1)
        clock.move(LONGEST_PAUSE_S)
        await until_attempts(outbox, ordered, 2)
    assert tries_told(outbox) == {("teams", "TemporaryFailure"): 1, ("teams", "done"): 1}


async def test_before_its_time_nothing_is_tried_again(ordered: Store, clock: StandingClock) -> None:
    tries = Tries(TemporaryFailure("throttled", retry_after_s=60), None)
    outbox = workers(ordered, clock, tries)
    async with at_work(outbox):
        await until_attempts(outbox, ordered, 1)
        clock.move(59)
        outbox.bell.ring()
        await asyncio.sleep(0.1)
        assert tries.count == 1
        clock.move(2)
        assert (await until_attempts(outbox, ordered, 2)).state == "done"


async def test_what_cannot_help_is_parked_at_once(ordered: Store, clock: StandingClock) -> None:
    outbox = workers(ordered, clock, Tries(PermanentFailure("iMIS refused it")))
    async with at_work(outbox):
        seen = await until_attempts(outbox, ordered, 1)
    assert (seen.state, seen.attempts) == ("parked", 1)


async def test_a_mistake_of_ours_is_parked_without_its_text(ordered: Store, clock: StandingClock) -> None:
    outbox = workers(ordered, clock, Tries(KeyError("+49 30 1234 of Erika")))
    async with at_work(outbox):
        await until_attempts(outbox, ordered, 1)
    async with ordered.open_tenant(A) as rows:
        assert [one.reason for one in await rows.outbox.parked()] == ["KeyError"]


async def test_once_an_outcome_was_unknown_every_later_attempt_is_told_so(ordered: Store, clock: StandingClock) -> None:
    told: list[bool] = []

    class Watching(Tries):
        async def perform(self, effect: Any, attempt: Any) -> list[Any]:
            told.append(attempt.repeat)
            return await super().perform(effect, attempt)

    outbox = workers(ordered, clock, Watching(UnknownOutcome("cut"), TemporaryFailure("away"), None))
    async with at_work(outbox):
        for count in (1, 2, 3):
            await until_attempts(outbox, ordered, count)
            clock.move(LONGEST_PAUSE_S)
    assert told == [False, True, True]


async def test_an_attempt_that_outlives_its_lease_is_not_begun_a_second_time(
    ordered: Store, clock: StandingClock
) -> None:
    answered = asyncio.Event()

    class Slow(Tries):
        async def perform(self, effect: Any, attempt: Any) -> list[Any]:
            self.count += 1
            await answered.wait()
            return []

    tries = Slow(None)
    outbox = workers(ordered, clock, tries)
    async with at_work(outbox):
        for _ in range(3):
            clock.move(600)
            outbox.bell.ring()
            await asyncio.sleep(0.1)
        answered.set()
        seen = await until_attempts(outbox, ordered, 1)
    assert (seen.state, tries.count) == ("done", 1)


async def test_an_order_that_this_version_cannot_read_waits_for_a_person(ordered: Store, clock: StandingClock) -> None:
    async with ordered.open_tenant(A) as rows:
        await rows.outbox._connection.execute("""update outbox set body = '{"type": "FromTheFuture"}'""")
    outbox = workers(ordered, clock, Tries(None))

    async def parked() -> list[str]:
        async with ordered.open_tenant(A) as rows:
            return [one.reason for one in await rows.outbox.parked()]

    async with at_work(outbox):
        assert await until(parked) == ["this version of cordpair cannot read it"]


async def test_orders_of_tenants_that_others_own_are_left_alone(ordered: Store, clock: StandingClock) -> None:
    async with ordered.open_tenant(B) as rows:
        await rows.outbox.put([ORDER], clock.now())
    tries = Tries(None)
    outbox = workers(ordered, clock, tries)
    async with at_work(outbox):
        await until_attempts(outbox, ordered, 1)
        await asyncio.sleep(0.1)
    assert tries.count == 1
