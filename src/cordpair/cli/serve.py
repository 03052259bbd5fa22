"""`cordpair serve`: one node of the product, until it is told to stop."""

import asyncio
import gc
import signal

import typer
import uvloop
from prometheus_client import start_http_server

from cordpair.settings import Settings, read_settings

_YOUNG = 20_000  # objects made, and not yet gone, before the garbage collector looks at them


def add_to(app: typer.Typer) -> None:
    """Add the command."""

    @app.command("serve")
    def serve_command() -> None:
        """Serve webhooks, the bot and the floor page. Settings come from the environment: see `cordpair settings`."""
        settings = read_settings()
        uvloop.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    from cordpair.app import assembled, serve, start_logging
    from cordpair.web.certificate import server_certificate

    server_certificate(settings)  # refused before a database is started for it
    async with assembled(settings) as product:
        settle()
        start_logging(settings, product.metrics)
        if settings.metrics_port:
            start_http_server(settings.metrics_port, "127.0.0.1", product.metrics.registry)
        try:
            await serve(product, told=_told())
        except asyncio.CancelledError:
            return


def _told() -> asyncio.Event:
    """Set by the first signal to end; the second one ends the process at once."""
    told, loop, numbers = asyncio.Event(), asyncio.get_running_loop(), (signal.SIGINT, signal.SIGTERM)

    def tell() -> None:
        told.set()
        for number in numbers:
            loop.remove_signal_handler(number)

    for number in numbers:
        loop.add_signal_handler(number, tell)
    return told


def settle() -> None:
    """What was built at the start stays to the end: the garbage collector need not look through it again and again.

    Otherwise it does so in the midst of requests, for tens of milliseconds at a time. And it looks more seldom: a busy
    node has more than the usual 700 objects in hand, and next to none of them go round in a circle.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, 20, 20)
