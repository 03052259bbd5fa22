"""A running demonstration and what it stands on: the emulated world in a process of its own, a folder, a port."""

import asyncio
import contextlib
import json
import os
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx

from cordpair.core.tenant import TenantSetup
from cordpair.errors import PermanentFailure
from cordpair.settings import Settings, read_settings

START_TIMEOUT_S = 60.0
_PREFERRED_PORT = 8080


class Demo:
    """A running demonstration: the product in this process, the emulated world in another."""

    def __init__(self, product: Any, world: dict[str, Any], emulator_url: str, http: httpx.AsyncClient) -> None:
        self.product, self.world = product, world
        self.setups: list[TenantSetup] = []
        self._emulator_url, self._http = emulator_url, http

    async def control(self, what: str, body: dict[str, Any] | None = None) -> Any:
        """Ask or tell the emulated world something."""
        url = f"{self._emulator_url}/_control/{what}"
        answer = await (self._http.get(url) if body is None else self._http.post(url, json=body))
        if answer.status_code >= 400:
            raise PermanentFailure(f"the emulated world answered {answer.status_code} to {what}")
        return answer.json()

    async def activities(self, tenant: dict[str, Any]) -> list[dict[str, Any]]:
        """Everything that stands in an organisation's iMIS as an activity."""
        answer = await self._http.get(f"{tenant['imis']['base_url']}/_control/activities")
        found: list[dict[str, Any]] = answer.json()
        return found

    async def links(self) -> list[tuple[TenantSetup, str]]:
        """Make the address of each organisation's floor page."""
        from cordpair.core.audit import operator_actor
        from cordpair.engine.privileged import note_link_made
        from cordpair.web.floor_access import floor_link, link_id

        product, by, valid, made = self.product, operator_actor(os.getuid()), timedelta(days=7), []
        key, url, now = product.link_key, product.settings.public_url, product.clock.now()
        for setup in self.setups:
            link = floor_link(key, setup.id, public_url=url, now=now, valid=valid)
            await note_link_made(product.store, setup.id, link_id(link), by=by, now=now, until=now + valid)
            made.append((setup, link))
        return made


@contextlib.asynccontextmanager
async def emulator(seed: int, rate: float, members: int) -> AsyncIterator[str]:
    """The emulated world in a process of its own; gives its address."""
    arguments = ["--seed", str(seed), "--rate", str(rate), "--members", str(members)]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "cordpair.emulator", *arguments, stdout=asyncio.subprocess.PIPE, start_new_session=True
    )
    assert process.stdout is not None
    try:
        line = await asyncio.wait_for(process.stdout.readline(), START_TIMEOUT_S)
        if not line:
            raise PermanentFailure("the emulated world did not start")
        yield json.loads(line)["url"]
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


@contextlib.contextmanager
def data_folder() -> Iterator[Path]:
    """A new data folder that is thrown away. As root the database runs as another user, in a closed folder below."""
    with tempfile.TemporaryDirectory(prefix="cordpair-demo-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@contextlib.contextmanager
def listening(port: int) -> Iterator[socket.socket]:
    """A listening socket on loopback: the wished port, else 8080, else any free one."""
    sock = None
    for wish in [port] if port else [_PREFERRED_PORT, 0]:
        try:
            sock = socket.create_server(("127.0.0.1", wish), backlog=1024)
            break
        except OSError:
            continue
    if sock is None:
        raise PermanentFailure(f"port {port} is taken")
    with sock:
        yield sock


def settings_of(world: dict[str, Any], folder: Path, port: int, rate: float) -> Settings:
    return read_settings(
        data_dir=folder,
        database_url="",
        keys_database_url="",
        host="127.0.0.1",
        port=port,
        public_url=f"http://127.0.0.1:{port}",
        graph_url=world["graph_url"],
        login_url=world["login_url"],
        bot_openid_url=world["bot_openid_url"],
        service_url_hosts=("127.0.0.1",),
        clock_rate=rate,
        log_format="console",
        log_level="error",
    )
