"""E10: from an empty data folder to the first handled call, beside a bare first start of PostgreSQL in the same run.

The emulated Graph runs twenty times faster than real: what it takes to answer and to ring is Microsoft's, not ours.
"""

import asyncio
import contextlib
import json
import os
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec

from benchmarks.measuring import Line
from cordpair.cli.demo_world import setup_of
from cordpair.settings import Settings
from cordpair.store import postgres

_LIMIT_S = 60.0


def run() -> list[Line]:
    """Seconds of setting an organisation up, starting, and the first call until its card stands in the agent's chat."""
    return asyncio.run(_run())


async def _run() -> list[Line]:
    with _folder() as bare:
        bare_s = await _bare_start(bare)
    async with _emulator() as url, httpx.AsyncClient(timeout=30) as http:
        world = (await http.get(f"{url}/_control/world")).json()
        with _folder() as folder:
            begun = time.perf_counter()
            environment = _environment(world, folder)
            await _command(environment, "tenant", "apply", *_setup_files(world, folder))
            set_up_s = time.perf_counter() - begun
            process = await _spawn(environment, "-m", "cordpair", "serve")
            try:
                public = environment["CORDPAIR_PUBLIC_URL"]
                await _until(lambda: _is_ready(http, public))
                started_s = time.perf_counter() - begun
                await http.post(f"{url}/_control/product", json={"url": public})
                await http.post(f"{url}/_control/begin", json={})
                calling = time.perf_counter()
                await http.post(f"{url}/_control/calls", json={"tenant": world["tenants"][0]["id"]})
                await _until(lambda: _has_card(http, url))
                first_s = time.perf_counter() - calling
            finally:
                process.terminate()
                await process.wait()
    total = started_s + first_s
    return [
        Line(work="empty folder to the first call's card", unit="s", ours=total, aim=5, at_most=True),
        Line(
            work="  two organisations set up (first start of the database)",
            unit="s",
            ours=set_up_s,
            opponent="bare PostgreSQL, first start",
            theirs=bare_s,
        ),
        Line(work="  serving again and ready", unit="s", ours=started_s - set_up_s),
        Line(work="  a caller rings until an agent sees who it is", unit="s", ours=first_s),
    ]


async def _bare_start(folder: Path) -> float:
    begun = time.perf_counter()
    async with postgres.running(Settings(data_dir=folder, database_url="")):
        return time.perf_counter() - begun


def _environment(world: dict[str, Any], folder: Path) -> dict[str, str]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    settings = {
        "DATA_DIR": str(folder),
        "PORT": str(port),
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "GRAPH_URL": world["graph_url"],
        "LOGIN_URL": world["login_url"],
        "BOT_OPENID_URL": world["bot_openid_url"],
        "SERVICE_URL_HOSTS": json.dumps(["127.0.0.1"]),
        "LOG_LEVEL": "error",
    }
    return {**os.environ, **{f"CORDPAIR_{name}": value for name, value in settings.items()}}


def _setup_files(world: dict[str, Any], folder: Path) -> list[str]:
    files = [folder / f"{tenant['id']}.json" for tenant in world["tenants"]]
    for file, tenant in zip(files, world["tenants"], strict=True):
        file.write_bytes(msgspec.json.encode(setup_of(tenant)))
    return [str(file) for file in files]


async def _is_ready(http: httpx.AsyncClient, public: str) -> bool:
    try:
        answer = await http.get(f"{public}/health/ready")
    except httpx.HTTPError:
        return False
    return answer.status_code == 200 and answer.json()["tenants"] == 2


async def _has_card(http: httpx.AsyncClient, url: str) -> bool:
    entries = (await http.get(f"{url}/_control/journal", params={"kind": "card posted"})).json()["entries"]
    return any(button["verb"] == "not_now" for entry in entries for button in entry["buttons"])


async def _until(holds: Any) -> None:
    async with asyncio.timeout(_LIMIT_S):
        while not await holds():  # noqa: ASYNC110 - another process is watched
            await asyncio.sleep(0.01)


async def _command(environment: dict[str, str], *arguments: str) -> None:
    process = await _spawn(environment, "-m", "cordpair", *arguments)
    if await process.wait() != 0:
        raise AssertionError(f"cordpair {arguments[0]} failed")


async def _spawn(environment: dict[str, str], *arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, *arguments, env=environment, stdout=asyncio.subprocess.DEVNULL
    )


@contextlib.asynccontextmanager
async def _emulator() -> AsyncIterator[str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "cordpair.emulator", "--members", "100", "--rate", "20", stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        yield json.loads(await process.stdout.readline())["url"]
    finally:
        process.terminate()
        await process.wait()


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="cordpair-bench-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)
