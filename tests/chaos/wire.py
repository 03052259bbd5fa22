"""A line that bytes pass on, and that can be cut, made mute or made slow at will: TCP or a Unix socket."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from enum import StrEnum
from pathlib import Path

Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Reach = Callable[[], Awaitable[Ends]]


class Way(StrEnum):
    REQUESTS = "requests"  # from who connected to us
    ANSWERS = "answers"


class Wire:
    """Every connection to it becomes one to where `reach` leads."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        self._open: set[_Pair] = set()
        self._swallowed: Way | None = None
        self.hold_s = 0.0  #: real seconds by which every piece of an answer is late

    def cut(self) -> None:
        """All connections break at once; new ones are made as before."""
        for pair in list(self._open):
            pair.abort()

    async def lose(self, way: Way, seconds: float) -> None:
        """For real seconds nothing gets through this way; then every connection that lost something breaks.

        Answers: what was asked for has happened, and nobody hears of it.
        """
        self._swallowed = way
        try:
            await asyncio.sleep(seconds)
        finally:
            self._swallowed = None
            for pair in [pair for pair in self._open if pair.lost]:
                pair.abort()

    async def hold(self, by_s: float, seconds: float) -> None:
        """For real seconds answers come late by `by_s`."""
        self.hold_s = by_s
        try:
            await asyncio.sleep(seconds)
        finally:
            self.hold_s = 0.0

    async def pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until either end closes it."""
        try:
            there_reader, there_writer = await self._reach()
        except OSError:
            writer.transport.abort()
            return
        pair = _Pair(writer, there_writer)
        self._open.add(pair)
        ways = [
            asyncio.create_task(self._copy(pair, Way.REQUESTS, reader, there_writer)),
            asyncio.create_task(self._copy(pair, Way.ANSWERS, there_reader, writer)),
        ]
        try:
            await asyncio.wait(ways)
        finally:
            for way in ways:
                way.cancel()
            pair.abort()
            self._open.discard(pair)

    async def _copy(self, pair: "_Pair", way: Way, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                if self._swallowed is way:
                    pair.lost = True
                    continue
                if way is Way.ANSWERS and self.hold_s:
                    await asyncio.sleep(self.hold_s)
                writer.write(data)
                await writer.drain()
        with contextlib.suppress(OSError):
            writer.close()


class _Pair:
    def __init__(self, *writers: asyncio.StreamWriter) -> None:
        self._writers = writers
        self.lost = False

    def abort(self) -> None:
        for writer in self._writers:
            writer.transport.abort()


@contextlib.asynccontextmanager
async def tcp_wire(reach: Reach, port: int = 0) -> AsyncIterator[tuple[Wire, str]]:
    """A wire on loopback, with its address."""
    wire = Wire(reach)
    server = await asyncio.start_server(wire.pass_on, "127.0.0.1", port, backlog=512)
    try:
        yield wire, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        wire.cut()


@contextlib.asynccontextmanager
async def unix_wire(reach: Reach, path: Path) -> AsyncIterator[Wire]:
    """A wire at a socket file."""
    wire = Wire(reach)
    server = await asyncio.start_unix_server(wire.pass_on, path, backlog=512)
    try:
        yield wire
    finally:
        server.close()
        wire.cut()
