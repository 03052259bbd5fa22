"""What a wire does to those who speak over it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from tests.chaos.wire import Ends, Way, Wire, tcp_wire


class Echo:
    """A server that remembers what it was told, and says it back."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while line := await reader.readline():
                self.heard.append(line)
                writer.write(line)
                await writer.drain()
        writer.close()


@contextlib.asynccontextmanager
async def spoken() -> AsyncIterator[tuple[Echo, Wire, Ends]]:
    """A server, a wire to it, and a connection over the wire on which something was said and answered."""
    echo = Echo()
    server = await asyncio.start_server(echo.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with tcp_wire(lambda: asyncio.open_connection("127.0.0.1", port)) as (wire, url):
        ends = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        assert await said(ends, b"first\n") == b"first\n"
        yield echo, wire, ends
        ends[1].close()
    server.close()


async def said(ends: Ends, line: bytes) -> bytes:
    """What is answered; nothing when the connection broke."""
    reader, writer = ends
    try:
        writer.write(line)
        await writer.drain()
        return await asyncio.wait_for(reader.readline(), 10)
    except OSError:
        return b""


async def test_a_lost_answer_is_one_to_something_that_was_done() -> None:
    async with spoken() as (echo, wire, ends):
        losing = asyncio.create_task(wire.lose(Way.ANSWERS, 0.2))
        await asyncio.sleep(0)
        assert await said(ends, b"second\n") == b""
        await losing
        assert echo.heard == [b"first\n", b"second\n"]


async def test_a_lost_request_was_never_carried_out() -> None:
    async with spoken() as (echo, wire, ends):
        losing = asyncio.create_task(wire.lose(Way.REQUESTS, 0.2))
        await asyncio.sleep(0)
        assert await said(ends, b"second\n") == b""
        await losing
        assert echo.heard == [b"first\n"]


async def test_a_connection_that_lost_nothing_stands() -> None:
    async with spoken() as (_, wire, ends):
        await wire.lose(Way.ANSWERS, 0.05)
        assert await said(ends, b"second\n") == b"second\n"
