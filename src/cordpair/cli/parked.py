"""`cordpair parked`: what waits for a person, and one more try of it."""

import asyncio
import os
from typing import Annotated

import typer

from cordpair.cli.opened import open_store, the_tenant
from cordpair.core.audit import operator_actor
from cordpair.engine.clock import SystemClock
from cordpair.engine.privileged import retry_effect, retry_notification
from cordpair.errors import Rejected
from cordpair.settings import read_settings

Tenant = Annotated[str | None, typer.Option("--tenant", help="Entra tenant id; not needed when there is only one.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Effects and notifications that were put aside for a person.", no_args_is_help=True)
    app.add_typer(group, name="parked")

    @group.command("list")
    def list_command(tenant: Tenant = None) -> None:
        """List what is parked, each with its reason."""
        asyncio.run(_list(tenant))

    @group.command("retry")
    def retry(
        number: Annotated[int, typer.Argument(help="The number that `parked list` shows.")],
        tenant: Tenant = None,
        notification: Annotated[bool, typer.Option(help="It is a notification, not an effect.")] = False,
    ) -> None:
        """Order one more try."""
        asyncio.run(_retry(number, tenant, notification))


async def _list(named: str | None) -> None:
    async with open_store(read_settings()) as store:
        tenant = await the_tenant(store, named)
        async with store.open_tenant(tenant) as rows:
            effects, items = await rows.outbox.parked(), await rows.inbox.parked()
    for effect in effects:
        print(f"effect {effect.id}  {effect.kind}  since {effect.since:%Y-%m-%d %H:%M}  tries {effect.attempts}")
        print(f"    {effect.reason}  (call {effect.call})")
    for item in items:
        print(f"notification {item.id}  {item.source}  received {item.received_at:%Y-%m-%d %H:%M}")
        print(f"    {item.error}")
    if not effects and not items:
        print("nothing is parked")


async def _retry(number: int, named: str | None, is_notification: bool) -> None:
    async with open_store(read_settings()) as store:
        tenant = await the_tenant(store, named)
        retry = retry_notification if is_notification else retry_effect
        done = await retry(store, tenant, number, by=operator_actor(os.getuid()), now=SystemClock().now())
    if not done:
        raise Rejected(f"{number} is not parked")
    print("it is tried again")
