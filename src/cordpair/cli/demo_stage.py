"""What a demonstration stands on: the emulated world in a process of its own, a folder, a port, settings."""

import asyncio
import contextlib
import json
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

from cordpair.errors import PermanentFailure
from cordpair.settings import Settings, read_settings

START_TIMEOUT_S = 60.0
_PREFERRED_PORT = 8080


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
