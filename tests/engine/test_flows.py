"""A flow goes on where it stood: after a failure, a crash, a night, an event; and never past what it cannot do."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from cordpair.engine import flow_workers
from cordpair.engine.flow_workers import LEASE_S, MOST_ATTEMPTS, FlowWorkers
from cordpair.engine.flows import Again, Flow, FlowBook, Kind, Try
from cordpair.errors import PermanentFailure, TemporaryFailure
from cordpair.store.doors import Store
from tests.engine.conftest import StandingClock, until
from tests.store.world import A, configured

pytestmark = pytest.mark.usefixtures("quick")


class Steps:
    """Notes each try of a step, and fails as told: by name, the failures of the tries to come."""

    def __init__(self, **failures: list[Exception]) -> None:
        self.tries: list[tuple[str, str, bool]] = []
        self.failures = failures

    def __call__(self, name: str) -> Callable[[Try], Awaitable[Any]]:
        async def act(one: Try) -> str:
            self.tries.append((name, one.key, one.repeat))
            if waiting := self.failures.get(name):
                raise waiting.pop(0)
            return f"{name} done"

        return act

    @property
    def names(self) -> list[str]:
        return [name for name, _, _ in self.tries]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow_workers, "POLL_S", 0.02)


@pytest.fixture
async def steps(store: Store) -> Steps:
    await configured(store, A)
    return Steps()


def two_steps(steps: Steps) -> Any:
    async def run(flow: Flow) -> None:
        await flow.step("one", steps("one"))
        await flow.step("two", steps("two"))

    return run


def workers(store: Store, clock: StandingClock, *kinds: Kind) -> FlowWorkers:
    return FlowWorkers(store, clock, FlowBook(kinds), owned=lambda: frozenset({A}), chance=lambda: 1.0)


@contextlib.asynccontextmanager
async def at_work(
    store: Store, clock: StandingClock, run: Any, *, is_patient: bool = False
) -> AsyncIterator[FlowWorkers]:
    """Workers that know one kind of flow, of which one is begun."""
    one = workers(store, clock, Kind(name="kind", version=1, run=run, is_patient=is_patient))
    async with store.open_tenant(A) as rows:
        await rows.flows.start("flow", "kind", 1, clock.now(), "body")
    task = asyncio.create_task(one.run())
    try:
        yield one
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def state(store: Store) -> tuple[str, int, str]:
    """State, failures and reason of the flow."""
    async with store.open_tenant(A) as rows:
        row = await rows.flows._scope.connection.fetchrow("select state, attempts, reason from flows")
    assert row is not None
    return row["state"], row["attempts"], row["reason"]


async def until_state(store: Store, *wanted: str, attempts: int = 0) -> tuple[str, int, str]:
    async def look() -> tuple[str, int, str] | None:
        found = await state(store)
        return found if found[0] in wanted and found[1] >= attempts else None

    found = await until(look)
    assert found is not None
    return found


async def test_steps_are_done_one_after_the_other_and_the_flow_is_done(
    store: Store, clock: StandingClock, steps: Steps
) -> None:
    async with at_work(store, clock, two_steps(steps)):
        await until_state(store, "done")
    assert steps.tries == [("one", "flow#0/one", False), ("two", "flow#0/two", False)]


async def test_a_step_that_fails_is_tried_again_and_what_was_done_is_not(
    store: Store, clock: StandingClock, steps: Steps
) -> None:
    steps.failures["two"] = [TemporaryFailure("away")]
    async with at_work(store, clock, two_steps(steps)):
        _, _, reason = await until_state(store, "waiting", attempts=1)
        clock.move(60)
        await until_state(store, "done")
    assert steps.tries == [("one", "flow#0/one", False), ("two", "flow#0/two", False), ("two", "flow#0/two", True)]
    assert reason == "two: TemporaryFailure"


async def test_it_is_left_alone_as_long_as_the_other_side_asks_for(
    store: Store, clock: StandingClock, steps: Steps
) -> None:
    steps.failures["one"] = [TemporaryFailure("throttled", retry_after_s=600)]
    async with at_work(store, clock, two_steps(steps)):
        await until_state(store, "waiting", attempts=1)
        clock.move(599)
        await asyncio.sleep(0.1)
        assert steps.names == ["one"]
        clock.move(2)
        await until_state(store, "done")


async def test_what_a_dead_worker_had_done_is_not_done_again(store: Store, clock: StandingClock, steps: Steps) -> None:
    begun = asyncio.Event()

    async def run(flow: Flow) -> None:
        await flow.step("one", steps("one"))

        async def dies(one: Try) -> None:
            steps.tries.append(("two", one.key, one.repeat))
            begun.set()
            if not one.repeat:
                await asyncio.Event().wait()

        await flow.step("two", dies)

    async with at_work(store, clock, run):
        await begun.wait()
        clock.move(LEASE_S + 1)  # the lease of the one that hangs has run out
        await until_state(store, "done")
    assert steps.tries == [("one", "flow#0/one", False), ("two", "flow#0/two", False), ("two", "flow#0/two", True)]


async def test_a_worker_that_ends_gives_its_flow_back_at_once(store: Store, clock: StandingClock, steps: Steps) -> None:
    begun = asyncio.Event()

    async def run(flow: Flow) -> None:
        async def hangs(one: Try) -> None:
            begun.set()
            if not one.repeat:
                await asyncio.Event().wait()

        await flow.step("one", hangs)

    async with at_work(store, clock, run):
        await begun.wait()
    async with at_work(store, clock, run):
        await until_state(store, "done")


async def test_a_worker_that_was_taken_for_dead_does_not_write(
    store: Store, clock: StandingClock, steps: Steps
) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def run(flow: Flow) -> None:
        async def slow(one: Try) -> str:
            begun.set()
            if not one.repeat:
                await go_on.wait()
            return "late" if not one.repeat else "in time"

        steps.tries.append((await flow.step("one", slow), "", False))

    async with at_work(store, clock, run):
        await begun.wait()
        clock.move(LEASE_S + 1)
        await until_state(store, "done")
        go_on.set()
        await asyncio.sleep(0.1)
    assert steps.names == ["in time"]


async def test_what_cannot_help_is_parked_and_goes_on_when_a_person_says_so(
    store: Store, clock: StandingClock, steps: Steps
) -> None:
    steps.failures["two"] = [PermanentFailure("Erika may not", status=403)]
    async with at_work(store, clock, two_steps(steps)):
        assert (await until_state(store, "parked"))[2] == "two: PermanentFailure 403"
        async with store.open_tenant(A) as rows:
            (parked,) = await rows.flows.parked()
            assert await rows.flows.retry_parked(parked.id, clock.now())
        await until_state(store, "done")
    assert steps.names == ["one", "two", "two"]


async def test_a_mistake_of_ours_parks_the_flow_without_its_text(
    store: Store, clock: StandingClock, steps: Steps
) -> None:
    steps.failures["one"] = [KeyError("+49 30 1234 of Erika")]
    async with at_work(store, clock, two_steps(steps)):
        assert (await until_state(store, "parked"))[2] == "one: KeyError"


async def test_a_step_that_never_works_is_parked_after_a_dozen_tries(
    store: Store, clock: StandingClock, steps: Steps
) -> None:
    steps.failures["one"] = [TemporaryFailure("away") for _ in range(MOST_ATTEMPTS)]
    async with at_work(store, clock, two_steps(steps)):
        for count in range(1, MOST_ATTEMPTS):
            await until_state(store, "waiting", attempts=count)
            clock.move(1000)
        await until_state(store, "parked")
    assert len(steps.tries) == MOST_ATTEMPTS


async def test_a_patient_flow_is_shown_as_parked_and_tries_by_itself_an_hour_later(
    store: Store, clock: StandingClock, steps: Steps
) -> None:
    steps.failures["one"] = [PermanentFailure("refused")]
    async with at_work(store, clock, two_steps(steps), is_patient=True):
        await until_state(store, "parked")
        clock.move(3601)
        await until_state(store, "done")


async def test_a_flow_sleeps_until_its_time_and_not_twice(store: Store, clock: StandingClock, steps: Steps) -> None:
    async def run(flow: Flow) -> None:
        await flow.step("one", steps("one"))
        await flow.sleep("a night", 8 * 3600)
        await flow.step("two", steps("two"))

    async with at_work(store, clock, run):
        await until(lambda: _reached(steps, 1))
        await until_state(store, "waiting")
        clock.move(8 * 3600 - 1)
        await asyncio.sleep(0.1)
        assert steps.names == ["one"]
        clock.move(2)
        await until_state(store, "done")
    assert steps.names == ["one", "two"]


async def test_a_flow_goes_on_with_what_an_event_brings(store: Store, clock: StandingClock, steps: Steps) -> None:
    async def run(flow: Flow) -> None:
        picked = await flow.event("picked")
        await flow.step(picked, steps(picked))

    async with at_work(store, clock, run) as one:
        await until_state(store, "waiting")
        async with store.open_tenant(A) as rows:
            await rows.flows.signal("flow", "picked", "p1", clock.now())
        one.bell.ring()
        await until_state(store, "done")
    assert steps.names == ["p1"]


async def test_an_event_that_does_not_come_is_not_waited_for_longer_than_told(
    store: Store, clock: StandingClock, steps: Steps
) -> None:
    until_then = clock.now() + timedelta(hours=1)

    async def run(flow: Flow) -> None:
        if await flow.event("picked", until_then) is None:
            await flow.step("nobody picked", steps("nobody picked"))

    async with at_work(store, clock, run):
        await until_state(store, "waiting")
        clock.move(3601)
        await until_state(store, "done")
    assert steps.names == ["nobody picked"]


async def test_each_round_does_its_steps_anew(store: Store, clock: StandingClock, steps: Steps) -> None:
    async def run(flow: Flow) -> Again:
        await flow.step("one", steps("one"))
        return Again(flow.now() + timedelta(hours=1))

    async with at_work(store, clock, run):
        await until(lambda: _reached(steps, 1))
        await until_state(store, "waiting")
        clock.move(3601)
        await until(lambda: _reached(steps, 2))
    assert [key for _, key, _ in steps.tries][:2] == ["flow#0/one", "flow#1/one"]


async def _reached(steps: Steps, count: int) -> bool:
    return len(steps.tries) >= count


async def test_a_flow_goes_on_by_the_code_that_began_it(store: Store, clock: StandingClock, steps: Steps) -> None:
    async def newer(_: Flow) -> None:
        steps.tries.append(("newer", "", False))

    one = workers(
        store,
        clock,
        Kind(name="kind", version=1, run=two_steps(steps)),
        Kind(name="kind", version=2, run=newer),
    )
    async with store.open_tenant(A) as rows:
        await rows.flows.start("flow", "kind", 1, clock.now())
    task = asyncio.create_task(one.run())
    await until_state(store, "done")
    task.cancel()
    assert steps.names == ["one", "two"]


async def test_a_version_that_would_strand_flows_does_not_start(
    store: Store, clock: StandingClock, steps: Steps
) -> None:
    async with store.open_tenant(A) as rows:
        await rows.flows.start("flow", "kind", 1, clock.now())
    await FlowBook([Kind(name="kind", version=1, run=two_steps(steps))]).refuse_to_strand(store)
    with pytest.raises(PermanentFailure, match="1 of kind 1"):
        await FlowBook([Kind(name="kind", version=2, run=two_steps(steps))]).refuse_to_strand(store)
