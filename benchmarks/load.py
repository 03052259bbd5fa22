"""Requests against a node: as fast as it answers, or at a fixed rate. And the nodes, as processes."""

import asyncio
import contextlib
import os
import socket
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence

import httpx

from cordpair.app import LATE_S


class Wire(asyncio.Protocol):
    """One connection that is kept: a request, then the next. Answers here have no body."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[int] | None = None
        self._read = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._read += data
        if b"\r\n\r\n" in self._read and self._answer is not None:
            status = int(self._read[9:12])
            self._read.clear()
            self._answer.set_result(status)
            self._answer = None

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or ConnectionResetError())

    async def ask(self, request: bytes) -> int:
        """Send a whole request; the status of its answer. Raises OSError when the connection is gone."""
        assert self._transport is not None
        if self._transport.is_closing():
            raise ConnectionResetError
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


@contextlib.asynccontextmanager
async def wires(port: int, count: int) -> AsyncIterator[list[Wire]]:
    """`count` open connections to a port of this machine."""
    loop = asyncio.get_running_loop()
    made = [(await loop.create_connection(Wire, "127.0.0.1", port))[1] for _ in range(count)]
    try:
        yield made
    finally:
        for wire in made:
            wire.close()


def request(path: str, body: bytes, authorization: str) -> bytes:
    """A POST as bytes on the wire."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: voice.example.org\r\nContent-Type: application/json\r\n"
        f"Authorization: {authorization}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def at_once(port: int, requests: Sequence[bytes], *, connections: int) -> float:
    """Send all requests as fast as they are answered; the seconds it took. Raises AssertionError for any but 202."""
    async with wires(port, connections) as open_wires:
        left: Iterator[bytes] = iter(requests)

        async def work(wire: Wire) -> None:
            for one in left:
                status = await wire.ask(one)
                assert status == 202, status

        begun = time.perf_counter()
        await asyncio.gather(*(work(wire) for wire in open_wires))
        return time.perf_counter() - begun


async def at_rate(port: int, requests: Sequence[bytes], *, rate: float, connections: int = 64) -> list[float]:
    """Send requests at a fixed rate, late or not; seconds from when each was due to its answer."""
    free: asyncio.Queue[Wire] = asyncio.Queue()
    took: list[float] = []

    async def one(due: float, content: bytes) -> None:
        wire = await free.get()
        assert await wire.ask(content) == 202
        took.append(time.perf_counter() - due)
        free.put_nowait(wire)

    async with wires(port, connections) as open_wires, asyncio.TaskGroup() as group:
        for wire in open_wires:
            free.put_nowait(wire)
        begun = time.perf_counter()
        for number, content in enumerate(requests):
            due = begun + number / rate
            if (early := due - time.perf_counter()) > 0:
                await asyncio.sleep(early)
            group.create_task(one(due, content))
    return took


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


@contextlib.asynccontextmanager
async def node(environment: Mapping[str, str]) -> AsyncIterator[tuple[int, int]]:
    """A process that serves the product with these settings, when it is ready: its port and process id."""
    port = free_port()
    own = {"CORDPAIR_PORT": str(port), "CORDPAIR_PUBLIC_URL": f"http://127.0.0.1:{port}"}
    arguments = ("-m", "cordpair", "serve")
    async with _process(arguments, {**os.environ, **environment, **own}) as process:
        await _until_it_answers(f"http://127.0.0.1:{port}/health/ready")
        yield port, process.pid


@contextlib.asynccontextmanager
async def bare_handler(database: str, cards: str = "") -> AsyncIterator[tuple[int, int]]:
    """The opponent's process: its port and process id."""
    port = free_port()
    arguments = ("-m", "benchmarks.bare", str(port), database, *([cards] if cards else []))
    async with _process(arguments, dict(os.environ)) as process:
        async with asyncio.timeout(30):
            while True:
                with contextlib.suppress(OSError):
                    async with wires(port, 1):
                        break
                await asyncio.sleep(0.05)
        yield port, process.pid


@contextlib.asynccontextmanager
async def _process(arguments: Sequence[str], environment: dict[str, str]) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, env=environment, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def loaded() -> None:
    """Wait until a node that has just begun to serve has loaded what it loads late: that holds it up for a moment."""
    await asyncio.sleep(LATE_S + 3.0)


async def _until_it_answers(url: str) -> None:
    async with asyncio.timeout(30), httpx.AsyncClient() as http:
        while True:
            with contextlib.suppress(httpx.HTTPError):
                if (await http.get(url)).status_code == 200:
                    return
            await asyncio.sleep(0.05)
