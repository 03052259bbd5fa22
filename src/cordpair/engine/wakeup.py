"""A bell between parts of one process: rung as often as one likes, heard once."""

import asyncio


class Bell:
    """`ring` and `wake` never wait; `heard` waits for one of them since the last time, or for the time to pass."""

    def __init__(self) -> None:
        self._awake = asyncio.Event()
        self._rung = False

    def ring(self) -> None:
        """There is something to look for."""
        self._rung = True
        self._awake.set()

    def wake(self) -> None:
        """There is something to do, and whoever hears this knows it already."""
        self._awake.set()

    async def heard(self, timeout_s: float) -> bool:
        """Whether to look: it was rung, or the time has passed. False when there was only a `wake`."""
        look = False
        try:
            async with asyncio.timeout(timeout_s):
                await self._awake.wait()
        except TimeoutError:
            look = True
        self._awake.clear()
        look, self._rung = look or self._rung, False
        return look
