"""`cordpair floor-link`: the address of an organisation's floor page, signed and for a while."""

import asyncio
import os
from datetime import timedelta
from typing import Annotated

import typer

from cordpair.cli.opened import open_store, the_tenant
from cordpair.core.audit import operator_actor
from cordpair.engine.clock import SystemClock
from cordpair.engine.privileged import note_link_made
from cordpair.settings import read_settings


def add_to(app: typer.Typer) -> None:
    """Add the command."""

    @app.command("floor-link")
    def floor_link_command(
        tenant: Annotated[
            str | None, typer.Argument(help="Entra tenant id; not needed when there is only one.")
        ] = None,
        hours: Annotated[float, typer.Option(min=0.1, max=24 * 30, help="How long the link can be opened.")] = 8,
    ) -> None:
        """Print a link to the floor page. Whoever holds it can look: give it to supervisors only."""
        asyncio.run(_print(tenant, hours))


async def _print(named: str | None, hours: float) -> None:
    from cordpair.app import derived_key
    from cordpair.store.operator_key import read_operator_key
    from cordpair.web.floor_access import floor_link, link_id

    settings, now, valid = read_settings(), SystemClock().now(), timedelta(hours=hours)
    key = derived_key(read_operator_key(settings), "links")
    async with open_store(settings) as store:
        tenant = await the_tenant(store, named)
        link = floor_link(key, tenant, public_url=settings.public_url, now=now, valid=valid)
        by = operator_actor(os.getuid())
        await note_link_made(store, tenant, link_id(link), by=by, now=now, until=now + valid)
    print(link)
