"""HTTP to hosts that an organisation has named: never into the network we stand in, unless the operator allows it.

A name is resolved once for each connection, all its addresses are judged, and the connection goes to one of those: a
second answer of the resolver changes nothing. Redirects are not followed. The certificate is still that of the name.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence

import httpcore
import httpx

from cordpair.core.addresses import NOT_PUBLIC, Network, may_be_reached, read_networks

#: Gives the addresses of a host name.
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

_LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=20)
_TIMEOUT = httpx.Timeout(20.0, connect=5.0)


async def resolved(host: str, port: int) -> Sequence[str]:
    """All addresses of a name, by the system's resolver."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


class _Guarded(httpcore.AsyncNetworkBackend):
    """Connects to addresses that were judged."""

    def __init__(self, inner: httpcore.AsyncNetworkBackend, private: Sequence[Network], resolve: Resolve) -> None:
        self._inner, self._private, self._resolve = inner, private, resolve

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the shape of httpcore
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        try:
            async with asyncio.timeout(timeout):
                addresses = await self._resolve(host, port)
        except TimeoutError as exc:
            raise httpcore.ConnectTimeout("the name was not resolved in time") from exc
        except (OSError, UnicodeError) as exc:
            raise httpcore.ConnectError("the name cannot be resolved") from exc
        if not addresses or not all(may_be_reached(one, self._private) for one in addresses):
            raise httpcore.ConnectError(NOT_PUBLIC)
        return await self._inner.connect_tcp(
            addresses[0], port, timeout=timeout, local_address=local_address, socket_options=socket_options
        )

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109 - the shape of httpcore
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        del path, timeout, socket_options
        raise httpcore.ConnectError("sockets of this machine are not spoken to")

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)


class _Transport(httpx.AsyncHTTPTransport):
    """httpx has no way to hand a network backend in; its pool has."""

    def __init__(self, private: Sequence[Network], resolve: Resolve) -> None:
        super().__init__(limits=_LIMITS, trust_env=False)
        self._pool._network_backend = _Guarded(self._pool._network_backend, private, resolve)


def outward_client(private_networks: str = "", resolve: Resolve = resolved) -> httpx.AsyncClient:
    """A client for hosts that an organisation has named. `private_networks` (setting) may be spoken to as well.

    Raises Rejected for what is no list of networks.
    """
    transport = _Transport(read_networks(private_networks), resolve)
    return httpx.AsyncClient(transport=transport, timeout=_TIMEOUT, follow_redirects=False, trust_env=False)
