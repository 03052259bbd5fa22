"""Programs of other people that run beside the tests, and end with them whatever ends the tests."""

import atexit
import contextlib
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

_START_S = 60.0
_DIES_WITH_ITS_PARENT = 1  # PR_SET_PDEATHSIG


def new_folder(name: str) -> Path:
    """A folder that is gone when the tests are."""
    folder = Path(tempfile.mkdtemp(prefix=f"{name}-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port


def start(command: Sequence[str], port: int, folder: Path, environment: Mapping[str, str] | None = None) -> None:
    """Start a server and wait until it listens. Raises AssertionError with the end of its log."""
    log = folder / "log"
    with log.open("wb") as written:
        running = subprocess.Popen(
            list(command),
            env=None if environment is None else dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=written,
            start_new_session=True,
            preexec_fn=_die_with_parent,
        )
    atexit.register(_end, running.pid)
    until = time.monotonic() + _START_S
    while time.monotonic() < until and running.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.02)
    raise AssertionError(f"{command[0]} does not listen: {log.read_text(errors='replace')[-2000:]}")


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_DIES_WITH_ITS_PARENT, signal.SIGKILL)


def _end(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
