"""The emulated cloud as a server: in this process for tests, or by itself (`python -m cordpair.emulator`)."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount

from cordpair.emulator import botframework, entra, shim
from cordpair.emulator.control import Control
from cordpair.emulator.control_agents import AgentControl
from cordpair.emulator.control_trust import TrustControl
from cordpair.emulator.parts import Parts
from cordpair.emulator.world import World


@dataclass
class Running:
    """A server that listens at `url`."""

    url: str
    parts: Parts


def application(parts: Parts) -> Starlette:
    """All routes of one emulated cloud."""
    return Starlette(
        routes=[
            *entra.routes(parts.entra),
            *botframework.routes(parts.cloud),
            *parts.graph.routes(),
            *parts.connector.routes(),
            *shim.routes(parts.cloud, parts.signer, parts.chats),
            *Control(parts).routes(),
            *AgentControl(parts).routes(),
            *TrustControl(parts).routes(),
            *(Mount(f"/imis/{tenant.imis}", parts.imis[tenant.id]) for tenant in parts.cloud.world.tenants),
        ]
    )


@contextlib.asynccontextmanager
async def running(
    *,
    seed: int = 7,
    rate: float = 1.0,
    port: int = 0,
    product_url: str = "",
    journal: Path | None = None,
    members_count: int = 200,
    world: World | None = None,
) -> AsyncIterator[Running]:
    """Serve on loopback until the block ends. `rate` 0: emulated time moves by `parts.cloud.clock.advance` only.

    Without a `world` it is the demo world.
    """
    parts = Parts(seed=seed, rate=rate, journal=journal, members_count=members_count, world=world)
    listening = socket.create_server(("127.0.0.1", port), backlog=512)
    parts.cloud.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    parts.cloud.product_url = product_url.rstrip("/")
    server = _Server(
        uvicorn.Config(
            application(parts), log_level="warning", access_log=False, lifespan="off", timeout_graceful_shutdown=1
        )
    )
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        await server.ready.wait()
        yield Running(parts.cloud.url, parts)
    finally:
        await parts.close()
        server.should_exit = True
        await serving
        listening.close()


class _Server(uvicorn.Server):
    """Says when it listens, and leaves signals to whoever runs us."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
