"""The line between the product and its database: a real one, that can be cut and mended."""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Self
from urllib.parse import parse_qs, urlsplit

from msgspec.structs import replace

from cordpair.store.databases import Databases

_SOCKET = ".s.PGSQL.5432"


class Line:
    """Passes bytes on between a socket of its own and the server's."""

    def __init__(self, databases: Databases, folder: Path) -> None:
        self._folder, self._there = folder, Path(_host(databases.main_url))
        self._passing: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self.databases = replace(
            databases,
            main_url=databases.main_url.replace(_quoted(self._there), _quoted(folder)),
            keys_url=databases.keys_url.replace(_quoted(self._there), _quoted(folder)),
        )

    @classmethod
    @contextlib.asynccontextmanager
    async def to(cls, databases: Databases) -> AsyncIterator[Self]:
        """A line that stands."""
        with tempfile.TemporaryDirectory(prefix="cordpair-line-") as folder:
            line = cls(databases, Path(folder))
            await line.mend()
            try:
                yield line
            finally:
                await line.cut()

    async def mend(self) -> None:
        self._server = await asyncio.start_unix_server(self._pass, self._folder / _SOCKET)

    async def cut(self) -> None:
        """All connections break, new ones are refused."""
        if self._server is not None:
            self._server.close()
            self._server = None
        (self._folder / _SOCKET).unlink(missing_ok=True)
        for writer in list(self._passing):
            writer.transport.abort()
        await asyncio.sleep(0)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there_reader, there_writer = await asyncio.open_unix_connection(self._there / _SOCKET)
        except OSError:
            writer.close()
            return
        self._passing |= {writer, there_writer}
        ways = [asyncio.create_task(_copy(reader, there_writer)), asyncio.create_task(_copy(there_reader, writer))]
        await asyncio.wait(ways)
        self._passing -= {writer, there_writer}


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    with contextlib.suppress(OSError):
        writer.close()


def _host(url: str) -> str:
    return parse_qs(urlsplit(url).query)["host"][0]


def _quoted(path: Path) -> str:
    return str(path).replace("/", "%2F")
