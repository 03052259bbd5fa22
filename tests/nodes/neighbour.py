"""A second node beside the house's: same databases, same emulated world, an address of its own."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import httpx

from cordpair.app import Product, serve
from cordpair.store.doors import Store
from tests.databases import OPERATOR_KEY
from tests.product.house import House, _one_time


class Neighbour:
    """The node. `leave` tells it to end, and returns when it has."""

    def __init__(self, product: Product, url: str) -> None:
        self.product, self.url = product, url
        self.told = asyncio.Event()
        self.serving: asyncio.Task[None]

    async def leave(self) -> None:
        self.told.set()
        await self.serving


@contextlib.asynccontextmanager
async def neighbour(here: House) -> AsyncIterator[Neighbour]:
    """A node that joins now; in the end it is gone without a farewell, unless it has left."""
    store = await Store.open(here.line.databases, OPERATOR_KEY)
    async with httpx.AsyncClient(timeout=20, trust_env=False) as http:
        with socket.create_server(("127.0.0.1", 0), backlog=64) as listening, _one_time(here.parts):
            product = Product(here.product.settings, store, OPERATOR_KEY, http)
            one = Neighbour(product, f"http://127.0.0.1:{listening.getsockname()[1]}")
            one.serving = asyncio.create_task(serve(product, sock=listening, told=one.told))
            try:
                yield one
            finally:
                one.serving.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await one.serving
                await product.workshop.close()
                await store.close()
