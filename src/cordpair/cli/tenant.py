"""`cordpair tenant`: set an organisation up from a file, and see what is set up."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from cordpair.cli.opened import open_store
from cordpair.core.audit import operator_actor
from cordpair.core.tenant import TenantSetup
from cordpair.engine.clock import SystemClock
from cordpair.engine.privileged import apply_setup
from cordpair.engine.setup_check import check_setup
from cordpair.errors import Rejected
from cordpair.settings import read_settings


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Set organisations up.", no_args_is_help=True)
    app.add_typer(group, name="tenant")

    @group.command("apply")
    def apply(
        files: Annotated[list[Path], typer.Argument(help="TOML or JSON files, one organisation in each.")],
    ) -> None:
        """Set organisations up, or change them to what the files say. Applying a file twice changes nothing."""
        setups = [read_setup(file) for file in files]
        asyncio.run(_apply(setups))
        for setup in setups:
            print(f"{setup.name}: {len(setup.queues)} queues, {len(setup.agents)} agents")

    @group.command("list")
    def list_command() -> None:
        """List the organisations that are set up."""
        asyncio.run(_list())


def read_setup(file: Path) -> TenantSetup:
    """The setup in a TOML (or .json) file. Raises Rejected, naming file and place, when it is none that can work."""
    try:
        decode = msgspec.json.decode if file.suffix == ".json" else msgspec.toml.decode
        setup = decode(file.read_bytes(), type=TenantSetup)
        check_setup(setup)
    except OSError as exc:
        raise Rejected(f"{file}: {exc.strerror}") from exc
    except (Rejected, msgspec.DecodeError, ValueError, RecursionError) as exc:
        raise Rejected(f"{file}: {exc}") from exc
    return setup


async def _apply(setups: list[TenantSetup]) -> None:
    async with open_store(read_settings()) as store:
        for setup in setups:
            await apply_setup(store, setup, by=operator_actor(os.getuid()), now=SystemClock().now())


async def _list() -> None:
    async with open_store(read_settings()) as store:
        async with store.open_queue() as queue:
            tenants = await queue.tenants()
        for tenant in tenants:
            async with store.open_tenant(tenant) as rows:
                setup = await rows.setups.get()
            if setup is not None:
                print(f"{tenant}  {setup.name}  queues: {len(setup.queues)}  agents: {len(setup.agents)}")
    if not tenants:
        print("no organisation is set up yet: cordpair tenant apply FILE", file=sys.stderr)
