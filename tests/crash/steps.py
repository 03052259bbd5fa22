"""What counts as a step of the product, and its death at one of them.

A step is a commit that writes, before and after it, and an outgoing request, before it is sent and after its answer has
come. Each has a name and a number among its like, so that the same step is found again in another run. Nothing in the
product knows of this: the libraries below it are wrapped.
"""

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import asyncpg
import httpx

_ID = re.compile(r"^([0-9a-f]{8}-[0-9a-f-]{27}|.*[:@%].*|[0-9a-f]{16,}|[0-9]+)$", re.IGNORECASE)
_DOOR = "cordpair.store.doors"


class Steps:
    """Counts steps, writes each into `journal`, and kills this process at the `kill`-th: (name, number from 1)."""

    def __init__(self, journal: Path, kill: tuple[str, int] | None) -> None:
        self._file = os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._kill = kill
        self._seen: Counter[str] = Counter()

    def take(self, name: str) -> None:
        """One step. It may be the last."""
        self._seen[name] += 1
        os.write(self._file, f"{self._seen[name]}\t{name}\n".encode())
        if (name, self._seen[name]) == self._kill:
            os.kill(os.getpid(), signal.SIGKILL)

    def install(self, *, every_statement: bool = False) -> None:
        """Wrap asyncpg and httpx; with `every_statement` all that a start does, its programs too."""
        _wrap_commits(self)
        _wrap_requests(self)
        if every_statement:
            _wrap_statements(self)
            _wrap_programs(self)


def _wrap_commits(steps: Steps) -> None:
    plain = asyncpg.Connection.execute

    async def execute(self: Any, query: str, *args: Any, **named: Any) -> str:
        if query.strip().rstrip(";").lower() != "commit" or not await self.fetchval(_WRITES):
            return await plain(self, query, *args, **named)
        name = _work()
        steps.take(f"commit of {name}: before")
        answer = await plain(self, query, *args, **named)
        steps.take(f"commit of {name}: after")
        return answer

    asyncpg.Connection.execute = execute  # type: ignore[method-assign]


_WRITES = "select pg_current_xact_id_if_assigned() is not null"


def _wrap_requests(steps: Steps) -> None:
    plain_async, plain = httpx.AsyncHTTPTransport.handle_async_request, httpx.HTTPTransport.handle_request

    async def handle_async_request(self: Any, request: httpx.Request) -> httpx.Response:
        name = _request(request)
        steps.take(f"{name}: before")
        answer = await plain_async(self, request)
        steps.take(f"{name}: after")
        return answer

    def handle_request(self: Any, request: httpx.Request) -> httpx.Response:
        name = _request(request)
        steps.take(f"{name}: before")
        answer = plain(self, request)
        steps.take(f"{name}: after")
        return answer

    httpx.AsyncHTTPTransport.handle_async_request = handle_async_request  # type: ignore[method-assign]
    httpx.HTTPTransport.handle_request = handle_request  # type: ignore[method-assign]


def _wrap_statements(steps: Steps) -> None:
    """Every statement is a step: what makes databases and roles is not inside of a transaction."""
    plain = asyncpg.Connection.execute

    async def execute(self: Any, query: str, *args: Any, **named: Any) -> str:
        steps.take(f"statement {' '.join(query.split()[:3]).lower()[:40]}: before")
        return await plain(self, query, *args, **named)

    asyncpg.Connection.execute = execute  # type: ignore[method-assign]


def _wrap_programs(steps: Steps) -> None:
    plain = subprocess.Popen.__init__

    def begin(self: Any, args: Any, *rest: Any, **named: Any) -> None:
        name = Path(args[0] if isinstance(args, list | tuple) else str(args)).name
        steps.take(f"program {name}: before")
        plain(self, args, *rest, **named)
        steps.take(f"program {name}: after")

    subprocess.Popen.__init__ = begin  # type: ignore[method-assign]
    plain_async = asyncio.create_subprocess_exec

    async def create(program: str, *args: Any, **named: Any) -> asyncio.subprocess.Process:
        steps.take(f"program {Path(program).name}: before")
        process = await plain_async(program, *args, **named)
        steps.take(f"program {Path(program).name}: after")
        return process

    asyncio.create_subprocess_exec = create  # type: ignore[assignment]


def _request(request: httpx.Request) -> str:
    parts = [("*" if _ID.match(part) else part) for part in request.url.path.split("/")]
    return f"{request.method} {'/'.join(parts)}"


def _work() -> str:
    """Which work of the product commits: the nearest function outside of the doors, and what it is about."""
    frames = list(_frames(sys._getframe(2)))
    place = next((it for it in frames if it.f_code.co_name != "_transaction" and _module(it) != _DOOR), None)
    if place is None:
        return "nobody"
    name = f"{_module(place).removeprefix('cordpair.')}.{place.f_code.co_name}"
    return " ".join([name, *dict.fromkeys(about for frame in frames for about in _about(frame))])


def _frames(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        if _module(frame).startswith("cordpair."):
            yield frame
        frame = frame.f_back


def _about(frame: FrameType) -> Iterator[str]:
    """The effect that is worked on, or where what is stored comes from."""
    effect = getattr(frame.f_locals.get("row"), "effect", None)
    if effect is not None:
        yield type(effect).__name__
    if frame.f_code.co_name == "_put_incoming":
        yield from sorted({item.source for item in frame.f_locals["items"]})


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", ""))
