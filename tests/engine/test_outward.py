"""Hosts that somebody else has named: judged by their addresses, resolved once, never followed elsewhere."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import httpx
import pytest

from cordpair.engine.outward import Resolve, outward_client

LOOPBACK = "127.0.0.0/8"


class Resolver:
    """Gives these answers, one after the other; the last one stays."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers, self.asked = list(answers), 0

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked += 1
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


class Server:
    """Takes connections and answers each request with `answer`."""

    def __init__(self) -> None:
        self.answer = b"HTTP/1.1 204 No Content\r\n\r\n"
        self.heads: list[bytes] = []

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[int]:
        server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        async with server:
            yield server.sockets[0].getsockname()[1]

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(self.answer)
        await writer.drain()
        writer.close()


async def asked(resolve: Resolve, private: str = "", path: str = "") -> tuple[Server, httpx.Response | None]:
    """What a server on this machine sees of a request to a name, and what comes back."""
    seen = Server()
    async with seen.listening() as port, outward_client(private, resolve) as http:
        try:
            return seen, await http.get(f"http://crm.example:{port}{path}")
        except httpx.ConnectError:
            return seen, None


async def test_a_name_that_leads_into_our_own_network_is_not_spoken_to() -> None:
    seen, answer = await asked(Resolver(["127.0.0.1"]))
    assert (seen.heads, answer) == ([], None)


@pytest.mark.parametrize(
    "inside", ["127.0.0.1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "169.254.169.254", "168.63.129.16"]
)
async def test_one_address_of_our_own_among_public_ones_is_enough(inside: str) -> None:
    seen, answer = await asked(Resolver([inside, "93.184.215.14"]))
    assert (seen.heads, answer) == ([], None)


async def test_the_connection_goes_to_the_address_that_was_judged_whatever_the_next_answer_is() -> None:
    resolver = Resolver(["127.0.0.1"], ["10.0.0.1"])
    seen, answer = await asked(resolver, LOOPBACK)
    assert answer is not None
    assert resolver.asked == 1
    assert b"Host: crm.example" in seen.heads[0]


async def test_a_name_that_is_none_is_not_spoken_to() -> None:
    async with outward_client(LOOPBACK) as http:
        with pytest.raises((httpx.ConnectError, httpx.InvalidURL)):
            await http.get("http://crm..example")


async def test_a_name_without_an_address_is_not_spoken_to() -> None:
    _, answer = await asked(Resolver([]), LOOPBACK)
    assert answer is None


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "127.1", "0177.0.0.1", "0", "localhost"])
async def test_other_spellings_of_this_machine_are_not_spoken_to(host: str) -> None:
    seen = Server()
    async with seen.listening() as port, outward_client() as http:
        with pytest.raises((httpx.ConnectError, httpx.InvalidURL)):
            await http.get(f"http://{host}:{port}")
    assert seen.heads == []
