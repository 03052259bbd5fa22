"""A bell between parts of one process: rung as often as one likes, heard once."""

import asyncio


class Bell:
    """`ring` never waits; `heard` waits for a ring since the last time, or for the time to pass."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        self._rung.set()

    async def heard(self, timeout_s: float) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                await self._rung.wait()
        except TimeoutError:
            pass
        self._rung.clear()
