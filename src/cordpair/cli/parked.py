"""`cordpair parked`: what waits for a person, and one more try of it."""

import asyncio
import os
from collections.abc import Callable, Coroutine
from typing import Annotated

import typer

from cordpair.cli.opened import open_store, the_tenant
from cordpair.core.audit import operator_actor
from cordpair.engine.clock import SystemClock
from cordpair.engine.privileged import retry_effect, retry_flow, retry_notification
from cordpair.errors import Rejected
from cordpair.settings import read_settings

Tenant = Annotated[str | None, typer.Option("--tenant", help="Entra tenant id; not needed when there is only one.")]


_Retry = Callable[..., Coroutine[None, None, bool]]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Effects, notifications and flows that were put aside for a person.", no_args_is_help=True)
    app.add_typer(group, name="parked")

    @group.command("list")
    def list_command(tenant: Tenant = None) -> None:
        """List what is parked, each with its reason."""
        asyncio.run(_list(tenant))

    @group.command("retry")
    def retry_command(
        number: Annotated[int, typer.Argument(help="The number that `parked list` shows.")],
        tenant: Tenant = None,
        notification: Annotated[bool, typer.Option("--notification", help="It is a notification.")] = False,
        flow: Annotated[bool, typer.Option("--flow", help="It is a flow.")] = False,
    ) -> None:
        """Order one more try: of an effect, unless an option says otherwise."""
        retry = retry_flow if flow else retry_notification if notification else retry_effect
        asyncio.run(_retry(number, tenant, retry))


async def _list(named: str | None) -> None:
    async with open_store(read_settings()) as store:
        tenant = await the_tenant(store, named)
        async with store.open_tenant(tenant) as rows:
            effects, items, flows = await rows.outbox.parked(), await rows.inbox.parked(), await rows.flows.parked()
    for effect in effects:
        print(f"effect {effect.id}  {effect.kind}  since {effect.since:%Y-%m-%d %H:%M}  tries {effect.attempts}")
        print(f"    {effect.reason}  (call {effect.call})")
    for item in items:
        print(f"notification {item.id}  {item.source}  received {item.received_at:%Y-%m-%d %H:%M}")
        print(f"    {item.error}")
    for flow in flows:
        print(f"flow {flow.id}  {flow.kind}  since {flow.since:%Y-%m-%d %H:%M}  tries {flow.attempts}")
        print(f"    {flow.reason}")
    if not effects and not items and not flows:
        print("nothing is parked")


async def _retry(number: int, named: str | None, retry: _Retry) -> None:
    async with open_store(read_settings()) as store:
        tenant = await the_tenant(store, named)
        done = await retry(store, tenant, number, by=operator_actor(os.getuid()), now=SystemClock().now())
    if not done:
        raise Rejected(f"{number} is not parked")
    print("it is tried again")
