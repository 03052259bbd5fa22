"""`cordpair tenant`: set an organisation up from a file, and see what is set up."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer

from cordpair.cli.config_applying import applied
from cordpair.cli.config_printing import plan_lines, say
from cordpair.cli.config_reading import read_path
from cordpair.cli.opened import open_store
from cordpair.core.tenant import TenantSetup
from cordpair.engine.config_files import Organisation
from cordpair.engine.config_plan import Plan
from cordpair.errors import Rejected
from cordpair.settings import read_settings


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Set organisations up.", no_args_is_help=True)
    app.add_typer(group, name="tenant")

    @group.command("apply")
    def apply(
        files: Annotated[list[Path], typer.Argument(help="TOML, YAML or JSON files, one organisation in each.")],
    ) -> None:
        """Set organisations up, or change them to what the files say: `cordpair config apply --yes` for each."""
        for given in [read_path(file) for file in files]:
            asyncio.run(_apply(given))
            print(f"{given.setup.name}: {len(given.setup.queues)} queues, {len(given.setup.agents)} agents")

    @group.command("list")
    def list_command() -> None:
        """List the organisations that are set up."""
        asyncio.run(_list())


def read_setup(file: Path) -> TenantSetup:
    """The setup in a file. Raises Rejected, naming file and place, when it is none that can work."""
    return read_path(file).setup


async def _apply(given: Organisation) -> None:
    def agrees(made: Plan) -> bool:
        if made.has_drifted:
            raise Rejected("\n".join([*plan_lines(made, "en"), say("refused", "en")]))
        return True

    await applied(given, agrees)


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
        print("no organisation is set up yet: cordpair config apply FILE", file=sys.stderr)
