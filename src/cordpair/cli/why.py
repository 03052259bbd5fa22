"""`cordpair why CALL`: what happened to a call, and why it was offered to whom."""

import asyncio
import json
import os
from typing import Annotated

import msgspec
import typer

from cordpair.cli.language import HELP, chosen_language
from cordpair.cli.opened import open_store, the_tenant
from cordpair.core.ids import CallId
from cordpair.engine.why import Told, lines, read_told, words_of
from cordpair.settings import read_settings


def add_to(app: typer.Typer) -> None:
    """Add the command."""

    @app.command("why")
    def why_command(
        call: Annotated[str, typer.Argument(help="The call's id, as the floor page and the logs name it.")],
        tenant: Annotated[
            str | None, typer.Option("--tenant", help="Entra tenant id; where there are several.")
        ] = None,
        as_json: Annotated[bool, typer.Option("--json", help="Print the history as JSON.")] = False,
        lang: Annotated[str, typer.Option("--lang", help=HELP)] = "",
    ) -> None:
        """Tell the life of a call: each offer with its rule, the candidates, the step and who would have been next."""
        language = chosen_language(lang, os.environ)
        told = asyncio.run(_read(CallId(call.strip().lower()), tenant))
        if as_json:
            print(json.dumps(msgspec.to_builtins(told.history), indent=2))
        else:
            print("\n".join(lines(told, words_of(language))))


async def _read(call: CallId, named: str | None) -> Told:
    async with open_store(read_settings()) as store:
        tenant = await the_tenant(store, named)
        async with store.open_tenant(tenant) as rows:
            return await read_told(rows, call)
