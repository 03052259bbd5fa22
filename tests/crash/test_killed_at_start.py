"""kill -9 while the product starts for the first time: its own database server, roles, tables. The next start works."""

import asyncio
import contextlib
import os
import random
import signal
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from cordpair.settings import Settings
from cordpair.store import postgres
from cordpair.store.doors import Store
from cordpair.store.operator_key import read_operator_key
from tests.crash.child import Order
from tests.crash.conftest import Step
from tests.crash.life import free_port, read_steps
from tests.crash.products import Products

SEED = 20261124
PICKS = 2
PARTS = 4
_START_S = 90.0
_LONGEST_START_S = 3.0  #: a first start on a quiet machine; a kill in its midst is meant to be one


class Installation:
    """A data folder that has nothing yet, and the product on it."""

    def __init__(self, born: Products, folder: Path) -> None:
        self._born, self._folder, self._port = born, folder, free_port()

    async def starts(self, *, kill: Step | None = None, kill_after_s: float | None = None) -> bool:
        """Whether the product comes to serve: False when it is killed before. AssertionError when it ends otherwise."""
        await self._born.start(self._order(kill))
        if kill_after_s is not None:
            asyncio.get_running_loop().call_later(kill_after_s, os.kill, self._born.pid, signal.SIGKILL)
        ended = asyncio.create_task(self._born.ended())
        try:
            async with asyncio.timeout(_START_S), httpx.AsyncClient() as http:
                while not ended.done():
                    if kill_after_s is None and await self._is_ready(http):
                        return True
                    await asyncio.sleep(0.05)
            assert ended.result() == -signal.SIGKILL, self.log()
            return False
        finally:
            ended.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await ended

    async def stop(self) -> None:
        await self._born.stop(signal.SIGTERM)

    async def is_sound(self) -> bool:
        """Whether another process finds databases, tables and key as they should be, while the product runs."""
        settings = self._settings()
        async with postgres.running(settings) as databases:
            store = await Store.open(databases, read_operator_key(settings), pool_size=4)
            try:
                await store.ping()
                async with store.open_queue() as queue:
                    return await queue.tenants() == []
            finally:
                await store.close()

    def steps(self) -> list[Step]:
        return sorted(set(read_steps(self._folder / "steps")))

    def log(self) -> str:
        return (self._folder / "product.log").read_text()[-3000:]

    def _settings(self) -> Settings:
        return Settings(data_dir=self._folder / "data", database_url="", keys_database_url="")

    def _order(self, kill: Step | None) -> Order:
        return Order(
            settings={
                "data_dir": str(self._folder / "data"),
                "database_url": "",
                "keys_database_url": "",
                "port": self._port,
                "log_level": "error",
                "log_format": "console",
            },
            log=str(self._folder / "product.log"),
            journal=str(self._folder / "steps"),
            instant=datetime.now(UTC),
            monotonic=time.monotonic(),
            kill=kill,
            every_statement=True,
        )

    async def _is_ready(self, http: httpx.AsyncClient) -> bool:
        try:
            return (await http.get(f"http://127.0.0.1:{self._port}/health/ready")).status_code == 200
        except httpx.HTTPError:
            return False


@contextlib.contextmanager
def installation(born: Products) -> Iterator[Installation]:
    """In a folder that the database's own user can reach."""
    with tempfile.TemporaryDirectory(prefix="cordpair-start-") as folder:
        Path(folder).chmod(0o755)
        yield Installation(born, Path(folder))


@pytest.fixture(scope="session")
def first_steps(born: Products) -> list[Step]:
    """What a first start does, when nobody disturbs it."""

    async def started() -> list[Step]:
        with installation(born) as one:
            assert await one.starts()
            await one.stop()
            return one.steps()

    return asyncio.run(started())


async def killed_at(step: Step, born: Products) -> list[str]:
    """What is wrong after a first start that was killed at `step`, and a second one."""
    with installation(born) as one:
        try:
            if await one.starts(kill=step):
                await one.stop()  # a step that comes later would kill it, and its server, while it is looked at
            if not await one.starts():
                return [f"killed at {step}, it ends at the next start: {one.log()}"]
            return [] if await one.is_sound() else [f"killed at {step}, it is not sound"]
        except (AssertionError, TimeoutError) as exc:
            return [f"killed at {step}: {exc}"]
        finally:
            await one.stop()


@pytest.mark.parametrize("pick", range(PICKS))
async def test_a_first_start_that_is_killed_does_no_harm(pick: int, first_steps: list[Step], born: Products) -> None:
    assert await killed_at(random.Random(SEED).sample(first_steps, PICKS)[pick], born) == []


@pytest.mark.long
@pytest.mark.parametrize("part", range(PARTS))
async def test_a_first_start_can_be_killed_at_any_step(part: int, first_steps: list[Step], born: Products) -> None:
    problems = [await killed_at(step, born) for step in first_steps[part::PARTS]]
    assert [it for found in problems for it in found] == []


@pytest.mark.long
async def test_a_start_can_be_killed_again_and_again(born: Products) -> None:
    dice = random.Random(SEED)
    with installation(born) as one:
        for _ in range(8):
            assert not await one.starts(kill_after_s=dice.uniform(0.05, _LONGEST_START_S))
        assert await one.starts(), one.log()
        assert await one.is_sound()
        await one.stop()
